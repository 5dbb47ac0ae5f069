import { isAbsolute, relative } from "node:path";
import {
  type Bounds,
  ConfigError,
  defineSource,
  type FileContent,
  type Format,
  formatField,
  invalidSchema,
  type LostPiece,
  missingInputField,
  type Offset,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type ReadRequest,
  type Replay,
  Schema,
  type Source,
  type Warn,
} from "@sferic/operator";
import { z } from "zod";
import type { FileEntry, FileStore } from "./files/file-store.ts";
import { isInRange, mayHold, partitionColumns, partitionValues } from "./files/hive.ts";
import { movedEntries } from "./files/moved-keys.ts";
import { type FileTimes, timeRemarksOf, timesWith } from "./files/file-times.ts";
import { LocalStore, type LocalStoreOptions } from "./files/local-store.ts";
import { shownName } from "./files/local-path.ts";
import { byName, byNaturalName } from "./files/name-order.ts";

const dayField = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { message: 'must be a day, such as "2018-07-02"' });

const config = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe(
      "A file, a folder with all files below it, or a glob (`./data/**/*.nc`; with a `/` at its end, of folders); a path or a `file://` URL. Links are followed; a file that several of them lead to is read once. Files and folders whose names begin with `_` or `.` are passed over, with a warning, unless the path names them or their part of the glob begins so (`_*.csv`).",
    ),
  format: formatField.describe("What the files hold, and how to read it."),
  partitions: z
    .union([
      z.literal("hive"),
      z.strictObject({ range: z.tuple([dayField, dayField]).describe("First and last day.") }),
    ])
    .optional()
    .describe(
      "Whether folders named `key=value` (`year=2018/month=07/`) are columns, of numbers or dates where all their values are and none is a code such as 007: `hive`, or `{ range: [first, last] }` to take only files of these days (`2018-07-02`, both included) by their partitions `year`, `month` and `day`, or `date`.",
    ),
  settleMs: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "A file that was changed less than so many milliseconds ago waits: for files that are not put in place whole, by renaming. 0 takes every file at once.",
    ),
  onMissingInput: missingInputField,
  order: z
    .enum(["modified", "name", "natural"])
    .optional()
    .describe(
      "The order in which files are taken: `modified`, by modification time and those of equal times as in `natural`; `name`, by the characters of their paths; `natural`, the same with digits as numbers, so that `file_2` comes before `file_10`. By default `modified` where files come in many epochs (an interval or `available-now` trigger with a checkpoint), otherwise `name`.",
    ),
});

type Config = z.output<typeof config>;

/** Offset: how many files were taken so far, and those of this epoch in the order in which they are read. */
interface FilesOffset {
  readonly position: number;
  readonly files: readonly FileEntry[];
  /**
   * Where the keys of the files count from: the path of `url` before its first pattern, from the folder of the spec. Absent
   * where `url` is absolute, since spec and input may be moved together then, too, and in what earlier versions wrote.
   */
  readonly root?: string;
  /** For files taken in the order of their modification times: what became of all so far. */
  readonly times?: FileTimes;
}

/** Keys in the order in which they are taken, and the index of the first that may not be taken yet. */
interface Waiting {
  readonly keys: readonly string[];
  next: number;
}

/** A folder is looked through again after so many times as long as that took the last time, or when nothing else is left. */
const listingShare = 20;

/** How many files are looked at together while an epoch is filled. */
const entriesPerLook = 4096;

/** How many files that were read last are compared with what they are now when a run begins: 10 µs each. */
const lookedAtAgain = 1000;

interface CallBounds {
  readonly files: number;
  readonly bytes: number;
}

/** How much is decoded by one call into the core, of formats that hold all of it and of those that keep their own bound. */
const heldPerCall: CallBounds = { files: 64, bytes: 64 * 1024 * 1024 };
const streamedPerCall: CallBounds = { files: 4096, bytes: Number.POSITIVE_INFINITY };

/**
 * Files in the order of `order`, each taken once, also when links lead to it in several ways. A file that cannot be decoded gives no rows and goes to `invalid`; a file that
 * changed after it was planned ends the run with `source-changed`. The columns are those the format declares, or those
 * of the first file, and then those of the folders; with a checkpoint they stay what they were when it began.
 */
