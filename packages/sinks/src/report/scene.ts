import { type Choice } from "./choice.ts";
import { type Geography, geographyFor } from "./geography.ts";
import { assignMarks, type Mark, unlabelledColour } from "./palette.ts";
import { labelled, type Points } from "./points.ts";
import { type Box, planeX, viewBox } from "./projection.ts";
import type { Series } from "./series.ts";

/** What a report is of. */
export interface Contents {
  readonly points: Points;
  /** Whether points were to be drawn; there are none otherwise. */
  readonly hasPoints: boolean;
  readonly choice: Choice | undefined;
  readonly series: Series | undefined;
}

/** Everything that page, pictures and animation draw, decided once so that they agree. */
export interface Scene extends Contents {
  readonly title: string;
  /** The part of the map plane that holds the points. */
  readonly view: Box;
  readonly geography: Geography;
  /** One per cluster of `points`. */
  readonly marks: readonly Mark[];
}

/** Chooses view, coastline and colours. */
export function sceneOf(title: string, contents: Contents): Scene {
  const { points } = contents;
  const view = viewBox(points.projection, points.extent);
  const sites = labelled(points).map(({ longitude, latitude, size }) => ({
    x: planeX(points.projection, longitude),
    y: -latitude,
    weight: size,
  }));
  const marks = assignMarks(sites);
  const hasUnlabelled = marks.length < points.clusters.length;
  return {
    title,
    ...contents,
    view,
    geography: geographyFor(points.projection, view),
    marks: hasUnlabelled ? [...marks, { colour: unlabelledColour, shape: "disc" }] : marks,
  };
}
