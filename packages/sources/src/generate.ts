import { checkExpressions, counterRows, expressionColumns, Projection } from "@sferic/bindings/relational";
import {
  type Bounds,
  column,
  ConfigError,
  defineSource,
  type Epoch,
  type Offset,
  Schema,
  type Source,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  rows: z.int().min(1).max(1e15).describe("Rows in all."),
  columns: z
    .record(z.string().min(1), z.string().min(1))
    .refine((columns) => Object.keys(columns).length > 0, "needs at least one column")
    .describe(
      "Columns in order: name to SQL expression over `index` (the row's number, from 0) and the random numbers `random`, `random_2` … `random_8`.",
    ),
  seed: z.int().default(0).describe("The same seed gives the same random numbers."),
});

type Config = z.output<typeof config>;

/** Names of the random columns that expressions can use; a column's place is the number of its stream. */
const randomNames = ["random", ...[2, 3, 4, 5, 6, 7, 8].map((number) => `random_${number}`)];

/** What expressions see: a counter and random numbers. */
const counter = new Schema([column("index", "int64"), ...randomNames.map((name) => column(name, "float64"))]);

const rowsPerBatch = 65_536;

/**
 * Rows computed from their number: for demos, tests and load. A random number is float64, from 0 (included) to 1
 * (excluded); it depends on the seed, its column and the row's number alone (SplitMix64), so that rows are the same
 * however they are cut into epochs and however often they are read.
 */
export const generate = defineSource({
  type: "generate",
  since: "0.1.0",
  status: "experimental",
  summary: "Compute rows from their number and a seed.",
  config,
  bounds: () => ["rowsPerEpoch"],
  errors: ["expression-failed"],
  examples: [
    {
      title: "A noisy wave, one reading per second",
      config: {
        rows: 1000,
        seed: 7,
        columns: {
          time: "TIMESTAMP '2026-01-01' + to_seconds(index)",
          value: "sin(index / 100) + (random - 0.5) / 10",
        },
      },
    },
  ],
  output: (c) => ({ main: schemaOf(c) }),
  create: (c) => new GenerateSource(c),
});

function schemaOf({ columns }: Config): Schema {
  const names = Object.keys(columns);
  const { columns: types, problems } = checkExpressions(
    counter,
    names.map((name) => ({ expression: columns[name]!, pointer: toPointer(["columns", name]) })),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return new Schema(types.map((type, index) => ({ ...type, name: names[index]! })));
}

/** Offset: rows given so far. */
class GenerateSource implements Source {
  readonly #config: Config;
  readonly #projection: Projection;

  constructor(c: Config) {
    this.#config = c;
    this.#projection = new Projection(c.columns, null);
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const start = Number(previous ?? 0);
    const last = Math.min(this.#config.rows, Number(until ?? this.#config.rows));
    const end = Math.min(last, start + (bounds.rowsPerEpoch ?? Number.POSITIVE_INFINITY));
    return end > start ? end : null;
  }

  async *read(start: Offset | null, end: Offset, { signal }: Epoch): ReturnType<Source["read"]> {
    const { columns, seed } = this.#config;
    const used = expressionColumns(counter, Object.values(columns));
    const random = randomNames.flatMap((name, stream) => (used.includes(name) ? [{ name, stream }] : []));
    for (let from = Number(start ?? 0); from < Number(end); from += rowsPerBatch) {
      signal.throwIfAborted();
      const rows = Math.min(rowsPerBatch, Number(end) - from);
      yield await this.#projection.apply(await counterRows(from, rows, seed, random), signal);
    }
  }
}
