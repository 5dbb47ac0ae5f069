import { Path2D } from "@napi-rs/canvas";
import type { Geography } from "./geography.ts";
import { type MapFrame, pixelOf, scaleOf } from "./map-frame.ts";
import type { Mark } from "./palette.ts";
import { type Context, ink, write } from "./pictures.ts";
import type { Cluster, Points } from "./points.ts";
import { type Box, graticuleStep, worldBox, wrap } from "./projection.ts";
import { type PointStyle, stampPoints } from "./stamps.ts";
import { latitudeText, longitudeText } from "./wording.ts";

/** Ocean, land, coast, borders and graticule; the lines of the graticule are labelled outside the frame. */
export function drawGround(context: Context, frame: MapFrame, geography: Geography): void {
  const scale = scaleOf(frame);
  context.save();
  context.beginPath();
  context.rect(frame.x, frame.y, frame.width, frame.height);
  context.clip();
  context.translate(frame.x - frame.view.x0 * scale, frame.y - frame.view.y0 * scale);
  context.scale(scale, scale);
  const world = worldBox(frame.projection);
  context.fillStyle = ink.ocean;
  context.fillRect(world.x0, world.y0, world.x1 - world.x0, world.y1 - world.y0);
  const land = new Path2D(geography.land);
  context.fillStyle = ink.land;
  context.fill(land);
  context.lineJoin = "round";
  context.strokeStyle = ink.border;
  context.lineWidth = 1 / scale;
  context.stroke(new Path2D(geography.borders));
  context.strokeStyle = ink.coast;
  context.lineWidth = 1.2 / scale;
  context.stroke(land);
  context.restore();
  drawGraticule(context, frame);
  context.strokeStyle = ink.coast;
  context.lineWidth = 1;
  context.strokeRect(frame.x + 0.5, frame.y + 0.5, frame.width - 1, frame.height - 1);
}

function drawGraticule(context: Context, frame: MapFrame): void {
  const { view, projection } = frame;
  const step = graticuleStep(view.y1 - view.y0);
  const digits = step < 1 ? 1 : 0;
  context.strokeStyle = ink.graticule;
  context.lineWidth = 1;
  context.beginPath();
  for (const latitude of multiples(step, Math.max(-view.y1, -90), Math.min(-view.y0, 90))) {
    const [, y] = pixelOf(frame, projection.centralLongitude, latitude);
    context.moveTo(frame.x, y);
    context.lineTo(frame.x + frame.width, y);
    write(context, latitudeText(latitude, digits), frame.x - 8, y, {
      size: 15,
      colour: ink.muted,
      align: "right",
      baseline: "middle",
    });
  }
  const west = Math.max(view.x0 / projection.stretch, -180) + projection.centralLongitude;
  const east = Math.min(view.x1 / projection.stretch, 180) + projection.centralLongitude;
  for (const longitude of multiples(step, west, east)) {
    const offset = (longitude - projection.centralLongitude) * projection.stretch;
    const x = frame.x + (offset - view.x0) * scaleOf(frame);
    context.moveTo(x, frame.y);
    context.lineTo(x, frame.y + frame.height);
    const text = longitudeText(wrap(longitude), digits);
    write(context, text, x, frame.y + frame.height + 20, { size: 15, colour: ink.muted, align: "center" });
  }
  context.stroke();
}

function multiples(step: number, low: number, high: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const length = Math.max(0, Math.floor(high / step + 1e-9) - first + 1);
  return Array.from({ length }, (_, index) => (first + index) * step);
}

/** Draws the points cluster by cluster; `marks` has one entry per cluster of `points`. */
export function drawPoints(
  context: Context,
  frame: MapFrame,
  points: Points,
  marks: readonly Mark[],
  style: PointStyle,
): void {
  const image = context.getImageData(frame.x, frame.y, frame.width, frame.height);
  stampPoints(image, { ...frame, x: 0, y: 0 }, points, marks, style);
  context.putImageData(image, frame.x, frame.y);
}

/** Writes each label at its centroid, largest cluster first; a label that would cover another is left out. */
export function drawLabels(context: Context, frame: MapFrame, clusters: readonly Cluster[], size: number): void {
  const taken: Box[] = [];
  for (const cluster of clusters.filter(({ label }) => label !== null).toSorted((a, b) => b.size - a.size)) {
    const text = String(cluster.label);
    const [x, middle] = pixelOf(frame, cluster.longitude, cluster.latitude);
    // A label would hide the few points there are.
    const y = cluster.size < 5 ? middle - size : middle;
    const half = (text.length * size) / 3 + 2;
    const box = { x0: x - half, y0: y - size / 2, x1: x + half, y1: y + size / 2 };
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    const style = { size, weight: 600, align: "center", baseline: "middle", halo: "rgba(255, 255, 255, 0.9)" } as const;
    write(context, text, x, y, style);
  }
}

function overlap(a: Box, b: Box): boolean {
  return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}
