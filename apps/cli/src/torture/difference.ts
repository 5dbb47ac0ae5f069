import type { Multiset, Visible } from "./visible-rows.ts";

/** How the rows of an output differ from those of the undisturbed run. */
export interface Difference {
  /** Rows that are missing. */
  readonly lost: number;
  /** Rows of the undisturbed run that are there more often than in it. */
  readonly doubled: number;
  /** Rows that the undisturbed run does not have. */
  readonly foreign: number;
}

/** Compares two outputs as multisets; files that are the same byte by byte are not read. */
export async function differenceOf(expected: Visible, found: Visible): Promise<Difference> {
  if (expected.digest !== null && expected.digest === found.digest) return { lost: 0, doubled: 0, foreign: 0 };
  return multisetDifference(await expected.rows(), await found.rows());
}

export function multisetDifference(expected: Multiset, found: Multiset): Difference {
  let [lost, doubled, foreign] = [0, 0, 0];
  for (const [row, times] of expected) {
    const excess = (found.get(row) ?? 0) - times;
    if (excess < 0) lost -= excess;
    else doubled += excess;
  }
  for (const [row, times] of found) if (!expected.has(row)) foreign += times;
  return { lost, doubled, foreign };
}

/** Whether two outputs hold the same rows. */
export function isSame({ lost, doubled, foreign }: Difference): boolean {
  return lost + doubled + foreign === 0;
}
