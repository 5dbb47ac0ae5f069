import type { Epoch, Json, Row } from "@sferic/operator";
import type { ScreenLine } from "./screen.ts";
import { tableLines } from "./text-table.ts";

/** Lines of a table beside its rows: title, heads, rule. */
const otherLines = 3;

/**
 * The newest rows of a result that changes from epoch to epoch. With keys a row takes the place of the one before that has
 * the same, and rows are in the order of their keys; without, the rows of an epoch take the place of all.
 */
export class LiveTable {
  readonly #title: string;
  readonly #keys: readonly string[];
  readonly #rowsMax: number;
  #rows: readonly Row[] = [];
  /** Rows that there are, of which some may have been let go. */
  #count = 0;

  constructor(title: string, keys: readonly string[], rowsMax: number) {
    this.#title = title;
    this.#keys = keys;
    this.#rowsMax = rowsMax;
  }

  /** Takes the last rows of an epoch that had `count` of them. */
  take(rows: readonly Row[], count: number): void {
    if (this.#keys.length === 0) {
      if (count > 0) [this.#rows, this.#count] = [rows, count];
      return;
    }
    const byKey = new Map([...this.#rows, ...rows].map((row) => [JSON.stringify(this.#keyOf(row)), row]));
    const sorted = [...byKey.values()].toSorted((a, b) => compared(this.#keyOf(a), this.#keyOf(b)));
    this.#rows = sorted.slice(-this.#rowsMax);
    this.#count = this.#rows.length;
  }

  /** The last rows as a table of at most so many lines; the rows of windows that are complete step back. */
  lines({ id, watermark }: Epoch, linesMax: number): ScreenLine[] {
    const rows = this.#rows.slice(-Math.max(1, Math.min(this.#rowsMax, linesMax - otherLines)));
    const nowMs = watermark?.nowMs ?? 0;
    const open = this.#rows.filter((row) => "window_end" in row && timeOf(row["window_end"]!) > nowMs).length;
    const facts = [
      `${this.#title}, epoch ${id}`,
      this.#count > rows.length
        ? `the last ${rows.length} of ${counted(this.#count, "row")}`
        : counted(rows.length, "row"),
      ...(this.#rows.some((row) => "window_end" in row) ? [counted(open, "open window")] : []),
      ...(watermark === undefined ? [] : [`watermark ${watermarkText(nowMs)}`]),
    ];
    const [heads, rule, ...cells] = rows.length === 0 ? [] : tableLines(rows);
    const isOpen = rows.map((row) => !("window_end" in row) || timeOf(row["window_end"]!) > nowMs);
    return [
      ...[facts.join(", "), heads, rule].flatMap((text) => (text === undefined ? [] : [{ text, isBright: true }])),
      ...cells.map((text, at) => ({ text, isBright: isOpen[at]! })),
    ];
  }

  #keyOf(row: Row): Json[] {
    return this.#keys.map((name) => row[name] ?? null);
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Numbers by size, all else by its text, nulls last. */
function compared(a: readonly Json[], b: readonly Json[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at]!;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? 1 : -1;
    if (typeof value === "number" && typeof other === "number") return value - other;
    return JSON.stringify(value) < JSON.stringify(other) ? -1 : 1;
  }
  return 0;
}

/** Milliseconds since 1970 of a time in UTC, with or without its zone. */
function timeOf(text: Json): number {
  if (typeof text !== "string") return Number.NaN;
  return Date.parse(text.endsWith("Z") ? text : `${text}Z`);
}

function watermarkText(ms: number): string {
  const latest = 8.64e15;
  return ms >= latest ? "at the end" : new Date(ms).toISOString().replace(".000Z", "Z");
}
