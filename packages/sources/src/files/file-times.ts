import type { FileEntry } from "./file-store.ts";

/** Modification times of the files that were taken so far, in nanoseconds as decimal text. */
export interface FileTimes {
  readonly oldest: string;
  readonly newest: string;
  /** How many files were older than one of an epoch before. */
  readonly behind: number;
}

/** Files that come closer than this to each other, on average, were hardly written by what measured their rows. */
const crowdedNs = 10_000_000n;

/** The times with those of the files of one more epoch. Undefined for no files at all. */
export function timesWith(times: FileTimes | undefined, files: readonly FileEntry[]): FileTimes | undefined {
  if (files.length === 0) return times;
  const all = files.map(({ version }) => BigInt(version));
  const newestBefore = times === undefined ? undefined : BigInt(times.newest);
  const known = times === undefined ? [] : [BigInt(times.oldest), BigInt(times.newest)];
  const [oldest, newest] = [all, known]
    .flat()
    .reduce(([low, high], time) => [time < low ? time : low, time > high ? time : high] as const, [
      all[0]!,
      all[0]!,
    ] as readonly [bigint, bigint]);
  const behind = newestBefore === undefined ? 0 : all.filter((time) => time < newestBefore).length;
  return { oldest: String(oldest), newest: String(newest), behind: (times?.behind ?? 0) + behind };
}

/** What the times say about the order in which `count` files were taken, where it is not that of their data for sure. */
export function timeRemarksOf(count: number, { oldest, newest, behind }: FileTimes): string[] {
  const span = BigInt(newest) - BigInt(oldest);
  const advice = 'name the order with "order": "natural" or "name", or set the times';
  const remarks: string[] = [];
  if (count > 1 && span < crowdedNs * BigInt(count)) {
    const how = span === 0n ? "are all equal" : `lie within ${(Number(span) / 1e6).toFixed(1)} ms`;
    remarks.push(
      `The modification times of its ${count} files ${how}, as in a clone or an unpacked archive, and may not be in the order of the data; files of equal times come in natural order of their names. If rows are late, ${advice}.`,
    );
  }
  if (behind > 0) {
    const files = behind === 1 ? "1 file is" : `${behind} files are`;
    remarks.push(
      `${files} older than files of earlier epochs, and came after them: rows of such files may be late. If they are, ${advice}.`,
    );
  }
  return remarks;
}
