import { createRequire } from "node:module";
import type { Colour } from "gifenc";
import { frameOf, type MapFrame } from "./map-frame.ts";
import { drawGround, drawPoints } from "./map-layers.ts";
import { palette, unlabelledColour } from "./palette.ts";
import { blankPicture, ink, write } from "./pictures.ts";
import { hourMs, type Points } from "./points.ts";
import type { Scene } from "./scene.ts";
import { type Pixels, pointRadius, stampPoints } from "./stamps.ts";
import { clockText, counted, spanText, timeText } from "./wording.ts";

/** One picture of the animation: the points of a stretch of time. */
export interface Step {
  /** Milliseconds since 1970; `to` is not included. */
  readonly from: number;
  readonly to: number;
  /** Rows in it, drawn or not. */
  readonly rowCount: number;
}

const stepHours = [1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160, 8760, 87_600, 876_000];

/**
 * The hours that have points, ascending; longer steps, from 2 hours up to a century, when there would be more than
 * `stepsMax`. Steps without points are left out.
 */
export function stepsOf(points: Points, stepsMax = 48): Step[] {
  let steps: Step[] = [];
  for (const hours of stepHours) {
    const counts = new Map<number, number>();
    for (const [hour, rowCount] of points.hours) {
      const step = Math.floor(hour / hours);
      counts.set(step, (counts.get(step) ?? 0) + rowCount);
    }
    const length = hours * hourMs;
    steps = [...counts].map(([step, rowCount]) => ({ from: step * length, to: (step + 1) * length, rowCount }));
    if (steps.length <= stepsMax) break;
  }
  return steps;
}

// CommonJS beside an ES module build: what an import gives depends on who resolves it.
const { GIFEncoder, quantize } = createRequire(import.meta.url)("gifenc") as typeof import("gifenc");

const width = 960;
const top = 92;
const bottom = 84;
const frameMs = 700;
const lastFrameMs = 1800;

/**
 * An animated GIF 960 pixels wide with one picture per step: its points in colour, all others in faint grey.
 * One palette for all pictures, and each stores only the pixels that changed. About 20 ms a picture.
 * `pause` is awaited between pictures, so that other work of the process goes on.
 */
export async function encodeAnimation(
  scene: Scene,
  steps: readonly Step[],
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const backdrop = drawBackdrop(scene);
  const indexer = new Indexer(paletteOf(scene, backdrop), backdrop.pixels);
  const encoder = GIFEncoder();
  let shown: Uint8Array | undefined;
  for (const [index, step] of steps.entries()) {
    const picture = indexer.indices(drawStep(backdrop, scene, steps, index));
    encoder.writeFrame(shown === undefined ? picture : changes(shown, picture), width, backdrop.height, {
      ...(shown === undefined ? { palette: indexer.colours } : { transparent: true, transparentIndex }),
      delay: step === steps.at(-1) ? lastFrameMs : frameMs,
      // Keep what is there: the next picture is drawn over it.
      dispose: 1,
    });
    shown = picture;
    // oxlint-disable-next-line no-await-in-loop -- pictures build on each other
    await pause();
  }
  encoder.finish();
  return encoder.bytes();
}

/** What every picture starts from. */
interface Backdrop {
  readonly frame: MapFrame;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8ClampedArray;
}

function drawBackdrop(scene: Scene): Backdrop {
  const frame = frameOf(76, top, width - 76 - 24, scene.view, scene.points.projection);
  const height = top + frame.height + bottom;
  const { context } = blankPicture(width, height);
  write(context, scene.title, 24, 38, { size: 24, weight: 600, widthMax: width - 48 });
  drawGround(context, frame, scene.geography);
  const grey = scene.marks.map(() => ({ colour: unlabelledColour, shape: "disc" }) as const);
  drawPoints(context, frame, scene.points, grey, { radius: 1.6, opacity: 0.25 });
  return { frame, height, pixels: context.getImageData(0, 0, width, height).data };
}

/** RGBA pixels of a step: the backdrop with its points, and texts on the two strips above and below the map. */
function drawStep(
  { frame, height, pixels }: Backdrop,
  scene: Scene,
  steps: readonly Step[],
  index: number,
): Uint8ClampedArray {
  const picture = pixels.slice();
  const { from, to } = steps[index]!;
  const radius = Math.max(2.4, pointRadius(scene.points.longitudes.length) * 0.85);
  const style = { radius, opacity: 0.9, during: [from, to] } as const;
  stampPoints({ width, height, data: picture }, frame, scene.points, scene.marks, style);
  paste(picture, caption(steps[index]!), 0, top - 44);
  paste(picture, timeline(steps, index), frame.x, frame.y + frame.height + 30);
  return picture;
}

