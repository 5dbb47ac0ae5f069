import type { Canvas } from "@napi-rs/canvas";
import { type Curve, type Landmark, type Plot, plotOf } from "./curves.ts";
import { blankPicture, type Context, ink, write } from "./pictures.ts";

const width = 1200;
const height = 760;
const landmarkColour: Record<Landmark["kind"], string> = { best: ink.accent, knee: ink.knee, used: ink.muted };

/** A curve as a picture of 1200 × 760 pixels. */
export function drawCurve(curve: Curve): Canvas {
  const { canvas, context } = blankPicture(width, height);
  write(context, curve.title, 32, 52, { size: 30, weight: 600 });
  write(context, curve.yTitle, 32, 88, { size: 19, colour: ink.muted });
  const top = 124 + 28 * curve.landmarks.length;
  const plot = plotOf(curve, 130, top, width - 40, height - 84);
  drawAxes(context, curve, plot);
  for (const [row, landmark] of curve.landmarks.entries()) drawLandmark(context, plot, landmark, 128 + 28 * row);
  drawLine(context, curve, plot);
  return canvas;
}

function drawAxes(context: Context, curve: Curve, plot: Plot): void {
  context.lineWidth = 1;
  context.strokeStyle = ink.rule;
  for (const { value, text } of curve.yTicks) {
    const y = Math.round(plot.y(value)) + 0.5;
    context.beginPath();
    context.moveTo(plot.left, y);
    context.lineTo(plot.right, y);
    context.stroke();
    write(context, text, plot.left - 12, y, { size: 18, colour: ink.muted, align: "right", baseline: "middle" });
  }
  for (const k of curve.xTicks) {
    write(context, String(k), plot.x(k), plot.bottom + 28, { size: 18, colour: ink.muted, align: "center" });
  }
  const middle = (plot.left + plot.right) / 2;
  write(context, curve.xTitle, middle, plot.bottom + 64, { size: 19, colour: ink.muted, align: "center" });
}

function drawLandmark(context: Context, plot: Plot, landmark: Landmark, y: number): void {
  const x = plot.x(landmark.k);
  const colour = landmarkColour[landmark.kind];
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash(landmark.kind === "best" ? [] : landmark.kind === "knee" ? [9, 6] : [2, 5]);
  context.beginPath();
  context.moveTo(x, y - 8);
  context.lineTo(x, plot.bottom);
  context.stroke();
  context.setLineDash([]);
  const isRight = x > (plot.left + plot.right) / 2;
  const align = isRight ? "right" : "left";
  const style = { size: 19, weight: 600, colour, align, baseline: "middle", halo: ink.paper } as const;
  write(context, landmark.text, x + (isRight ? -10 : 10), y, style);
}

function drawLine(context: Context, curve: Curve, plot: Plot): void {
  context.strokeStyle = ink.text;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.beginPath();
  for (const { k, value } of curve.samples) context.lineTo(plot.x(k), plot.y(value));
  context.stroke();
  for (const { k, value } of curve.samples) {
    const landmark = curve.landmarks.find((candidate) => candidate.k === k);
    context.beginPath();
    context.arc(plot.x(k), plot.y(value), landmark === undefined ? 5 : 9, 0, 2 * Math.PI);
    context.fillStyle = landmark === undefined ? ink.text : landmarkColour[landmark.kind];
    context.fill();
    context.strokeStyle = ink.paper;
    context.lineWidth = 2;
    context.stroke();
  }
}