export const files = defineSource({
  type: "files",
  since: "0.1.0",
  status: "stable",
  summary: "Read files that match a path or pattern, each exactly once.",
  config,
  bounds: () => ["filesPerEpoch", "bytesPerEpoch"],
  errors: ["missing-input", "source-changed", "format-not-readable", "partition-missing"],
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
  missing: async (c, context) => {
    const store = storeOf(c.url, context);
    return (await store.exists()) ? null : { place: store.root, pointer: "/url", onMissingInput: c.onMissingInput };
  },
  remarks: (offset) => timeRemarks(offset as unknown as FilesOffset),
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
  if (context.probe && context.warn !== undefined) await warnOfNothing(c, store, context.warn);
  if (format.schema !== undefined && c.partitions === undefined) return format.schema;
  if (format.schema === undefined && context.pinned !== undefined) return context.pinned;
  if (!context.probe) return null;
  const learned = await learnedSchema(c, format, store, await keysOf(c, store), context.pinned);
  if (learned !== null) context.pin?.(learned);
  return learned;
}

/** A pattern with a mistake matches nothing. What a place that may not be read holds is for the run to report. */
async function warnOfNothing(c: Config, store: LocalStore, warn: Warn): Promise<void> {
  const isFound = await store.hasAny().catch(() => true);
  if (isFound || !(await store.exists())) return;
  const message = `no file matches ${store.path}; check the path, or nothing has come yet`;
  warn("no-files", message, "/url");
}

/** The columns that these files have: those of the format, or of the first file, and then those of the folders. */
async function learnedSchema(
  c: Config,
  format: Format,
  store: FileStore,
  keys: readonly string[],
  pinned?: Schema,
): Promise<Schema | null> {
  const first = await firstFile(store, keys);
  if (first === null) return null;
  const own = format.schema ?? (await format.probe?.(await store.open(first)).catch(() => null)) ?? null;
  if (own === null || c.partitions === undefined) return own;
  const found = partitionColumns(keys.map((key) => partitionValues(c.url, key)));
  const folders = found.map((one) => own.column(one.name) ?? pinned?.column(one.name) ?? one);
  // What a folder says holds for all rows, whatever the file says itself.
  const rest = own.columns.filter(({ name }) => !folders.some((folder) => folder.name === name));
  return new Schema([...rest, ...folders]);
}

async function firstFile(store: FileStore, keys: readonly string[]): Promise<FileEntry | null> {
  for (const key of keys) {
    const [entry] = await store.entries([key]);
    if (entry !== undefined) return entry;
  }
  return null;
}

async function keysOf(
  { url, partitions }: Config,
  store: FileStore,
  isTaken?: (key: string) => boolean,
): Promise<string[]> {
  const keys = await store.keys(isTaken);
  if (typeof partitions !== "object") return keys;
  const files = (await store.entries(keys)).map(({ key }) => key);
  return files.filter((key) => isInRange(partitionValues(url, key), partitions.range, store.nameOf(key)));
}

function storeOf(
  url: string,
  context: Pick<PlanContext, "resolvePath">,
  told: Pick<LocalStoreOptions, "onPassedOver" | "onHidden"> = {},
): LocalStore {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") {
    return new LocalStore(context.resolvePath(url), { ofFolders: url.endsWith("/"), ...told });
  }
  const message = `files cannot be read from "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}

class FilesSource implements Source {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #store: LocalStore;
  /** See {@link FilesOffset.root}. */
  readonly #root: string | undefined;
  readonly #seen = new Set<string>();
  /** Files in the order they were taken; the file at index i has position i + 1. */
  readonly #taken: FileEntry[] = [];
  readonly #order: NonNullable<Config["order"]>;
  #times: FileTimes | undefined;
  #hasToldHidden = false;
  /** What was passed over and is reported, by path. */
  readonly #passedOver = new Set<string>();
  #listing: Waiting & { readonly at: number; readonly ms: number } = { keys: [], next: 0, at: 0, ms: 0 };
  #until: { readonly offset: FilesOffset; readonly waiting: Waiting } | undefined;
  #format: Format | undefined;
  #request: ReadRequest;

  constructor(c: Config, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#order = c.order ?? (context.durable && context.isEndless === true ? "modified" : "name");
    this.#store = storeOf(c.url, context, {
      onPassedOver: (path, reason) => this.#reportPassedOver(path, reason),
      onHidden: (paths) => this.#reportHidden(paths),
    });
    this.#root =
      /^file:/i.test(c.url) || isAbsolute(c.url) ? undefined : relative(context.resolvePath("."), this.#store.root);
    this.#request = context.request ?? { conditions: [] };
  }

  async open(history: readonly Offset[]): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
    const offsets = history as unknown as readonly FilesOffset[];
    // What an earlier version has taken before this one was taken from the same place.
    const first = offsets.find(({ root }) => root !== undefined)?.root ?? this.#root;
    for (const offset of offsets) this.#remember(first === undefined ? offset : { root: first, ...offset });
    if (this.#taken.length > 0) await this.#reportChanged();
  }

  /** Says once which of the files that were read last are others by now: a file is read once. */
  async #reportChanged(): Promise<void> {
    const read = new Map(this.#taken.slice(-lookedAtAgain).map((entry) => [entry.key, entry]));
    const present = await this.#store.entries([...read.keys()]);
    const changed = present.filter(({ key, size, version }) => {
      const before = read.get(key)!;
      return before.size !== size || before.version !== version;
    });
    const [first] = changed;
    if (first === undefined) return;
    const files = changed.length === 1 ? "1 file has" : `${changed.length} files have`;
    const message = `${files} changed since they were read, which a file is once: ${this.#store.nameOf(first.key)}${changed.length > 1 ? " and others" : ""}. Put new rows into new files.`;
    this.#context.warn?.("file-changed-since-read", message);
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const start = (previous as FilesOffset | null)?.position ?? 0;
    const files =
      until === undefined
        ? await this.#firstListed(bounds)
        : await this.#first(this.#waitingUntil(until as unknown as FilesOffset), bounds);
    if (files.length === 0) return null;
    return this.#offset(start, files, this.#order === "modified" ? timesWith(this.#times, files) : undefined);
  }

  #offset(start: number, files: readonly FileEntry[], times: FileTimes | undefined): Offset {
    const told = times === undefined ? {} : { times };
    const root = this.#root === undefined ? {} : { root: this.#root };
    return { position: start + files.length, files, ...root, ...told } as unknown as Offset;
  }

  /** Once in a run: a look at a folder may be repeated often. */
  #reportHidden([first, ...others]: readonly string[]): void {
    if (this.#hasToldHidden) return;
    this.#hasToldHidden = true;
    const names = others.length === 0 ? "1 file or folder was" : `${others.length + 1} files or folders were`;
    const message = `${names} passed over below ${this.#store.root}, by a name that begins with "_" or ".": ${shownName(first!)}${others.length > 0 ? " and others" : ""}. To read such names, begin a part of the pattern so, as in "_*.csv".`;
    this.#context.warn?.("hidden-names", message);
  }

  #reportPassedOver(path: string, reason: string): void {
    if (this.#passedOver.has(path)) return;
    this.#passedOver.add(path);
    this.#context.warn?.("file-passed-over", `${path} ${reason}, and is passed over.`);
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
      try {
        for await (const output of format.decode!(contents, signal, this.#request)) {
          // What the first rows had, all later ones have.
          if (!("invalid" in output)) this.#request = { schema: output.schema, ...this.#request };
          yield output;
        }
      } catch (error) {
        // A file that was cut or taken away under its reader explains whatever the reader says.
        await this.#store.requireUnchanged(group);
        throw error;
      }
      // What a file was while it was planned says nothing of what it was when its last byte was read.
      await this.#store.requireUnchanged(group);
      yield { bytesRead: group.reduce((bytes, { size }) => bytes + size, 0) };
    }
  }

  #learned(entries: readonly FileEntry[]): Promise<Schema | null> {
    const keys = entries.map(({ key }) => key);
    return learnedSchema(this.#config, this.#format!, this.#store, keys);
  }

  /** The files in which some row may fulfil the conditions, by their folders. */
  async #wanted(entries: readonly FileEntry[]): Promise<readonly FileEntry[]> {
    if (this.#config.partitions === undefined) return entries;
    const schema = this.#request.schema ?? (await this.#learned(entries));
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
    const listed = await this.#store.entries(await keysOf(this.#config, this.#store));
    const present = new Map(listed.map((entry) => [entry.key, entry]));
    const files: FileEntry[] = [];
    const left: Record<number, string> = {};
    for (const [index, { name, end }] of pieces.entries()) {
      const named = this.#filesOf(end as unknown as FilesOffset).filter(({ key }) => this.#store.nameOf(key) === name);
      const entry = named.length === 1 ? present.get(named[0]!.key) : undefined;
      if (entry !== undefined) files.push(entry);
      else if (named.length > 1) left[index] = `${named.length} files of that epoch have this name`;
      else left[index] = "the file is no longer there";
    }
    if (files.length === 0) return { end: null, left };
    const start = (previous as FilesOffset | null)?.position ?? 0;
    return { end: this.#offset(start, this.#inOrder(files), this.#times), left };
  }

  /** A folder is looked through again when that costs little, or nothing of the last time is left. */
  async #firstListed(bounds: Bounds): Promise<FileEntry[]> {
    const started = performance.now();
    const isCheap = started - this.#listing.at > listingShare * this.#listing.ms;
    this.#advance(this.#listing);
    const files = isCheap ? [] : await this.#first(this.#listing, bounds);
    if (files.length > 0) return files;
    const keys = await this.#keysInOrder();
    const ended = performance.now();
    this.#listing = { keys, next: 0, at: ended, ms: ended - started };
    return this.#first(this.#listing, bounds);
  }

  /** Keys of all files that are not taken. */
  async #keysInOrder(): Promise<readonly string[]> {
    const keys = await keysOf(this.#config, this.#store, (key) => this.#seen.has(key));
    if (this.#order === "name") return keys;
    if (this.#order === "natural") return keys.toSorted(byNaturalName);
    return this.#inOrder(await this.#store.entries(keys)).map(({ key }) => key);
  }

  #inOrder(entries: readonly FileEntry[]): FileEntry[] {
    if (this.#order === "modified") {
      const times = new Map(entries.map(({ key, version }) => [key, BigInt(version)]));
      const byTime = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));
      return entries.toSorted((a, b) => byTime(times.get(a.key)!, times.get(b.key)!) || byNaturalName(a.key, b.key));
    }
    const compare = this.#order === "name" ? byName : byNaturalName;
    return entries.toSorted((a, b) => compare(a.key, b.key));
  }

  /** What was there when the run began and is not taken. */
  #waitingUntil(until: FilesOffset): Waiting {
    if (this.#until?.offset !== until) {
      this.#until = { offset: until, waiting: { keys: until.files.map(({ key }) => key), next: 0 } };
    }
    this.#advance(this.#until.waiting);
    return this.#until.waiting;
  }

  /** Passes over what is taken by now. */
  #advance(waiting: Waiting): void {
    while (waiting.next < waiting.keys.length && this.#seen.has(waiting.keys[waiting.next]!)) waiting.next += 1;
  }

  /** The first files that have settled and keep within the bounds; at least one, however large. */
  async #first({ keys, next }: Waiting, bounds: Bounds): Promise<FileEntry[]> {
    const { filesPerEpoch = Number.POSITIVE_INFINITY, bytesPerEpoch = Number.POSITIVE_INFINITY } = bounds;
    const chosen: FileEntry[] = [];
    const settledNs = BigInt(Date.now() - this.#config.settleMs) * 1_000_000n;
    let bytes = 0;
    while (next < keys.length && chosen.length < filesPerEpoch) {
      const count = Math.min(entriesPerLook, filesPerEpoch - chosen.length);
      for (const entry of await this.#store.entries(keys.slice(next, next + count))) {
        if (this.#seen.has(entry.key) || (this.#config.settleMs > 0 && BigInt(entry.version) > settledNs)) continue;
        bytes += entry.size;
        if (chosen.length > 0 && bytes > bytesPerEpoch) return chosen;
        chosen.push(entry);
      }
      next += count;
    }
    return chosen;
  }

  /** The files of an epoch, by their keys from the root that the url has now. */
  #filesOf({ files, root = this.#root }: FilesOffset): readonly FileEntry[] {
    if (root === undefined || this.#root === undefined || root === this.#root) return files;
    return movedEntries(files, this.#context.resolvePath(root), this.#store.root);
  }

  #remember(offset: FilesOffset): void {
    const { position, times } = offset;
    const files = this.#filesOf(offset);
    if (position - files.length > this.#taken.length) {
      const message = `an offset says ${position} files were taken, but only ${this.#taken.length + files.length} are known`;
      throw new OperatorError({ code: "offset-gap", message, domain: "internal" });
    }
    this.#taken.splice(position - files.length, files.length, ...files);
    for (const { key, target } of files) {
      this.#seen.add(key);
      if (target !== undefined) this.#seen.add(target);
    }
    this.#times = times ?? timesWith(this.#times, files);
  }
}

function timeRemarks({ position, times }: FilesOffset): string[] {
  return times === undefined ? [] : timeRemarksOf(position, times);
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
