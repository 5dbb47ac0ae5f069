import {
  type Bounds,
  ConfigError,
  defineSource,
  type Format,
  formatField,
  invalidSchema,
  type Offset,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type Schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";
import type { FileEntry, FileStore } from "./files/file-store.ts";
import { LocalStore } from "./files/local-store.ts";

const config = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe("A file, a folder with all files below it, or a glob (`./data/**/*.nc`); a path or a `file://` URL."),
  format: formatField.describe("What the files hold, and how to read it."),
});

/** Offset: how many files were taken so far, and those of this epoch. */
interface FilesOffset {
  readonly position: number;
  readonly files: readonly FileEntry[];
}

/** How much is decoded by one call into the core. */
const filesPerCall = 64;
const bytesPerCall = 64 * 1024 * 1024;

/**
 * Files in name order, each taken once. A file that cannot be decoded gives no rows and goes to `invalid`; a file that
 * changed after it was planned ends the run with `source-changed`.
 */
export const files = defineSource({
  type: "files",
  since: "0.1.0",
  status: "stable",
  summary: "Read files that match a path or pattern, each exactly once.",
  config,
  errors: ["source-changed", "format-not-readable"],
  examples: [{ title: "All granules of a folder", config: { url: "./granules/*.nc", format: { type: "glm" } } }],
  output: async (c, context) => ({ main: await planSchema(c, context), invalid: invalidSchema }),
  create: (c, context) => new FilesSource(c, context),
});

async function planSchema(c: z.output<typeof config>, context: PlanContext): Promise<Schema | null> {
  const format = await context.format(c.format);
  if (format.decode === undefined) {
    const message = `files of the format "${c.format.type}" can be written but not read`;
    throw new ConfigError([{ code: "format-not-readable", message, pointer: "/format/type" }]);
  }
  const store = storeOf(c.url, context);
  if (format.schema !== undefined || !context.probe || format.probe === undefined) return format.schema ?? null;
  const first = (await store.list())[0];
  return first === undefined ? null : format.probe(await store.open(first)).catch(() => null);
}

function storeOf(url: string, context: Pick<PlanContext, "resolvePath">): FileStore {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return new LocalStore(context.resolvePath(url));
  const message = `files cannot be read from "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}

class FilesSource implements Source {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #store: FileStore;
  readonly #seen = new Set<string>();
  /** Files in the order they were taken; the file at index i has position i + 1. */
  readonly #taken: FileEntry[] = [];
  #format: Format | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#store = storeOf(c.url, context);
  }

  async open(history: readonly Offset[]): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
    for (const offset of history) this.#remember(offset as unknown as FilesOffset);
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const start = (previous as FilesOffset | null)?.position ?? 0;
    const listed = until === undefined ? await this.#store.list() : (until as unknown as FilesOffset).files;
    const fresh = listed.filter(({ key }) => !this.#seen.has(key));
    const files = bounded(fresh, bounds);
    if (files.length === 0) return null;
    return { position: start + files.length, files } as unknown as Offset;
  }

  async *read(start: Offset | null, end: Offset, { signal }: { signal: AbortSignal }): ReturnType<Source["read"]> {
    const from = (start as FilesOffset | null)?.position ?? 0;
    const to = end as unknown as FilesOffset;
    this.#remember(to);
    for (const group of groups(this.#taken.slice(from, to.position))) {
      signal.throwIfAborted();
      const contents = await Promise.all(group.map((entry) => this.#store.open(entry)));
      yield* this.#format!.decode!(contents, signal);
      yield { bytesRead: group.reduce((bytes, { size }) => bytes + size, 0) };
    }
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
function* groups(files: readonly FileEntry[]): Generator<FileEntry[]> {
  let group: FileEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    if (group.length > 0 && (group.length >= filesPerCall || bytes + file.size > bytesPerCall)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.size;
  }
  if (group.length > 0) yield group;
}
