import { setImmediate as nextTurn } from "node:timers/promises";
import { drawCurve } from "./curve-picture.ts";
import { curveOf } from "./curves.ts";
import { encodeAnimation, stepsOf } from "./animation.ts";
import { drawMap } from "./map.ts";
import type { ReportNames } from "./names.ts";
import { renderPage } from "./page.ts";
import { labelled, placedCount } from "./points.ts";
import { type Contents, type Scene, sceneOf } from "./scene.ts";
import { drawSeries } from "./series-picture.ts";

/** A file of the report, before it is written. */
export interface ReportFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Renders the page and its pictures; the page comes first. Yields to the event loop between pictures; PNG compression
 * runs on other threads meanwhile. Rejects with the signal's reason when it is aborted.
 */
export async function renderReport(
  title: string,
  names: ReportNames,
  contents: Contents,
  signal: AbortSignal,
): Promise<ReportFile[]> {
  const scene = sceneOf(title, contents);
  const { points, choice, series } = contents;
  const pause = async (): Promise<void> => {
    await nextTurn();
    signal.throwIfAborted();
  };
  const pictures: Promise<ReportFile>[] = [];
  if (placedCount(points) > 0) pictures.push(encoded(names.map, drawMap(scene)));
  await pause();
  for (const [measure, name] of [
    ["inertia", names.elbow],
    ["silhouette", names.silhouette],
  ] as const) {
    const curve = choice && curveOf(choice, measure, labelled(points).length);
    if (curve !== undefined) pictures.push(encoded(name, drawCurve(curve)));
  }
  await pause();
  if (series !== undefined && series.samples.byName.size > 0) {
    pictures.push(encoded(names.series, drawSeries(title, series)));
    await pause();
  }
  const animation = await animated(scene, names.animation, pause);
  const files = [...(await Promise.all(pictures)), ...animation];
  const page = renderPage(
    scene,
    files.map(({ name }) => name),
  );
  return [{ name: names.page, bytes: Buffer.from(page) }, ...files];
}

async function encoded(name: string, canvas: ReturnType<typeof drawMap>): Promise<ReportFile> {
  return { name, bytes: await canvas.encode("png") };
}

async function animated(scene: Scene, name: string, pause: () => Promise<void>): Promise<ReportFile[]> {
  const steps = stepsOf(scene.points);
  return steps.length < 2 ? [] : [{ name, bytes: await encodeAnimation(scene, steps, pause) }];
}
