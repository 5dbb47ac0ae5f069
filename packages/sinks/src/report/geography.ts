import { createRequire } from "node:module";
import { geoPath, geoProjection } from "d3-geo";
import { feature, mesh, type Topology } from "topojson-client";
import { type Box, type MapProjection, worldBox } from "./projection.ts";

/** Land and borders as SVG path data on the map plane. */
export interface Geography {
  readonly land: string;
  readonly borders: string;
  /** What the paths cover; beyond it there is nothing to show. */
  readonly covered: Box;
}

/** Views narrower than this many degrees get the finer coastline. */
const regionalDegrees = 40;

/**
 * Coastlines and country borders (Natural Earth, public domain) for a view: 1:110 million for the whole world, or for
 * a regional view 1:50 million, cut to twice the view. About 100 kB of text; 15 ms, or 50 ms for a region.
 */
export function geographyFor(projection: MapProjection, view: Box): Geography {
  const world = worldBox(projection);
  const regional = view.x1 - view.x0 < regionalDegrees;
  const covered = regional ? around(view, world) : world;
  const topology = atlas(regional ? "50m" : "110m");
  const planar = geoProjection((longitude, latitude) => [longitude * projection.stretch, latitude])
    .rotate([-projection.centralLongitude, 0])
    .scale(180 / Math.PI)
    .translate([0, 0])
    .precision(0.1)
    .clipExtent([
      [covered.x0, covered.y0],
      [covered.x1, covered.y1],
    ]);
  const path = geoPath(planar).digits(2);
  return {
    land: path(feature(topology, topology.objects.land)) ?? "",
    borders: path(mesh(topology, topology.objects.countries, (a, b) => a !== b)) ?? "",
    covered,
  };
}

function atlas(scale: "110m" | "50m"): Topology {
  return createRequire(import.meta.url)(`world-atlas/countries-${scale}.json`) as Topology;
}

function around(view: Box, world: Box): Box {
  const width = (view.x1 - view.x0) / 2;
  const height = (view.y1 - view.y0) / 2;
  return {
    x0: Math.max(world.x0, view.x0 - width),
    y0: Math.max(world.y0, view.y0 - height),
    x1: Math.min(world.x1, view.x1 + width),
    y1: Math.min(world.y1, view.y1 + height),
  };
}
