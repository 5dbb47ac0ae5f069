import { escapeHtml, scriptJson } from "./escape.ts";
import type { Line, Series } from "./series.ts";
import { type Panel, panelsOf } from "./series-panels.ts";
import { count, counted } from "./wording.ts";

/** Edges of the plotting area in the units of the drawing, which the script uses too. */
export const plotArea = { width: 640, height: 260, left: 64, right: 628, top: 12, bottom: 224 } as const;

/** The part of the page that shows values over time; the script draws the lines of the name that is chosen. */
export function seriesSection(series: Series): string {
  const { samples, columns } = series;
  const names = [...samples.byName.keys()];
  const figures = panelsOf(series).map(
    (panel) =>
      `<figure><h3>${escapeHtml(panel.title)}</h3>${panelSvg(panel)}<p class="reading" role="status">&nbsp;</p></figure>`,
  );
  const options = names.map((name, index) => `<option value="${index}">${escapeHtml(name)}</option>`);
  const choice =
    columns.by === undefined
      ? ""
      : `<label for="series-name">${escapeHtml(columns.by)}</label> <select id="series-name">${options.join("")}</select> `;
  return `<section aria-labelledby="series-title">
<h2 id="series-title">Over time</h2>
<p class="series-choice">${choice}<span class="note">${escapeHtml(noteOf(series))}</span></p>
<div class="curves" id="series-panels">${figures.join("")}</div>
</section>
<script type="application/json" id="series-data">${scriptJson(dataOf(series))}</script>`;
}

/** "1,000,000 rows, satellite_name: 1,000". */
export function seriesSummary({ samples, columns }: Series): string {
  const rows = counted(samples.rowCount, "row");
  return columns.by === undefined ? rows : `${rows}, ${columns.by}: ${count(samples.nameCount)}`;
}

function noteOf({ samples, means }: Series): string {
  const notes = ["Grey: rows", means.byName.size === 0 ? ". " : "; blue: means. ", "Times are UTC."];
  if (samples.byName.size < samples.nameCount) {
    notes.push(` Drawn: the first ${samples.byName.size} of ${count(samples.nameCount)} names.`);
  }
  if ([...samples.byName.values()].some(({ rowCount, times }) => times.length < rowCount)) {
    notes.push(" Of names with many rows, a random sample is drawn.");
  }
  return notes.join("");
}

function panelSvg(panel: Panel): string {
  const { width, height, left, right, top, bottom } = plotArea;
  const y = (value: number): number => round(bottom - share(value, panel.yRange) * (bottom - top));
  const x = (value: number): number => round(left + share(value, panel.xRange) * (right - left));
  const rules = panel.yTicks.map(
    ({ value, text }) =>
      `<line class="rule" x1="${left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${text}</text>`,
  );
  const times = panel.xTicks.map(
    ({ value, text }) =>
      `<text class="tick" x="${x(value)}" y="${bottom + 22}" text-anchor="middle">${escapeHtml(text)}</text>`,
  );
  const name = escapeHtml(`${panel.title} over time`);
  return `<svg class="curve series" viewBox="0 0 ${width} ${height}" role="img" tabindex="0" aria-label="${name}" data-low="${panel.yRange[0]}" data-high="${panel.yRange[1]}">${rules.join("")}${times.join("")}<path class="samples"/><path class="means"/><circle class="current" r="4" hidden/></svg>`;
}

/** What the script gets: times as seconds after `origin`, float32 arrays as base64 of their little-endian bytes. */
function dataOf(series: Series): object {
  const [panel] = panelsOf(series);
  const [origin, end] = panel!.xRange;
  const packed = (line: Line | undefined): object | null =>
    line === undefined
      ? null
      : {
          times: base64(line.times, (time) => (time - origin) / 1000),
          values: line.values.map((values) => base64(values, (value) => value)),
        };
  const lines = [...series.samples.byName].map(([name, line]) => ({
    samples: packed(line),
    means: packed(series.means.byName.get(name)),
  }));
  return { origin, seconds: (end - origin) / 1000, area: plotArea, lines };
}

function base64(values: Float64Array, as: (value: number) => number): string {
  const { buffer } = Float32Array.from(values, as);
  return Buffer.from(buffer).toString("base64");
}

function share(value: number, [low, high]: readonly [number, number]): number {
  return (value - low) / (high - low);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
