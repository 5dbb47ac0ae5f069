import { cp, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { registry } from "@sferic/catalog";
import { type ProtocolPoint, type RunResult, runPipeline } from "@sferic/engine";
import { type Batch, isBatch, type Registry, type Source, type SourceDefinition } from "@sferic/operator";
import { type Case, type CaseSpec, inputs } from "./cases.ts";

/** Where a run is to end as if the machine had failed. */
export interface Crash {
  readonly epoch: number;
  readonly point: ProtocolPoint;
}

/** How a case runs. */
export interface Way {
  readonly registry?: Registry;
  /** Whether the run keeps a checkpoint, in `checkpoint` beside the pipeline. */
  readonly durable?: boolean;
  readonly filesPerEpoch?: number;
}

/** Makes a temporary folder with a copy of the inputs, in which every run has a folder of its own. */
export async function temporaryRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "sferic-pipelines-"));
  await cp(inputs, join(root, "input"), { recursive: true });
  return root;
}

/** Makes a folder for one case, run in one way, in a {@link temporaryRoot}. */
export async function folderOf(root: string, name: string): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  return folder;
}

/** Runs a case in a folder of {@link folderOf}. A run that crashes resolves with state `failed` and an error that says so. */
export async function runCase(folder: string, { spec }: Case, way: Way, crash?: Crash): Promise<RunResult> {
  const changed = way.filesPerEpoch === undefined ? spec : withFilesPerEpoch(spec, way.filesPerEpoch);
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(changed));
  return runPipeline(changed, {
    file,
    registry: way.registry ?? registry,
    ...(way.durable === true ? { checkpoint: join(folder, "checkpoint"), trigger: "available-now" } : {}),
    onEvent: (event) => {
      if (crash === undefined || event.type !== "point") return;
      if (event.epoch === crash.epoch && event.point === crash.point) throw new Error(crashed);
    },
  });
}

const crashed = "the machine failed";

/** Whether a run ended by {@link Crash}. */
export function hasCrashed({ error }: RunResult): boolean {
  return error?.message.includes(crashed) === true;
}

function withFilesPerEpoch(spec: CaseSpec, filesPerEpoch: number): CaseSpec {
  const sources = Object.entries(spec.sources).map(([id, source]) => [
    id,
    source["role"] === "reference" ? source : { ...source, filesPerEpoch },
  ]);
  return { ...spec, sources: Object.fromEntries(sources) as CaseSpec["sources"] };
}

const perRowTypes = new Set(["select", "filter", "flatten", "unpivot", "expect", "union"]);

/** Joins whose rows follow from one left row each, when the right ones are the same in every epoch. */
const perRowKinds = new Set(["inner", "left", "semi", "anti"]);

/** Whether every row of the sinks follows from one row of a source, so that it does not matter how epochs are cut. */
export function isPerRow({ sources, transforms = {} }: CaseSpec): boolean {
  return Object.values(transforms).every((transform) => {
    const type = transform["type"] as string;
    if (perRowTypes.has(type)) return true;
    if (type !== "join" || !perRowKinds.has((transform["kind"] as string | undefined) ?? "inner")) return false;
    const { right } = transform["from"] as { readonly right: string };
    return sources[right]?.["role"] === "reference";
  });
}

/** Whether a source has several files that come epoch by epoch. */
export function takesManyFiles({ sources }: CaseSpec): boolean {
  return Object.values(sources).some(({ url, role }) => (url as string).includes("*") && role !== "reference");
}

/** The built-in operators, with sources that give their rows in batches of 1, 2, 3, 1, 2, 3 … rows. */
export function tinyBatches(): Registry {
  return {
    batches,
    types: (kind) => registry.types(kind),
    find: async (kind, type) => {
      const found = await registry.find(kind, type);
      return found?.kind === "source" ? (cutting(found as SourceDefinition) as never) : found;
    },
  };
}

function cutting(definition: SourceDefinition): SourceDefinition {
  return {
    ...definition,
    create: (config, context) => {
      const source = definition.create(config, context);
      return new Proxy(source, {
        get: (target, property) => {
          if (property === "read") return (...range: Parameters<Source["read"]>) => readCut(target, range);
          const value = Reflect.get(target, property) as unknown;
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

async function* readCut(source: Source, range: Parameters<Source["read"]>): ReturnType<Source["read"]> {
  let size = 0;
  for await (const output of source.read(...range)) {
    if (!isBatch(output) || output.rowCount === 0) {
      yield output;
      continue;
    }
    const table = (output as Batch).toArrow();
    output.close();
    for (let start = 0; start < table.numRows; start += size) {
      size = (size % 3) + 1;
      yield batches.fromArrow(table.slice(start, start + size));
    }
  }
}
