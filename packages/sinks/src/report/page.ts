import { curveOf, type Measure } from "./curves.ts";
import { curveSvg } from "./curve-svg.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { pageDataOf } from "./page-data.ts";
import { curveScript } from "./page-curve-script.ts";
import { mapScript } from "./page-map-script.ts";
import { seriesScript } from "./page-series-script.ts";
import { style } from "./page-style.ts";
import type { Shape } from "./palette.ts";
import { labelled, placedCount } from "./points.ts";
import type { Scene } from "./scene.ts";
import { seriesSection, seriesSummary } from "./series-section.ts";
import { count, latitudeText, longitudeText, omissionsText, quantity, summaryText } from "./wording.ts";

/**
 * The report as one HTML document. It loads nothing: data, style and script stand in it, and its content security
 * policy forbids everything else. `pictures` are names of files beside it, offered as links.
 */
export function renderPage(scene: Scene, pictures: readonly string[]): string {
  const hasMap = placedCount(scene.points) > 0;
  const { series } = scene;
  const hasSeries = series !== undefined && series.samples.byName.size > 0;
  const map = hasMap ? mapSection(scene) : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(scene.title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<div><h1>${escapeHtml(scene.title)}</h1><p>${escapeHtml(summary(scene))}</p></div>
<button type="button" id="theme" aria-label="Switch between light and dark">◐</button>
</header>
<main>
${scene.hasPoints && !hasMap ? emptyNote(scene) : map}
${curvesSection(scene)}
${clusterTable(scene)}
${hasSeries ? seriesSection(series) : ""}${scene.hasPoints || hasSeries ? "" : noRows}
</main>
<footer>${pictureLinks(pictures)}<p>${hasMap ? "Coastlines and borders: Natural Earth. " : ""}Made with Sferic.</p></footer>
${hasMap ? `<script type="application/json" id="report-data">${scriptJson(pageDataOf(scene))}</script>` : ""}
<script>${hasMap ? mapScript : ""}${curveScript}${hasSeries ? seriesScript : ""}</script>
</body>
</html>
`;
}

const noRows = `<section class="empty"><h2>Nothing to draw</h2><p>The input had no rows.</p></section>`;

function summary({ points, hasPoints, series }: Scene): string {
  const parts = [...(hasPoints ? [summaryText(points)] : []), ...(series === undefined ? [] : [seriesSummary(series)])];
  return parts.join(" · ");
}

function emptyNote(scene: Scene): string {
  const { rowCount } = scene.points;
  const reason =
    rowCount === 0
      ? "The input had no rows."
      : `The input had ${count(rowCount)} ${rowCount === 1 ? "row" : "rows"}, none with a valid longitude and latitude.`;
  return `<section class="empty"><h2>No points</h2><p>${reason}</p></section>`;
}

function mapSection(scene: Scene): string {
  const notes = omissionsText(scene.points);
  return `<section aria-labelledby="map-title">
<h2 id="map-title">Map</h2>
<div class="map-layout">
<figure>
<div class="map" id="map">
<canvas id="map-canvas" tabindex="0" role="img" aria-label="${escapeHtml(`Map: ${summaryText(scene.points)}. The table of clusters below holds the same in numbers.`)}" aria-describedby="map-help"></canvas>
<div class="ring" id="map-ring" hidden></div>
<div class="tooltip" id="map-tooltip" role="status" hidden></div>
<div class="zoom"><button type="button" id="zoom-in" aria-label="Zoom in">+</button><button type="button" id="zoom-out" aria-label="Zoom out">−</button><button type="button" id="zoom-fit" aria-label="Show all points">⤢</button></div>
</div>
<div class="time" id="time" hidden><button type="button" id="time-play" aria-label="Play over time">▶</button><input type="range" id="time-step" min="0" value="0" aria-label="Stretch of time"><output id="time-text" for="time-step"></output></div>
<figcaption><span id="map-help">Drag to move; scroll after a click, pinch, or use + − 0 and the arrow keys.</span> ${escapeHtml(notes)}</figcaption>
</figure>
${legend(scene)}
</div>
</section>`;
}

function legend(scene: Scene): string {
  const largest = Math.max(...scene.points.clusters.map(({ size }) => size));
  const rows = scene.points.clusters.map(({ label, size }, index) => {
    const { colour, shape } = scene.marks[index]!;
    const name = label === null ? "no cluster" : String(label);
    const share = Math.max(1, Math.round((size / largest) * 100));
    return `<li><button type="button" data-cluster="${index}" aria-pressed="false">${swatch(shape, colour)}<span>${name}</span><span class="bar"><i style="width:${share}%;background:${colour}"></i></span><span class="size">${count(size)}</span></button></li>`;
  });
  return `<aside aria-label="Clusters, with their number of points"><h3>Cluster <span>points</span></h3><ul class="legend">${rows.join("")}</ul></aside>`;
}

const outlines: Record<Shape, (colour: string) => string> = {
  disc: (colour) => `<circle cx="8" cy="8" r="6" fill="${colour}"/>`,
  ring: (colour) => `<circle cx="8" cy="8" r="4.5" fill="none" stroke="${colour}" stroke-width="3"/>`,
  square: (colour) => `<rect x="3" y="3" width="10" height="10" fill="${colour}"/>`,
  diamond: (colour) => `<path d="M8 1 15 8 8 15 1 8Z" fill="${colour}"/>`,
};

function swatch(shape: Shape, colour: string): string {
  return `<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">${outlines[shape](colour)}</svg>`;
}

function curvesSection(scene: Scene): string {
  const { choice } = scene;
  if (choice === undefined) return "";
  const figures = (["inertia", "silhouette"] satisfies Measure[]).map((measure) => {
    const curve = curveOf(choice, measure, labelled(scene.points).length);
    if (curve === undefined) return "";
    return `<figure><h3>${escapeHtml(curve.title)}</h3><p class="axis-title">${escapeHtml(curve.yTitle)}</p>${curveSvg(curve)}<p class="reading" role="status">&nbsp;</p></figure>`;
  });
  const rows = choice.k.map((k, index) => {
    const marks = [k === choice.best ? "best silhouette" : "", k === choice.knee ? "knee" : ""]
      .filter(Boolean)
      .join(", ");
    return `<tr><th scope="row">${k}</th><td>${quantity(choice.inertia[index]!)}</td><td>${quantity(choice.silhouette[index]!)}</td><td>${quantity(choice.iterations[index]!)}</td><td class="text">${marks}</td></tr>`;
  });
  return `<section aria-labelledby="choice-title">
<h2 id="choice-title">How many clusters?</h2>
<div class="curves">${figures.join("")}</div>
<details><summary>All values</summary><div class="scroll"><table><thead><tr><th scope="col">k</th><th scope="col">Inertia</th><th scope="col">Mean silhouette</th><th scope="col">Iterations</th><th scope="col" class="text">Marked as</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>
</section>`;
}

function clusterTable(scene: Scene): string {
  const placed = placedCount(scene.points);
  if (placed === 0) return "";
  const rows = scene.points.clusters.map(({ label, size, longitude, latitude }, index) => {
    const { colour, shape } = scene.marks[index]!;
    const share = ((size / placed) * 100).toFixed(1);
    return `<tr><th scope="row">${swatch(shape, colour)} ${label ?? "no cluster"}</th><td>${count(size)}</td><td>${share} %</td><td>${latitudeText(latitude, 2)}</td><td>${longitudeText(longitude, 2)}</td></tr>`;
  });
  return `<section aria-labelledby="clusters-title">
<h2 id="clusters-title">Clusters</h2>
<div class="scroll"><table><thead><tr><th scope="col">Cluster</th><th scope="col">Points</th><th scope="col">Share</th><th scope="col">Mean latitude</th><th scope="col">Mean longitude</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>
</section>`;
}

function pictureLinks(names: readonly string[]): string {
  if (names.length === 0) return "";
  const links = names.map((name) => `<a href="${escapeHtml(encodeURIComponent(name))}">${escapeHtml(name)}</a>`);
  return `<p>Pictures beside this page: ${links.join(", ")}</p>`;
}
