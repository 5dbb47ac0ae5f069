import { type Curve, type Landmark, type Plot, plotOf } from "./curves.ts";
import { escapeHtml } from "./escape.ts";
import { quantity } from "./wording.ts";

const width = 640;
const height = 420;

/**
 * A curve as an SVG element whose colours are CSS classes. Every sample is a `<circle>` with its values in data
 * attributes, which the script in the page reads for hovering and arrow keys.
 */
export function curveSvg(curve: Curve): string {
  const top = 16 + 22 * curve.landmarks.length;
  const plot = plotOf(curve, 92, top, width - 16, height - 56);
  const parts = [
    ...axes(curve, plot),
    ...curve.landmarks.map((landmark, row) => landmarkSvg(plot, landmark, 14 + 22 * row)),
    `<polyline class="line" points="${curve.samples.map(({ k, value }) => at(plot.x(k), plot.y(value))).join(" ")}"/>`,
    ...samples(curve, plot),
  ];
  const name = escapeHtml(`${curve.title}. ${curve.landmarks.map(({ text }) => text).join("; ")}`);
  return `<svg class="curve" viewBox="0 0 ${width} ${height}" role="img" tabindex="0" aria-label="${name}" data-measure="${curve.measure}">${parts.join("")}</svg>`;
}

function axes(curve: Curve, plot: Plot): string[] {
  const middle = round((plot.left + plot.right) / 2);
  return [
    ...curve.yTicks.map(({ value, text }) => {
      const y = round(plot.y(value));
      return `<line class="rule" x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"/><text class="tick" x="${plot.left - 8}" y="${y + 4}" text-anchor="end">${text}</text>`;
    }),
    ...curve.xTicks.map(
      (k) => `<text class="tick" x="${round(plot.x(k))}" y="${plot.bottom + 22}" text-anchor="middle">${k}</text>`,
    ),
    `<text class="axis" x="${middle}" y="${plot.bottom + 48}" text-anchor="middle">${escapeHtml(curve.xTitle)}</text>`,
  ];
}

function landmarkSvg(plot: Plot, landmark: Landmark, y: number): string {
  const x = round(plot.x(landmark.k));
  const isRight = x > (plot.left + plot.right) / 2;
  const anchor = isRight ? "end" : "start";
  return `<g class="landmark ${landmark.kind}"><line x1="${x}" x2="${x}" y1="${y - 8}" y2="${plot.bottom}"/><text x="${x + (isRight ? -8 : 8)}" y="${y + 4}" text-anchor="${anchor}">${escapeHtml(landmark.text)}</text></g>`;
}

function samples(curve: Curve, plot: Plot): string[] {
  return curve.samples.map(({ k, value }) => {
    const kind = curve.landmarks.find((landmark) => landmark.k === k)?.kind ?? "plain";
    return `<circle class="${kind}" cx="${round(plot.x(k))}" cy="${round(plot.y(value))}" r="${kind === "plain" ? 3.5 : 6}" data-k="${k}" data-value="${quantity(value)}"/>`;
  });
}

function at(x: number, y: number): string {
  return `${round(x)},${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
