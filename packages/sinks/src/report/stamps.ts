import { createCanvas } from "@napi-rs/canvas";
import type { Mark, Shape } from "./palette.ts";
import { type Context, ink } from "./pictures.ts";
import type { Points } from "./points.ts";
import { planeX } from "./projection.ts";
import { type MapFrame, scaleOf } from "./map-frame.ts";

/** RGBA pixels, without premultiplied alpha, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Which of the drawn points to draw, and how. */
export interface PointStyle {
  /** Pixels. */
  readonly radius: number;
  /** 0 to 1. */
  readonly opacity: number;
  /** Only points with `from` ≤ time < `to`, in milliseconds. */
  readonly during?: readonly [from: number, to: number];
}

/** Radius of a point in pixels: smaller the more there are. */
export function pointRadius(pointCount: number): number {
  return Math.min(5.5, Math.max(2, 7 - 1.15 * Math.log10(Math.max(1, pointCount))));
}

/**
 * Blends the points into the frame's part of a picture, cluster by cluster; `marks` has one entry per cluster of
 * `points`. All points must lie in the frame's view; markers at its edge are moved inside. Many times faster than a canvas call per
 * point: 50,000 take about 10 ms.
 */
export function stampPoints(
  pixels: Pixels,
  frame: MapFrame,
  points: Points,
  marks: readonly Mark[],
  style: PointStyle,
): void {
  const { offsets, longitudes, latitudes, times } = points;
  const [from, to] = style.during ?? [-Infinity, Infinity];
  const scale = scaleOf(frame);
  // Unlabelled points, the last group, lie below the clusters.
  for (let cluster = marks.length - 1; cluster >= 0; cluster--) {
    const stamp = stampOf(marks[cluster]!, style, pixels.width);
    const half = stamp.side / 2;
    for (let index = offsets[cluster]!; index < offsets[cluster + 1]!; index++) {
      if (style.during !== undefined && !(times![index]! >= from && times![index]! < to)) continue;
      const x = (planeX(frame.projection, longitudes[index]!) - frame.view.x0) * scale;
      const y = (-latitudes[index]! - frame.view.y0) * scale;
      const left = frame.x + Math.min(Math.max(0, Math.round(x - half)), frame.width - stamp.side);
      const top = frame.y + Math.min(Math.max(0, Math.round(y - half)), frame.height - stamp.side);
      blend(pixels.data, stamp, (top * pixels.width + left) * 4);
    }
  }
}

/** The visible pixels of a marker, ready to be blended into pixels of one width. */
interface Stamp {
  readonly side: number;
  /** Where each pixel's red stands, counted from the red of the marker's top left corner. */
  readonly offsets: Int32Array;
  /** Four per pixel: red, green and blue times coverage, then what remains of the ground; coverage is 0 to 256. */
  readonly shares: Int32Array;
}

function stampOf(mark: Mark, { radius, opacity }: PointStyle, width: number): Stamp {
  const side = 2 * Math.ceil(radius * 1.2 + 1);
  const context = createCanvas(side, side).getContext("2d");
  drawShape(context, mark.shape, side / 2, side / 2, radius, mark.colour);
  const { data } = context.getImageData(0, 0, side, side);
  const offsets: number[] = [];
  const shares: number[] = [];
  for (let pixel = 0; pixel < side * side; pixel++) {
    const [red, green, blue, alpha] = data.subarray(pixel * 4, pixel * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const coverage = Math.round((alpha / 255) * opacity * 256);
    if (coverage === 0) continue;
    offsets.push((Math.floor(pixel / side) * width + (pixel % side)) * 4);
    shares.push(red * coverage, green * coverage, blue * coverage, 256 - coverage);
  }
  return { side, offsets: Int32Array.from(offsets), shares: Int32Array.from(shares) };
}

function blend(data: Uint8ClampedArray, { offsets, shares }: Stamp, start: number): void {
  for (let pixel = 0; pixel < offsets.length; pixel++) {
    const to = start + offsets[pixel]!;
    const from = pixel * 4;
    const ground = shares[from + 3]!;
    data[to] = (shares[from]! + data[to]! * ground) >> 8;
    data[to + 1] = (shares[from + 1]! + data[to + 1]! * ground) >> 8;
    data[to + 2] = (shares[from + 2]! + data[to + 2]! * ground) >> 8;
  }
}

/** One marker; a large one has a thin light rim. */
export function drawShape(context: Context, shape: Shape, x: number, y: number, radius: number, colour: string): void {
  context.beginPath();
  if (shape === "square") context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  else if (shape === "diamond") {
    context.moveTo(x, y - radius * 1.2);
    context.lineTo(x + radius * 1.2, y);
    context.lineTo(x, y + radius * 1.2);
    context.lineTo(x - radius * 1.2, y);
    context.closePath();
  } else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = shape === "ring" ? ink.paper : colour;
  context.fill();
  context.strokeStyle = shape === "ring" ? colour : "rgba(255, 255, 255, 0.8)";
  context.lineWidth = shape === "ring" ? Math.max(1, radius * 0.5) : 0.7;
  // Rims of small dense points would wash out the colours.
  if (shape === "ring" || radius > 2.5) context.stroke();
}
