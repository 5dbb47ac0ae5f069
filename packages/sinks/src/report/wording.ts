import { labelled, placedCount, type Points } from "./points.ts";

/** Numbers, places and times as readers see them; English, independent of the machine's locale and time zone. */

let integers: Intl.NumberFormat | undefined;

/** 12345 → "12,345". */
export function count(value: number): string {
  // Made on first use: it costs 19 ms, which a plan need not pay.
  integers ??= new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  return integers.format(value);
}

/** "1 point", "1,500 points". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A number of any size in about four digits: "0.4213", "1,234", "1.2 million", "3.1 × 10⁹". */
export function quantity(value: number): string {
  if (Number.isNaN(value)) return "none";
  const size = Math.abs(value);
  if (size >= 1e9) {
    const exponent = Math.floor(Math.log10(size));
    return `${(value / 10 ** exponent).toFixed(1)} × 10${superscript(exponent)}`;
  }
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e8 ? 0 : 1)} million`;
  if (size >= 100) return count(value);
  return String(Number(value.toPrecision(4)));
}

function superscript(value: number): string {
  return String(value).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
}

/** -98.5 → "98.5° W"; 180 and -180 have no letter. */
export function longitudeText(longitude: number, digits = 0): string {
  return degrees(longitude, digits, Math.abs(longitude) === 180 ? "" : longitude < 0 ? "W" : "E");
}

/** -3 → "3° S". */
export function latitudeText(latitude: number, digits = 0): string {
  return degrees(latitude, digits, latitude < 0 ? "S" : "N");
}

function degrees(value: number, digits: number, letter: string): string {
  const shown = Math.abs(value).toFixed(digits);
  return Number(shown) === 0 ? `${shown}°` : `${shown}°${letter === "" ? "" : ` ${letter}`}`;
}

/** Milliseconds since 1970 → "2 Jul 2018, 04:33 UTC". */
export function timeText(milliseconds: number): string {
  const time = new Date(milliseconds);
  return `${dayText(time)}, ${clockText(milliseconds)} UTC`;
}

/** A span of time without repeating the day: "2 Jul 2018, 04:33 to 04:34 UTC". */
export function spanText(startMs: number, endMs: number): string {
  const start = new Date(startMs);
  const end = new Date(endMs);
  if (dayText(start) !== dayText(end)) return `${dayText(start)} to ${dayText(end)}`;
  return clockText(startMs) === clockText(endMs)
    ? timeText(startMs)
    : `${dayText(start)}, ${clockText(startMs)} to ${clockText(endMs)} UTC`;
}

function dayText(time: Date): string {
  return `${time.getUTCDate()} ${months[time.getUTCMonth()]} ${time.getUTCFullYear()}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Milliseconds since 1970 → "04:33", in UTC. */
export function clockText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 16);
}

/** "lightning-clusters" → "Lightning clusters". */
export function titleOf(pipeline: string): string {
  const words = pipeline.replaceAll(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** First and last moment of the drawn points, milliseconds since 1970; undefined without times. */
export function timeSpan(points: Points): [first: number, last: number] | undefined {
  let first = Infinity;
  let last = -Infinity;
  for (const time of points.times ?? []) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return first <= last ? [first, last] : undefined;
}

/** What the map shows in one line: "979 points in 12 clusters · 2 Jul 2018, 04:33 to 04:34 UTC". */
export function summaryText(points: Points): string {
  const clusters = labelled(points).length;
  const span = timeSpan(points);
  const places = `${counted(placedCount(points), "point")}${clusters === 0 ? "" : ` in ${counted(clusters, "cluster")}`}`;
  return span === undefined ? places : `${places} · ${spanText(...span)}`;
}

/** What a reader must know about the points drawn and left out; empty when all are drawn. */
export function omissionsText(points: Points): string {
  const notes: string[] = [];
  const placed = placedCount(points);
  if (points.longitudes.length < placed) {
    notes.push(
      `Drawn: a random sample of ${count(points.longitudes.length)} of ${counted(placed, "point")}; sizes and centroids count them all.`,
    );
  }
  if (points.misplacedCount > 0) {
    notes.push(`Left out: ${counted(points.misplacedCount, "row")} without a valid longitude and latitude.`);
  }
  return notes.join(" ");
}
