import { batches } from "@sferic/bindings/batch";
import { unpivotBatch } from "@sferic/bindings/reshape";
import { callable, column, ConfigError, type ConfigProblem, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Columns that become rows; all of one type."),
  name: z.string().min(1).default("name").describe("Name of the column that tells which column a value stood in."),
  value: z.string().min(1).default("value").describe("Name of the column of values."),
  nulls: z.boolean().default(false).describe("Whether a null gives a row too."),
});

type Config = z.output<typeof config>;

/**
 * Turns some columns into rows: one row per row and column, with the other columns repeated, the name of the column and its
 * value. The rows that stem from one row stand together, in the order of `columns`. The value has the unit that all share.
 */
export const unpivot = callable(
  defineTransform({
    type: "unpivot",
    since: "0.1.0",
    status: "stable",
    summary: "Turn columns into rows of name and value.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({ main: outputSchema(main!, c) }),
    reads: ({ main }, c, wanted) => ({
      main: [...c.columns, ...keptColumns(main!, c).flatMap(({ name }) => (wanted.includes(name) ? name : []))],
    }),
    errors: [],
    examples: [
      {
        title: "One row per coordinate",
        data: "glm-minute",
        config: { columns: ["flash_lon", "flash_lat"], name: "axis", value: "degrees" },
      },
    ],
    create: (c) => ({
      async *apply(rows) {
        for await (const batch of rows) {
          const { columns: unpivoted, nulls } = c;
          const kept = keptColumns(batch.schema, c).map(({ name }) => name);
          yield await unpivotBatch(batch, { kept, unpivoted, columns: outputSchema(batch.schema, c), nulls });
        }
      },
    }),
  }),
  () => Promise.resolve(batches),
);

function keptColumns(schema: Schema, { columns }: Config): Schema["columns"] {
  return schema.columns.filter(({ name }) => !columns.includes(name));
}

function outputSchema(schema: Schema, c: Config): Schema {
  const unpivoted = schema.pick(c.columns);
  const kept = keptColumns(schema, c);
  const [first] = unpivoted;
  const problems: ConfigProblem[] = unpivoted.flatMap(({ name, type }, index) => {
    if (type === first!.type) return [];
    const message = `column "${name}" is ${type} and "${first!.name}" is ${first!.type}; convert one in a select before`;
    return [{ code: "column-type", message, pointer: `/columns/${index}` }];
  });
  const taken = new Set(kept.map(({ name }) => name));
  for (const field of ["name", "value"] as const) {
    if (taken.has(c[field])) {
      const message = `"${c[field]}" is already a column of the result`;
      problems.push({ code: "duplicate-column", message, pointer: `/${field}` });
    }
    taken.add(c[field]);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const nullable = c.nulls && unpivoted.some((one) => one.nullable);
  const shared = unpivoted.every(({ unit }) => unit === first!.unit) ? first!.unit : undefined;
  const value = column(c.value, first!.type, { nullable, ...(shared === undefined ? {} : { unit: shared }) });
  return new Schema([...kept, column(c.name, "utf8"), value]);
}
