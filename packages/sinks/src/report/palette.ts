/**
 * Colours and marker shapes of clusters.
 *
 * The palette was searched for, not picked: out of OKLCH colours with lightness 0.50 to 0.82 (visible on white and on
 * near-black), each next colour is the one farthest in OKLab from all before it, where the distance is the smallest of
 * normal vision and simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira, Fernandes 2009). A prefix of
 * the list is therefore the best set of that size.
 */
export const palette: readonly string[] = [
  "#fb817c",
  "#9615b5",
  "#c50a00",
  "#42d9fa",
  "#3a9bfd",
  "#2e7065",
  "#dbc70d",
  "#b18406",
  "#2a64f8",
  "#9461b1",
  "#a0d2b1",
  "#be9dc8",
  "#d7a10c",
  "#6b8358",
  "#b84086",
  "#db67e6",
  "#84573f",
  "#fb4f84",
  "#5c92c0",
  "#6637db",
  "#ffae85",
  "#96aef7",
  "#735ed1",
  "#ad6800",
];

/** Colour of points without a cluster. */
export const unlabelledColour = "#8c8f94";

/** How a point is drawn. Beyond {@link palette} clusters the colours repeat with the next shape. */
export const shapes = ["disc", "ring", "square", "diamond"] as const;
export type Shape = (typeof shapes)[number];

/** How the points of one cluster look. */
export interface Mark {
  readonly colour: string;
  readonly shape: Shape;
}

/** A place on the map plane, with the weight it has when colours are handed out (larger first). */
export interface Site {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
}

/**
 * A mark per site, all different up to 96 sites. Colours are handed out so that near sites look least alike: heaviest
 * first, each site takes the free colour whose likeness to its neighbours, weighted by nearness, is smallest.
 * O(n² · colours) for n sites, at most {@link palette}.length per round.
 */
export function assignMarks(sites: readonly Site[]): Mark[] {
  const order = sites.map((_, index) => index).toSorted((a, b) => sites[b]!.weight - sites[a]!.weight || a - b);
  const marks = Array.from<Mark>({ length: sites.length });
  for (let start = 0; start < order.length; start += palette.length) {
    const shape = shapes[(start / palette.length) % shapes.length]!;
    const round = order.slice(start, start + palette.length);
    for (const [index, colour] of coloursFor(round.map((site) => sites[site]!)).entries()) {
      marks[round[index]!] = { colour, shape };
    }
  }
  return marks;
}

function coloursFor(sites: readonly Site[]): string[] {
  const free = new Set(palette.slice(0, Math.max(8, sites.length)).map((_, index) => index));
  const reach = spread(sites) / 4 || 1;
  const chosen: number[] = [];
  for (const site of sites) {
    let best = -1;
    let bestLikeness = Infinity;
    for (const candidate of free) {
      let likeness = 0;
      for (const [index, other] of chosen.entries()) {
        const distance = Math.hypot(site.x - sites[index]!.x, site.y - sites[index]!.y);
        likeness += Math.exp(-distance / reach) / squaredDifference(candidate, other);
      }
      if (likeness < bestLikeness) [best, bestLikeness] = [candidate, likeness];
    }
    free.delete(best);
    chosen.push(best);
  }
  return chosen.map((index) => palette[index]!);
}

function spread(sites: readonly Site[]): number {
  const xs = sites.map((site) => site.x);
  const ys = sites.map((site) => site.y);
  return Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

const labs = palette.map(oklab);

/** Squared OKLab distance of two palette colours. */
function squaredDifference(a: number, b: number): number {
  return labs[a]!.reduce((sum, value, axis) => sum + (value - labs[b]![axis]!) ** 2, 0);
}

/** OKLab coordinates of an sRGB colour `#rrggbb` (Ottosson 2020). */
export function oklab(colour: string): [number, number, number] {
  const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(colour.slice(at, at + 2), 16) / 255)) as [
    number,
    number,
    number,
  ];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}
