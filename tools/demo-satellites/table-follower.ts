import { readFile } from "node:fs/promises";
import { join } from "node:path";

interface Action {
  readonly add?: { readonly dataChange: boolean; readonly stats?: string };
}

/** Counts the rows and commits of a Delta table from its log alone, each commit once. */
export class TableFollower {
  readonly #log: string;
  rows = 0;
  commits = 0;

  constructor(table: string) {
    this.#log = join(table, "_delta_log");
  }

  /** Reads the commits that came since the last time. */
  async look(): Promise<void> {
    for (;;) {
      const name = `${String(this.commits).padStart(20, "0")}.json`;
      const text = await readFile(join(this.#log, name), "utf8").catch(() => null);
      if (text === null) return;
      this.commits += 1;
      for (const line of text.trimEnd().split("\n")) {
        const { add } = JSON.parse(line) as Action;
        // Files that take the place of smaller ones hold no new rows.
        if (add?.dataChange === true)
          this.rows += (JSON.parse(add.stats ?? "{}") as { numRecords?: number }).numRecords ?? 0;
      }
    }
  }
}
