import { type Box, type MapProjection, planeX } from "./projection.ts";

/** A rectangle of a picture, in whole pixels, that shows a part of the map plane. */
export interface MapFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly view: Box;
  readonly projection: MapProjection;
}

/** A frame of that width whose height follows from the view. */
export function frameOf(x: number, y: number, width: number, view: Box, projection: MapProjection): MapFrame {
  const height = Math.round((width * (view.y1 - view.y0)) / (view.x1 - view.x0));
  return { x, y, width, height, view, projection };
}

/** Pixels per unit of the map plane. */
export function scaleOf(frame: MapFrame): number {
  return frame.width / (frame.view.x1 - frame.view.x0);
}

/** Pixel of a place. */
export function pixelOf(frame: MapFrame, longitude: number, latitude: number): [x: number, y: number] {
  const scale = scaleOf(frame);
  return [
    frame.x + (planeX(frame.projection, longitude) - frame.view.x0) * scale,
    frame.y + (-latitude - frame.view.y0) * scale,
  ];
}
