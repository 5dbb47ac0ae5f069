import {
  type Batch,
  type Column,
  type ConfigProblem,
  type Schema,
  toPointer,
  type WrittenFile,
} from "@sferic/operator";
import { fromHandle, fromHandleIfAny, handleOf, toColumn, toNativeColumns } from "./batch.ts";
import { useDuckdb } from "./duckdb.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";
import { remembered } from "./remembered.ts";

/** How the windows of a row follow from its time, in whole milliseconds. */
export type WindowSpan =
  | { readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | { readonly gapMs: number };

/** What is late, and how it is told. */
export interface WindowParams {
  /** Column with the event time, a timestamp. */
  readonly column: string;
  readonly span: WindowSpan;
  /** A window whose end is not after this is late, milliseconds since 1970; absent when none is. */
  readonly lateMs?: number;
  /** What late rows say about the watermark. */
  readonly watermarkMs: number;
  /** Names of the columns with the start and end of a window and the watermark. */
  readonly names: readonly [start: string, end: string, watermark: string];
}

/** A batch told apart. */
export interface Windowed {
  /** A row for each window that counts, and after its columns the start of the window. */
  readonly rows: Batch;
  /** A row for each window that is late, and after its columns start, end and watermark. */
  readonly late: Batch | null;
  /** Rows without event time. */
  readonly invalid: Batch | null;
  /** Closes all of them. */
  close(): void;
}

/** Tells which windows the rows of a batch belong to. Closes it. */
export async function assignWindows(batch: Batch, { span, names, ...params }: WindowParams): Promise<Windowed> {
  try {
    const windowed = await unwrapped(
      native.assignWindows(handleOf(batch), { ...params, span: { ...span }, names: [...names] }),
    );
    const [rows, late, invalid] = [
      fromHandle(windowed.rows),
      fromHandleIfAny(windowed.late),
      fromHandleIfAny(windowed.invalid),
    ];
    const close = (): void => [rows, late, invalid].forEach((part) => part?.close());
    return { rows, late, invalid, close };
  } finally {
    batch.close();
  }
}

/** A partial aggregate of the rows of a group, which merges with those of other rows. */
export interface Partial {
  /** SQL over the rows of a group. */
  readonly expression: string;
  readonly column: Column;
  readonly merge: "sum" | "least" | "greatest";
}

/** What measures are made of. */
export interface Decomposition {
  readonly partials: readonly Partial[];
  /** Per measure, SQL over the partials and the columns of `groupBy`. */
  readonly finals: readonly string[];
  readonly problems: readonly ConfigProblem[];
}

const nativeDecomposition = remembered(native.decomposeMeasures);

/**
 * Takes measures apart that `checkMeasures` found to be right. A problem, with its place in the field `measures`, is an
 * aggregate that cannot be merged, such as a median.
 */
export function decomposeMeasures(
  schema: Schema,
  groupBy: readonly string[],
  measures: Readonly<Record<string, string>>,
): Decomposition {
  useDuckdb();
  const texts = Object.values(measures);
  const { partials, finals, refused, issue } = unwrapping(() =>
    nativeDecomposition(toNativeColumns(schema), [...groupBy], texts),
  );
  if (!issue) return { partials: partials.map(toPartial), finals, problems: [] };
  const { message, position } = issue;
  const pointer = toPointer(["measures", Object.keys(measures)[texts.indexOf(refused!)]!]);
  const place = position === undefined || position === null ? {} : { offset: position };
  return { partials: [], finals: [], problems: [{ code: "invalid-expression", message, pointer, ...place }] };
}

function toPartial({ expression, column, merge }: native.NativePartial): Partial {
  return { expression, column: toColumn(column), merge };
}

/** What a {@link WindowState} holds. */
export interface WindowStateParams {
  /** The windows and the type of their times; absent for groups that no window ends. */
  readonly window?: { readonly span: WindowSpan; readonly timeType: string };
  /** Columns that tell groups apart. */
  readonly keys: readonly Column[];
  readonly partials: readonly Partial[];
}

/** How large a {@link WindowState} is. */
export interface WindowStateSize {
  readonly groups: number;
  /** Groups that changed in this epoch. */
  readonly changed: number;
  /** Bytes of memory. */
  readonly bytes: number;
  /** When the first and the last of the open windows end, in milliseconds since 1970; absent when none is open. */
  readonly open?: { readonly oldestEndMs: number; readonly newestEndMs: number };
}

/** Partial aggregates per window and group, kept from epoch to epoch. Rows come in no order. */
export class WindowState {
  readonly #native: native.NativeWindowState;

  constructor({ window, keys, partials }: WindowStateParams) {
    this.#native = unwrapping(() =>
      native.createWindowState({
        ...(window === undefined ? {} : { span: { ...window.span }, timeType: window.timeType }),
        keys: keys.map((key) => ({ ...key })),
        partials: partials.map(({ column, ...partial }) => ({ ...partial, column: { ...column } })),
      }),
    );
  }

  /** How large it is now; not to be asked while something else is under way. */
  size(): WindowStateSize {
    const { oldestEndMs, newestEndMs, ...size } = this.#native.size();
    if (oldestEndMs == null || newestEndMs == null) return size;
    return { ...size, open: { oldestEndMs, newestEndMs } };
  }

  /** Begins an epoch: nothing has changed yet. */
  settle(): void {
    this.#native.settle();
  }

  /** Merges partials: start of the window, if there are windows, keys, partials. Closes the batch. */
  async merge(partials: Batch): Promise<void> {
    try {
      await unwrapped(this.#native.merge(handleOf(partials)));
    } finally {
      partials.close();
    }
  }

  /**
   * The rows, in their order, whose keys are not there yet; their keys are from then on, until so long after the time of
   * the row, or for ever. The batch has all key columns. Closes it.
   */
  async takeFirst(rows: Batch, until?: { readonly column: string; readonly delayMs: number }): Promise<Batch> {
    try {
      return fromHandle(await unwrapped(this.#native.takeFirst(handleOf(rows), until?.column, until?.delayMs)));
    } finally {
      rows.close();
    }
  }

  /** Groups that have changed in this epoch. */
  async changed(): Promise<Batch> {
    return fromHandle(await unwrapped(this.#native.changed()));
  }

  /** All groups. */
  async all(): Promise<Batch> {
    return fromHandle(await unwrapped(this.#native.all()));
  }

  /** Takes out the groups whose window ends at the watermark or before. */
  async close(watermarkMs: number): Promise<Batch> {
    return fromHandle(await unwrapped(this.#native.close(watermarkMs)));
  }

  /** Writes all groups, or what changed in this epoch, as an Arrow file and syncs it. */
  write(path: string, whole: boolean): Promise<WrittenFile> {
    return unwrapped(this.#native.write(path, whole));
  }

  /**
   * Writes one whole file in the place of a chain of them, oldest first, and syncs it. It is made from the files alone: the
   * state goes on meanwhile. Memory holds the keys of all files but the first.
   */
  compact(
    files: readonly { readonly path: string; readonly closedMs: number | null }[],
    path: string,
  ): Promise<WrittenFile> {
    const chain = files.map(({ path: file, closedMs }) => ({ path: file, ...(closedMs === null ? {} : { closedMs }) }));
    return unwrapped(this.#native.compact(chain, path));
  }

  /**
   * Takes in a file that `write` or `compact` made, after windows that end at `closedMs` or before are gone. Throws
   * `checkpoint-corrupt` when the file is not what was written.
   */
  restore(path: string, closedMs?: number): Promise<void> {
    return unwrapped(this.#native.restore(path, closedMs));
  }
}
