import {
  type Bounds,
  ConfigError,
  defineSource,
  type FileContent,
  type Format,
  formatField,
  invalidSchema,
  type LostPiece,
  type Offset,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type ReadRequest,
  type Replay,
  Schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";
import type { FileEntry, FileStore } from "./files/file-store.ts";
import { isInRange, mayHold, partitionColumns, partitionValues } from "./files/hive.ts";
import { LocalStore } from "./files/local-store.ts";

const dayField = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { message: 'must be a day, such as "2018-07-02"' });

const config = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe(
      "A file, a folder with all files below it, or a glob (`./data/**/*.nc`; with a `/` at its end, of folders); a path or a `file://` URL.",
    ),
  format: formatField.describe("What the files hold, and how to read it."),
  partitions: z
    .union([
      z.literal("hive"),
      z.strictObject({ range: z.tuple([dayField, dayField]).describe("First and last day.") }),
    ])
    .optional()
    .describe(
      "Whether folders named `key=value` (`year=2018/month=07/`) are columns: `hive`, or `{ range: [first, last] }` to take only files of these days (`2018-07-02`, both included) by their partitions `year`, `month` and `day`, or `date`.",
    ),
});

type Config = z.output<typeof config>;

/** Offset: how many files were taken so far, and those of this epoch. */
interface FilesOffset {
  readonly position: number;
  readonly files: readonly FileEntry[];
}

interface CallBounds {
  readonly files: number;
  readonly bytes: number;
}

/** How much is decoded by one call into the core, of formats that hold all of it and of those that keep their own bound. */
const heldPerCall: CallBounds = { files: 64, bytes: 64 * 1024 * 1024 };
const streamedPerCall: CallBounds = { files: 4096, bytes: Number.POSITIVE_INFINITY };

/**
 * Files in name order, each taken once. A file that cannot be decoded gives no rows and goes to `invalid`; a file that
 * changed after it was planned ends the run with `source-changed`. The columns are those the format declares, or those
 * of the first file, and then those of the folders; with a checkpoint they stay what they were when it began.
 */
export const files = defineSource({
  type: "files",
  since: "0.1.0",
  status: "stable",
  summary: "Read files that match a path or pattern, each exactly once.",
  config,
  errors: ["source-changed", "format-not-readable", "partition-missing"],
  examples: [
    { title: "All granules of a folder", config: { url: "./granules/*.nc", format: { type: "glm" } } },
    {
      title: "One quarter of a folder per day",
      config: {
        url: "./readings/year=*/month=*/day=*/",
        format: { type: "parquet" },
        partitions: { range: ["2018-01-01", "2018-03-31"] },
      },
    },
  ],
  output: async (c, context) => ({ main: await planSchema(c, context), invalid: invalidSchema }),
  create: (c, context) => new FilesSource(c, context),
});

async function planSchema(c: Config, context: PlanContext): Promise<Schema | null> {
  const format = await context.format(c.format);
  if (format.decode === undefined) {
    const message = `files of the format "${c.format.type}" can be written but not read`;
    throw new ConfigError([{ code: "format-not-readable", message, pointer: "/format/type" }]);
  }
  if (c.partitions !== undefined && format.readsManyFiles !== true) {
    const message = `files of the format "${c.format.type}" cannot be given columns of their folders`;
    throw new ConfigError([{ code: "partitions-unsupported", message, pointer: "/partitions" }]);
  }
  const store = storeOf(c.url, context);
  if (format.schema !== undefined && c.partitions === undefined) return format.schema;
  if (format.schema === undefined && context.pinned !== undefined) return context.pinned;
  if (!context.probe) return null;
  const learned = await learnedSchema(c, format, store, await filesOf(c, store), context.pinned);
  if (learned !== null) context.pin?.(learned);
  return learned;
}

/** The columns that these files have: those of the format, or of the first file, and then those of the folders. */
async function learnedSchema(
  c: Config,
  format: Format,
  store: FileStore,
  entries: readonly FileEntry[],
  pinned?: Schema,
): Promise<Schema | null> {
  const [first] = entries;
  if (first === undefined) return null;
  const own = format.schema ?? (await format.probe?.(await store.open(first)).catch(() => null)) ?? null;
  if (own === null || c.partitions === undefined) return own;
  const found = partitionColumns(entries.map(({ key }) => partitionValues(c.url, key)));
  const folders = found.map((one) => own.column(one.name) ?? pinned?.column(one.name) ?? one);
  // What a folder says holds for all rows, whatever the file says itself.
  const rest = own.columns.filter(({ name }) => !folders.some((folder) => folder.name === name));
  return new Schema([...rest, ...folders]);
}

async function filesOf({ url, partitions }: Config, store: FileStore): Promise<FileEntry[]> {
  const entries = await store.list();
  if (typeof partitions !== "object") return entries;
  return entries.filter(({ key }) => isInRange(partitionValues(url, key), partitions.range, store.nameOf(key)));
}

