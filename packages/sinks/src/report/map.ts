import type { Canvas } from "@napi-rs/canvas";
import { frameOf, type MapFrame } from "./map-frame.ts";
import { drawGround, drawLabels, drawPoints } from "./map-layers.ts";
import { type Context, blankPicture, ink, write } from "./pictures.ts";
import type { Scene } from "./scene.ts";
import { drawShape, pointRadius } from "./stamps.ts";
import { count, omissionsText, summaryText } from "./wording.ts";

const margin = { left: 84, top: 112, right: 300, bottom: 84 };
const mapWidth = 1216;

/** The map of at least one point as a picture 1600 pixels wide: title, map, legend with sizes, a note of what is drawn. */
export function drawMap(scene: Scene): Canvas {
  const frame = frameOf(margin.left, margin.top, mapWidth, scene.view, scene.points.projection);
  const height = margin.top + frame.height + margin.bottom;
  const { canvas, context } = blankPicture(margin.left + mapWidth + margin.right, height);
  write(context, scene.title, 32, 54, { size: 34, weight: 600, widthMax: canvas.width - 64 });
  write(context, summaryText(scene.points), 32, 88, { size: 20, colour: ink.muted, widthMax: canvas.width - 64 });
  drawGround(context, frame, scene.geography);
  const drawn = scene.points.longitudes.length;
  drawPoints(context, frame, scene.points, scene.marks, {
    radius: pointRadius(drawn),
    opacity: drawn > 10_000 ? 0.75 : 0.9,
  });
  drawLabels(context, frame, scene.points.clusters, 18);
  drawLegend(context, scene, frame);
  const note = `Equirectangular projection. Coastlines and borders: Natural Earth. ${omissionsText(scene.points)}`;
  write(context, note, 32, height - 22, { size: 15, colour: ink.muted, widthMax: canvas.width - 64 });
  return canvas;
}

function drawLegend(context: Context, scene: Scene, frame: MapFrame): void {
  const left = frame.x + frame.width + 32;
  const right = frame.x + frame.width + margin.right - 32;
  const { clusters } = scene.points;
  write(context, "Cluster", left, frame.y + 14, { size: 16, weight: 600 });
  write(context, "points", right, frame.y + 14, { size: 16, colour: ink.muted, align: "right" });
  const rowHeight = 30;
  const fitting = Math.floor((frame.height - 40) / rowHeight);
  const shown = clusters.length <= fitting ? clusters.length : fitting - 1;
  for (let index = 0; index < shown; index++) {
    const y = frame.y + 44 + index * rowHeight;
    const { label, size } = clusters[index]!;
    const mark = scene.marks[index]!;
    drawShape(context, mark.shape, left + 9, y, 8, mark.colour);
    write(context, label === null ? "no cluster" : String(label), left + 32, y, { size: 18, baseline: "middle" });
    write(context, count(size), right, y, { size: 18, align: "right", baseline: "middle" });
  }
  if (shown < clusters.length) {
    const y = frame.y + 44 + shown * rowHeight;
    const text = `and ${count(clusters.length - shown)} more`;
    write(context, text, left + 32, y, { size: 18, colour: ink.muted, baseline: "middle" });
  }
}
