import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { checksumFile } from "@sferic/bindings/formats";
import { registry as catalog } from "@sferic/catalog";
import { runPipeline, type RunResult } from "@sferic/engine";
import {
  column,
  createRegistry,
  defineFormat,
  defineSource,
  invalidSchema,
  type Registry,
  requireOperator,
  rowsOf,
  schema,
} from "@sferic/operator";
import { z } from "zod";

/** Numbers that the source has; every one divisible by 5 cannot be decoded. */
export const numberCount = 14;
const rowsPerEpoch = 4;

const numbers = schema([column("n", "int64")]);

/**
 * A pipeline of four epochs with dead letters into two folders, in a folder of its own, and what the outside world knows
 * of it, which outlives every process and power loss.
 */
export class World {
  /** Numbers that the source was told are taken for good. */
  acknowledged = 0;
  readonly #folder: string;
  readonly #registry: Promise<Registry>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#registry = requireOperator(catalog, "sink", "files").then((files) =>
      createRegistry(catalog.batches, [], [files, this.#source(), numberLines] as never[]),
    );
  }

  /** One process, from its start to the end of the run or its death. */
  async run(): Promise<RunResult> {
    const sink = (name: string): object => ({
      type: "files",
      from: "numbers",
      url: join(this.#folder, "out", name),
      format: { type: "number-lines" },
    });
    const spec = {
      name: "power",
      sources: { numbers: { type: "numbers", rowsPerEpoch } },
      sinks: { a: sink("a"), b: sink("b") },
      run: { trigger: "available-now", checkpoint: join(this.#folder, "checkpoint") },
    };
    return runPipeline(spec, { registry: await this.#registry });
  }

  /** What a reader sees of a sink, sorted. Throws when a visible file is not complete. */
  async visible(sink: "a" | "b"): Promise<number[]> {
    const folder = join(this.#folder, "out", sink);
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith("part-"));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    return texts.flatMap(linesOf).toSorted((x, y) => x - y);
  }

  /** Numbers of the dead letters, sorted. */
  async letters(): Promise<number[]> {
    const folder = join(this.#folder, "checkpoint", "dead-letters");
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".jsonl"));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    // The first line says whose they are.
    const lines = texts.flatMap((text) => text.trimEnd().split("\n").slice(1));
    return lines.map((line) => (JSON.parse(line) as { position: number }).position).toSorted((x, y) => x - y);
  }

  /** Names below the outputs that are no parts or tokens. */
  async strayNames(): Promise<string[]> {
    const entries = await readdir(join(this.#folder, "out"), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !/^(a|b|part-.*|\.sferic-token\.power\.[ab])$/.test(entry.name))
      .map(({ name }) => name);
  }

  #source(): unknown {
    return defineSource({
      ...declared,
      type: "numbers",
      config: z.strictObject({}),
      output: () => ({ main: numbers, invalid: invalidSchema }),
      create: () => ({
        latestOffset: async (previous, bounds, until) => {
          const [start, last] = [Number(previous ?? 0), Number(until ?? numberCount)];
          const end = Math.min(last, start + (bounds.rowsPerEpoch ?? numberCount));
          return end > start ? end : null;
        },
        async *read(start, end) {
          const all = Array.from({ length: Number(end) - Number(start) }, (_, index) => Number(start) + index);
          for (const n of all.filter((each) => !isSound(each))) {
            yield { invalid: { name: `${n}`, reason: "cut short", position: n } };
          }
          yield batches.fromRows(
            numbers,
            all.filter(isSound).map((n) => ({ n })),
          );
        },
        acknowledge: async (end) => {
          this.acknowledged = Math.max(this.acknowledged, Number(end));
        },
      }),
    });
  }
}

/** Whether the source can decode a number. */
export function isSound(n: number): boolean {
  return n % 5 !== 0;
}

const declared = { since: "0.1.0", status: "experimental", summary: "For tests.", errors: [], examples: [] } as const;

/** Lines of numbers with an end mark, written through the file functions of Node, where a simulated disk sees them. */
const numberLines = defineFormat({
  ...declared,
  type: "number-lines",
  config: z.strictObject({}),
  create: () => ({
    ending: "txt",
    createWriter: async (path) => {
      const handle = await open(path, "w");
      let rows = 0;
      return {
        write: async (batch) => {
          rows += batch.rowCount;
          await handle.writeFile(
            rowsOf(batch)
              .map(({ n }) => `${Number(n)}\n`)
              .join(""),
          );
        },
        finish: async () => {
          await handle.writeFile("end\n");
          await handle.sync();
          await handle.close();
          return { rows, ...(await checksumFile(path)) };
        },
        abort: () => void handle.close().catch(() => {}),
      };
    },
  }),
});

function linesOf(text: string): number[] {
  const lines = text.split("\n");
  if (lines.splice(-2).join("\n") !== "end\n") throw new Error(`a visible file is torn: ${JSON.stringify(text)}`);
  return lines.map((line) => {
    if (!/^\d+$/.test(line)) throw new Error(`a visible file is torn: ${JSON.stringify(text)}`);
    return Number(line);
  });
}