function storeOf(url: string, context: Pick<PlanContext, "resolvePath">): FileStore {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return new LocalStore(context.resolvePath(url), url.endsWith("/"));
  const message = `files cannot be read from "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}

class FilesSource implements Source {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #store: FileStore;
  readonly #seen = new Set<string>();
  /** Files in the order they were taken; the file at index i has position i + 1. */
  readonly #taken: FileEntry[] = [];
  #format: Format | undefined;
  #request: ReadRequest;

  constructor(c: Config, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#store = storeOf(c.url, context);
    this.#request = context.request ?? { conditions: [] };
  }

  async open(history: readonly Offset[]): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
    for (const offset of history) this.#remember(offset as unknown as FilesOffset);
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const start = (previous as FilesOffset | null)?.position ?? 0;
    const listed =
      until === undefined ? await filesOf(this.#config, this.#store) : (until as unknown as FilesOffset).files;
    const fresh = listed.filter(({ key }) => !this.#seen.has(key));
    const files = bounded(fresh, bounds);
    if (files.length === 0) return null;
    return { position: start + files.length, files } as unknown as Offset;
  }

  async *read(start: Offset | null, end: Offset, { signal }: { signal: AbortSignal }): ReturnType<Source["read"]> {
    const from = (start as FilesOffset | null)?.position ?? 0;
    const to = end as unknown as FilesOffset;
    this.#remember(to);
    const format = this.#format!;
    const entries = await this.#wanted(this.#taken.slice(from, to.position));
    for (const group of groups(entries, format.readsManyFiles === true ? streamedPerCall : heldPerCall)) {
      signal.throwIfAborted();
      const contents = await Promise.all(group.map((entry) => this.#open(entry)));
      for await (const output of format.decode!(contents, signal, this.#request)) {
        // What the first rows had, all later ones have.
        if (!("invalid" in output)) this.#request = { schema: output.schema, ...this.#request };
        yield output;
      }
      yield { bytesRead: group.reduce((bytes, { size }) => bytes + size, 0) };
    }
  }

  /** The files in which some row may fulfil the conditions, by their folders. */
  async #wanted(entries: readonly FileEntry[]): Promise<readonly FileEntry[]> {
    if (this.#config.partitions === undefined) return entries;
    const schema = this.#request.schema ?? (await learnedSchema(this.#config, this.#format!, this.#store, entries));
    if (schema !== null) this.#request = { ...this.#request, schema };
    const { conditions } = this.#request;
    if (conditions.length === 0) return entries;
    const values = entries.map(({ key }) => partitionValues(this.#config.url, key));
    const names = new Set(values.flatMap((ofFile) => Object.keys(ofFile)));
    const folders = (schema?.columns ?? []).filter(({ name }) => names.has(name));
    return entries.filter((_, index) => mayHold(values[index]!, folders, conditions));
  }

  async #open(entry: FileEntry): Promise<FileContent> {
    const content = await this.#store.open(entry);
    if (this.#config.partitions === undefined) return content;
    return { ...content, constants: partitionValues(this.#config.url, entry.key) };
  }

  async replay(pieces: readonly LostPiece[], previous: Offset | null): Promise<Replay> {
    const present = new Map((await filesOf(this.#config, this.#store)).map((entry) => [entry.key, entry]));
    const files: FileEntry[] = [];
    const left: Record<number, string> = {};
    for (const [index, { name, end }] of pieces.entries()) {
      const named = (end as unknown as FilesOffset).files.filter(({ key }) => this.#store.nameOf(key) === name);
      const entry = named.length === 1 ? present.get(named[0]!.key) : undefined;
      if (entry !== undefined) files.push(entry);
      else if (named.length > 1) left[index] = `${named.length} files of that epoch have this name`;
      else left[index] = "the file is no longer there";
    }
    if (files.length === 0) return { end: null, left };
    const start = (previous as FilesOffset | null)?.position ?? 0;
    files.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { end: { position: start + files.length, files } as unknown as Offset, left };
  }

  #remember({ position, files }: FilesOffset): void {
    if (position - files.length > this.#taken.length) {
      const message = `an offset says ${position} files were taken, but only ${this.#taken.length + files.length} are known`;
      throw new OperatorError({ code: "offset-gap", message, domain: "internal" });
    }
    this.#taken.splice(position - files.length, files.length, ...files);
    for (const { key } of files) this.#seen.add(key);
  }
}

/** The first files that keep within the bounds; at least one, however large. */
function bounded(files: readonly FileEntry[], bounds: Bounds): FileEntry[] {
  const chosen: FileEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    bytes += file.size;
    const full = chosen.length >= (bounds.filesPerEpoch ?? Number.POSITIVE_INFINITY);
    if (full || (chosen.length > 0 && bytes > (bounds.bytesPerEpoch ?? Number.POSITIVE_INFINITY))) break;
    chosen.push(file);
  }
  return chosen;
}

/** Cuts files into portions of bounded memory for the decoder. */
function* groups(files: readonly FileEntry[], most: CallBounds): Generator<FileEntry[]> {
  let group: FileEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    if (group.length > 0 && (group.length >= most.files || bytes + file.size > most.bytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.size;
  }
  if (group.length > 0) yield group;
}
