import type { Canvas } from "@napi-rs/canvas";
import { blankPicture, type Context, ink, write } from "./pictures.ts";
import type { Line, Series } from "./series.ts";
import { type Panel, panelsOf } from "./series-panels.ts";

const rowCountMax = 6;
const panelWidth = 340;
const panelHeight = 150;
const columnGap = 70;
const rowGap = 26;
const left = 150;
const top = 132;

/** Small multiples: a row for each of the first six names, a column for each value. */
export function drawSeries(title: string, series: Series): Canvas {
  const panels = panelsOf(series);
  const names = [...series.samples.byName.keys()].slice(0, rowCountMax);
  const width = left + panels.length * (panelWidth + columnGap);
  const height = top + names.length * (panelHeight + rowGap) + 40;
  const { canvas, context } = blankPicture(Math.max(width, 640), height);
  write(context, title, 32, 52, { size: 30, weight: 600, widthMax: canvas.width - 64 });
  write(context, keyOf(series), 32, 84, { size: 17, colour: ink.muted, widthMax: canvas.width - 64 });
  for (const [column, panel] of panels.entries()) {
    const x = left + column * (panelWidth + columnGap);
    write(context, panel.title, x, top - 14, { size: 18, weight: 600, widthMax: panelWidth });
    for (const [row, name] of names.entries()) {
      const y = top + row * (panelHeight + rowGap);
      const box: Box = { x, y, width: panelWidth, height: panelHeight };
      drawAxes(context, panel, box, row === names.length - 1);
      drawLine(context, panel, box, series.samples.byName.get(name), column, { colour: ink.coast, width: 1 });
      drawLine(context, panel, box, series.means.byName.get(name), column, { colour: ink.accent, width: 3 });
    }
  }
  for (const [row, name] of names.entries()) {
    const y = top + row * (panelHeight + rowGap) + panelHeight / 2;
    write(context, name, 24, y, { size: 18, weight: 600, baseline: "middle", widthMax: left - 80 });
  }
  return canvas;
}

function keyOf({ columns, samples, means }: Series): string {
  const shown = Math.min(rowCountMax, samples.byName.size);
  const names = columns.by === undefined ? "" : `${columns.by}: ${shown} of ${samples.nameCount} · `;
  return `${names}grey: rows${means.byName.size === 0 ? "" : ", blue: means"} · times in UTC`;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawAxes(context: Context, panel: Panel, box: Box, hasTimes: boolean): void {
  context.strokeStyle = ink.rule;
  context.lineWidth = 1;
  const { yTicks } = panel;
  for (const { value, text } of [yTicks[0]!, yTicks[Math.floor(yTicks.length / 2)]!, yTicks.at(-1)!]) {
    const y = Math.round(placed(value, panel.yRange, box.y + box.height, box.y)) + 0.5;
    context.beginPath();
    context.moveTo(box.x, y);
    context.lineTo(box.x + box.width, y);
    context.stroke();
    write(context, text, box.x - 6, y, { size: 13, colour: ink.muted, align: "right", baseline: "middle" });
  }
  if (!hasTimes) return;
  for (const { value, text } of panel.xTicks) {
    const x = placed(value, panel.xRange, box.x, box.x + box.width);
    write(context, text, x, box.y + box.height + 20, { size: 13, colour: ink.muted, align: "center" });
  }
}

function drawLine(
  context: Context,
  panel: Panel,
  box: Box,
  line: Line | undefined,
  column: number,
  { colour, width }: { readonly colour: string; readonly width: number },
): void {
  if (line === undefined) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  for (const [index, time] of line.times.entries()) {
    const value = line.values[column]![index]!;
    if (Number.isNaN(value)) continue;
    const x = placed(time, panel.xRange, box.x, box.x + box.width);
    context.lineTo(x, placed(value, panel.yRange, box.y + box.height, box.y));
  }
  context.stroke();
}

function placed(value: number, [low, high]: readonly [number, number], from: number, to: number): number {
  return from + ((value - low) / (high - low)) * (to - from);
}
