import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Connection,
  type Epoch,
  type FileContent,
  type Format,
  type FormatDefinition,
  type OperatorContext,
  OperatorError,
  type PlanContext,
} from "@sferic/operator";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";

/** A folder for one test; disposing removes it with all it holds. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Absolute path of a name in the folder. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Every file below the folder, sorted, relative to it. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    return files.map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1)).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A new empty folder of the operating system's temporary folder. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  return new TemporaryFolder(await mkdtemp(join(tmpdir(), "sferic-test-")));
}

/** What an operator under test is given; everything has a default. */
export interface Surroundings {
  /** Folder that relative paths count from; `.scratch` in it is the operator's own. */
  readonly directory: string;
  /** Formats that a `format` field can name. */
  readonly formats?: readonly FormatDefinition[];
  readonly pipeline?: string;
  readonly operatorId?: string;
  readonly durable?: boolean;
  readonly isEndless?: boolean;
  readonly warn?: OperatorContext["warn"];
  readonly history?: string;
  readonly connection?: Connection | undefined;
}

/** The context of an operator in a run; the scratch folder must be made by the caller. Durable unless said. */
export function operatorContext(surroundings: Surroundings): OperatorContext {
  const { directory, formats = [], pipeline = "p", operatorId = "o", durable = true, history = "h" } = surroundings;
  const { connection, isEndless = false, warn } = surroundings;
  return {
    pipeline,
    operatorId,
    durable,
    isEndless,
    ...(warn === undefined ? {} : { warn }),
    history,
    ...(connection === undefined ? {} : { connection }),
    scratchDirectory: join(directory, ".scratch"),
    resolvePath: (path) => absolutePath(directory, path),
    format: (config) => createFormat(formats, config, directory),
  };
}

/** The context of planning, with probing. */
export function planContext({ directory, formats = [] }: Surroundings): PlanContext {
  return {
    probe: true,
    resolvePath: (path) => absolutePath(directory, path),
    format: (config) => createFormat(formats, config, directory),
  };
}

function absolutePath(directory: string, path: string): string {
  const plain = path.startsWith("file://") ? fileURLToPath(path) : path;
  return isAbsolute(plain) ? plain : join(directory, plain);
}

async function createFormat(
  formats: readonly FormatDefinition[],
  config: { readonly type: string },
  directory: string,
): Promise<Format> {
  const { type, ...own } = config;
  const definition = formats.find((format) => format.type === type);
  if (definition !== undefined) {
    return definition.create(definition.config.parse(own), { resolvePath: (path) => absolutePath(directory, path) });
  }
  throw new OperatorError({ code: "unknown-operator", message: `The test knows no format "${type}".` });
}

/** An epoch with a fixed time and seed. */
export function epochOf(id = 0, signal: AbortSignal = new AbortController().signal): Epoch {
  return { id, timeMs: 1_767_225_600_000 + id * 1000, seed: 60, signal };
}

/** A file of the disk as a format gets it. */
export async function fileAt(path: string): Promise<FileContent> {
  return { name: basename(path), path, byteLength: (await stat(path)).size, bytes: () => readFile(path) };
}

/** The same bytes without a path, as they come from an object store. */
export function fileOf(name: string, bytes: Uint8Array): FileContent {
  return { name, byteLength: bytes.byteLength, bytes: () => Promise.resolve(bytes) };
}
