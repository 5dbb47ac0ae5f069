import { batches } from "@sferic/bindings/batch";
import { checkQuery, queryDependsOnOrder, runQuery } from "@sferic/bindings/query";
import { callable, ConfigError, defineTransform, OperatorError, Schema } from "@sferic/operator";
import { z } from "zod";
import { type KnownRows, knownRows } from "./known-rows.ts";

const config = z.strictObject({
  query: z
    .string()
    .min(1)
    .describe(
      "One SELECT in DuckDB's dialect. Its tables are the inputs, by the names that `from` gives them, or by what it reads.",
    ),
});

/**
 * Runs a query over the rows of an epoch. What it must keep goes to disk beyond the memory limit. Rows come in the order of
 * its ORDER BY, or in none. It reads no files, and it cannot call what depends on the clock or on chance. A query whose
 * answer hangs on the order of its rows, such as one with `LIMIT`, `row_number()` or `first(x)`, takes them as they come,
 * by epoch, file and row, on one thread. Sums of integers are int64, and one that does not fit is an error.
 */
export const sql = callable(
  defineTransform({
    type: "sql",
    since: "0.1.0",
    status: "stable",
    summary: "Run an SQL query over one or more inputs.",
    needs: "epoch",
    inputs: "any",
    config,
    output: (inputs, c, { wideSums }) => ({ main: outputSchema(inputs, c.query, wideSums) }),
    errors: ["expression-failed", "schema-unknown"],
    examples: [
      {
        title: "The brightest flash of every second",
        data: "glm-minute",
        inputs: ["flashes"],
        config: {
          query:
            "SELECT date_trunc('second', flash_time) AS second, max(flash_energy) AS energy FROM flashes GROUP BY ALL ORDER BY second",
        },
      },
      {
        title: "Two inputs",
        data: "glm-minute",
        inputs: ["a", "b"],
        config: { query: "SELECT count(*) AS pairs FROM a JOIN b ON a.flash_id < b.flash_id" },
      },
    ],
    dependsOnOrder: (c) => queryDependsOnOrder(c.query),
    create: (c, { memoryBytesMax, tempDirectory, wideSums, keepsOrder }) => ({
      async *apply(_, { signal }, inputs) {
        const entries = Object.entries(inputs);
        const known = await Promise.all(entries.map(async ([name, rows]) => [name, await knownRows(rows)] as const));
        if (known.every(([, rows]) => rows === null) && known.length > 0) return;
        const tables = Object.fromEntries(known.map(([name, rows]) => [name, present(name, rows)]));
        const schemas = Object.fromEntries(Object.entries(tables).map(([name, { schema }]) => [name, schema]));
        const columns = outputSchema(schemas, c.query, wideSums);
        // Whether the query itself asks for it is found out where it runs.
        const ordered = keepsOrder === true ? true : undefined;
        yield* runQuery(tables, c.query, columns, { signal, memoryBytesMax, tempDirectory, ordered });
      },
    }),
  }),
  () => Promise.resolve(batches),
);

function present(name: string, rows: KnownRows | null): KnownRows {
  if (rows !== null) return rows;
  const message = `The input "${name}" has no rows, and nothing tells its columns. Declare the schema of its source.`;
  throw new OperatorError({ code: "schema-unknown", message });
}

function outputSchema(inputs: Readonly<Record<string, Schema>>, query: string, wideSums?: boolean): Schema {
  const { columns, problems } = checkQuery(inputs, query, "/query", { wideSums });
  if (problems.length > 0) throw new ConfigError(problems);
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return new Schema(columns);
  const message = `the query gives two columns "${twice}"; name one of them with AS`;
  throw new ConfigError([{ code: "duplicate-column", message, pointer: "/query" }]);
}