function caption({ from, to, rowCount }: Step): Pixels {
  const { context } = blankPicture(width, 34);
  const when = to - from > hourMs ? spanText(from, to) : `${timeText(from).slice(0, -4)} to ${clockText(to)} UTC`;
  write(context, `${when} · ${counted(rowCount, "point")}`, 24, 20, { size: 18, colour: ink.muted });
  return context.getImageData(0, 0, width, 34);
}

/** Bars of rows per step, the current one dark. */
function timeline(steps: readonly Step[], current: number): Pixels {
  const size = { width: width - 76 - 24, height: 42 };
  const { context } = blankPicture(size.width, size.height);
  const slot = Math.min(40, size.width / steps.length);
  const largest = Math.max(...steps.map((step) => step.rowCount));
  for (const [index, step] of steps.entries()) {
    const height = Math.max(2, (step.rowCount / largest) * size.height);
    context.fillStyle = index === current ? ink.accent : ink.rule;
    context.fillRect(Math.round(index * slot), size.height - height, Math.max(1, Math.round(slot - 3)), height);
  }
  return context.getImageData(0, 0, size.width, size.height);
}

function paste(picture: Uint8ClampedArray, part: Pixels, x: number, y: number): void {
  for (let row = 0; row < part.height; row++) {
    const start = row * part.width * 4;
    picture.set(part.data.subarray(start, start + part.width * 4), ((y + row) * width + x) * 4);
  }
}

const transparentIndex = 255;

/** The colours of the marks, and of a picture that shows everything: 255, so that one index is left for "unchanged". */
function paletteOf(scene: Scene, { frame, height, pixels }: Backdrop): Colour[] {
  const data = pixels.slice();
  stampPoints({ width, height, data }, frame, scene.points, scene.marks, { radius: 3, opacity: 0.9 });
  const exact = [...Object.values(ink), ...scene.marks.slice(0, palette.length).map(({ colour }) => colour)];
  const blends = quantize(data, transparentIndex - exact.length);
  return [...exact.map(rgbOf), ...blends];
}

function rgbOf(colour: string): Colour {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as Colour;
}

/**
 * Turns pictures into palette indices. Pixels that are as in the backdrop are known already; for others the nearest
 * colour is looked up once per colour of 5, 6 and 5 bits.
 */
class Indexer {
  /** 256 entries; the last one stands for "unchanged". */
  readonly colours: Colour[];
  readonly #count: number;
  readonly #known = new Int16Array(65_536).fill(-1);
  readonly #backdrop: Uint32Array;
  readonly #backdropIndices: Uint8Array;

  constructor(colours: readonly Colour[], backdrop: Uint8ClampedArray) {
    this.#count = colours.length;
    this.colours = Array.from({ length: 256 }, (_, index) => colours[index] ?? [0, 0, 0]);
    // Flat areas keep their exact colours, whatever blend of the same 16 bits is met first.
    for (const [index, [red, green, blue]] of [...colours.entries()].toReversed()) {
      this.#known[keyOf(red, green, blue)] = index;
    }
    this.#backdrop = wordsOf(backdrop);
    this.#backdropIndices = new Uint8Array(this.#backdrop.length);
    for (let pixel = 0; pixel < this.#backdrop.length; pixel++) {
      this.#backdropIndices[pixel] = this.#indexOf(this.#backdrop[pixel]!);
    }
  }

  indices(rgba: Uint8ClampedArray): Uint8Array {
    const words = wordsOf(rgba);
    const result = this.#backdropIndices.slice();
    for (let pixel = 0; pixel < words.length; pixel++) {
      const word = words[pixel]!;
      if (word !== this.#backdrop[pixel]) result[pixel] = this.#indexOf(word);
    }
    return result;
  }

  /** `word` is a pixel as a little-endian number: red in the lowest byte. */
  #indexOf(word: number): number {
    const red = word & 255;
    const green = (word >> 8) & 255;
    const blue = (word >> 16) & 255;
    const key = keyOf(red, green, blue);
    const known = this.#known[key]!;
    return known >= 0 ? known : (this.#known[key] = this.#nearest(red, green, blue));
  }

  #nearest(red: number, green: number, blue: number): number {
    let best = 0;
    let bestDistance = Infinity;
    for (let index = 0; index < this.#count; index++) {
      const [r, g, b] = this.colours[index]!;
      const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
      if (distance < bestDistance) [best, bestDistance] = [index, distance];
    }
    return best;
  }
}

function keyOf(red: number, green: number, blue: number): number {
  return ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3);
}

function wordsOf(rgba: Uint8ClampedArray): Uint32Array {
  return new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4);
}

function changes(before: Uint8Array, after: Uint8Array): Uint8Array {
  const result = new Uint8Array(after.length).fill(transparentIndex);
  for (let pixel = 0; pixel < after.length; pixel++) {
    const index = after[pixel]!;
    if (index !== before[pixel]) result[pixel] = index;
  }
  return result;
}
