import { partitionBatch } from "@sferic/bindings/reshape";
import type { Batch } from "@sferic/operator";
import { isValid, millisecondsPerUnit } from "./points.ts";
import { mulberry32 } from "./random.ts";

/** Which columns are drawn over time. */
export interface SeriesColumns {
  /** Timestamp or date. */
  readonly time: string;
  /** Column whose values are told apart; one series without. */
  readonly by?: string | undefined;
  /** Numbers; a panel each. */
  readonly values: readonly string[];
}

/** How much is drawn. */
export interface SeriesBounds {
  /** Names that are drawn. */
  readonly namesMax: number;
  /** Rows of each name. */
  readonly samplesMax: number;
}

/** Drawn rows of one name, by ascending time. */
export interface Line {
  /** Milliseconds since 1970. */
  readonly times: Float64Array;
  /** For each of the value columns; NaN for a null. */
  readonly values: readonly Float64Array[];
  /** Rows with a time, drawn or not. */
  readonly rowCount: number;
}

/** The lines of one input. */
export interface Lines {
  /** By name; the first names in their order, where numbers count as numbers. */
  readonly byName: ReadonlyMap<string, Line>;
  /** Names there were. */
  readonly nameCount: number;
  readonly rowCount: number;
  /** Units of the value columns, where the schema says. */
  readonly units: readonly (string | undefined)[];
}

/** What the report draws over time. */
export interface Series {
  readonly columns: SeriesColumns;
  readonly samples: Lines;
  /** Drawn over the samples of the same name. */
  readonly means: Lines;
}

/**
 * Takes in rows over time. Keeps the rows of the first `namesMax` names, and of each a uniform sample of `samplesMax` rows
 * (Vitter 1985, algorithm R) that depends only on the seed and the order of its rows. Memory: 8 bytes per kept value.
 */
export class LineCollector {
  readonly #columns: SeriesColumns;
  readonly #bounds: SeriesBounds;
  readonly #seed: number;
  readonly #kept = new Map<string, KeptLine>();
  readonly #names = new Set<string>();
  #rowCount = 0;
  #units: readonly (string | undefined)[] = [];

  constructor(columns: SeriesColumns, bounds: SeriesBounds, seed: number) {
    this.#columns = columns;
    this.#bounds = bounds;
    this.#seed = seed;
  }

  /** Copies what is needed; does not close the batch. */
  async add(batch: Batch): Promise<void> {
    const { by, values } = this.#columns;
    this.#rowCount += batch.rowCount;
    this.#units = values.map((name) => batch.schema.column(name)?.unit);
    if (by === undefined) return this.#take("", batch);
    for (const { values: names, batch: rows } of await partitionBatch(batch.share(), [by])) {
      this.#take(names[0] ?? "none", rows);
      rows.close();
    }
  }

  /** Everything gathered so far. */
  finish(): Lines {
    const names = [...this.#kept.keys()].toSorted(compareNames);
    return {
      byName: new Map(names.map((name) => [name, this.#kept.get(name)!.line()])),
      nameCount: this.#names.size,
      rowCount: this.#rowCount,
      units: this.#units,
    };
  }

  #take(name: string, rows: Batch): void {
    this.#names.add(name);
    let line = this.#kept.get(name);
    if (line === undefined) {
      line = new KeptLine(this.#columns.values.length, this.#bounds.samplesMax, mulberry32(this.#seed));
      this.#kept.set(name, line);
      if (this.#kept.size > this.#bounds.namesMax) {
        const last = [...this.#kept.keys()].reduce((a, b) => (compareNames(a, b) < 0 ? b : a));
        this.#kept.delete(last);
        if (last === name) return;
      }
    }
    line.add(rows, this.#columns);
  }
}

/** A sample of the rows of one name. */
class KeptLine {
  readonly #samplesMax: number;
  readonly #random: () => number;
  readonly #times: number[] = [];
  readonly #values: readonly number[][];
  #rowCount = 0;

  constructor(valueCount: number, samplesMax: number, random: () => number) {
    this.#samplesMax = samplesMax;
    this.#random = random;
    this.#values = Array.from({ length: valueCount }, () => []);
  }

  add(rows: Batch, { time, values }: SeriesColumns): void {
    const unit = millisecondsPerUnit(rows.schema, time) ?? NaN;
    const times = rows.column(time);
    const columns = values.map((name) => rows.column(name));
    for (let row = 0; row < rows.rowCount; row++) {
      if (!isValid(times, row)) continue;
      const slot = this.#slot();
      this.#rowCount += 1;
      if (slot >= this.#samplesMax) continue;
      this.#times[slot] = Number(times.values[row]) * unit;
      for (const [index, column] of columns.entries()) {
        this.#values[index]![slot] = isValid(column, row) ? Number(column.values[row]) : NaN;
      }
    }
  }

  line(): Line {
    const order = this.#times.map((_, index) => index).toSorted((a, b) => this.#times[a]! - this.#times[b]!);
    return {
      times: Float64Array.from(order, (index) => this.#times[index]!),
      values: this.#values.map((column) => Float64Array.from(order, (index) => column[index]!)),
      rowCount: this.#rowCount,
    };
  }

  /** Where the next row goes; from `samplesMax` on it is left out. */
  #slot(): number {
    return this.#rowCount < this.#samplesMax ? this.#rowCount : Math.floor(this.#random() * (this.#rowCount + 1));
  }
}

/** Names in the order in which people count: `sat2` before `sat10`. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const difference = Number(part) - Number(other);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
    if (part !== other) return part < other ? -1 : 1;
  }
  return left.length - right.length;
}

function partsOf(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? [];
}

/** Names of value columns with their units: `temp_c`, `flash_energy (J)`. */
export function valueTitles({ columns, samples }: Series): string[] {
  return columns.values.map((name, index) => {
    const unit = samples.units[index];
    return unit === undefined ? name : `${name} (${unit})`;
  });
}

/** Smallest and largest time over all lines, and for each value column the smallest and largest value that is a number. */
export function extents({ columns, samples, means }: Series): {
  readonly time: readonly [first: number, last: number];
  readonly values: readonly (readonly [low: number, high: number])[];
} {
  const lines = [...samples.byName.values(), ...means.byName.values()];
  return {
    time: rangeOf(lines.map(({ times }) => times)),
    values: columns.values.map((_, index) => rangeOf(lines.map(({ values }) => values[index]!))),
  };
}

function rangeOf(columns: readonly Float64Array[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns) {
    for (const value of column) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}
