import type { Batch } from "@sferic/operator";

/** The rows of `select-k`, by ascending k. NaN stands for null. */
export interface Choice {
  readonly k: readonly number[];
  readonly inertia: readonly number[];
  readonly silhouette: readonly number[];
  readonly iterations: readonly number[];
  /** The k of the largest silhouette, and of the bend of the inertia curve; null when none is marked. */
  readonly best: number | null;
  readonly knee: number | null;
  /** Unit of the inertia column, where its schema says. */
  readonly inertiaUnit?: string;
}

/** Columns a choice input must have, by the kind `Schema.require` knows. */
export const choiceColumns = {
  number: ["k", "inertia", "silhouette", "iterations"],
  any: ["best", "knee"],
} as const;

/** Takes in the rows of `select-k`: a few dozen at most, so a table in JavaScript is fine here. */
export class ChoiceCollector {
  readonly #rows: {
    k: number;
    inertia: number;
    silhouette: number;
    iterations: number;
    best: boolean;
    knee: boolean;
  }[] = [];
  #inertiaUnit: string | undefined;

  /** Copies the rows; does not close the batch. */
  add(batch: Batch): void {
    this.#inertiaUnit ??= batch.schema.column("inertia")?.unit;
    const table = batch.toArrow();
    for (let row = 0; row < batch.rowCount; row++) {
      const cell = (name: string): unknown => table.getChild(name)?.get(row);
      const number = (name: string): number => Number(cell(name) ?? NaN);
      this.#rows.push({
        k: number("k"),
        inertia: number("inertia"),
        silhouette: number("silhouette"),
        iterations: number("iterations"),
        best: cell("best") === true,
        knee: cell("knee") === true,
      });
    }
  }

  /** The choice, or undefined when there were no rows. */
  finish(): Choice | undefined {
    const rows = this.#rows.toSorted((a, b) => a.k - b.k);
    if (rows.length === 0) return undefined;
    return {
      k: rows.map((row) => row.k),
      inertia: rows.map((row) => row.inertia),
      silhouette: rows.map((row) => row.silhouette),
      iterations: rows.map((row) => row.iterations),
      best: rows.find((row) => row.best)?.k ?? null,
      knee: rows.find((row) => row.knee)?.k ?? null,
      ...(this.#inertiaUnit === undefined ? {} : { inertiaUnit: this.#inertiaUnit }),
    };
  }
}
