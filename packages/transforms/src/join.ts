import { batches } from "@sferic/bindings/batch";
import { checkQuery, runQuery } from "@sferic/bindings/query";
import type { JoinStateParams } from "@sferic/bindings/join-state";
import { canLookUp, type LookupParams } from "@sferic/bindings/lookup";
import { quoted } from "@sferic/bindings/relational";
import {
  callable,
  checkedPorts,
  type Column,
  column,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  durationField,
  OperatorError,
  parseDuration,
  type PortSchemas,
  Schema,
  type Streaming,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { commonKind } from "./column-kinds.ts";
import { freeName, knownRows } from "./known-rows.ts";
import { lookedUp, lookupOrRows } from "./lookup-join.ts";
import { perSchema } from "./per-schema.ts";
import { plainColumns } from "./plain-columns.ts";
import { stateBytesMaxField } from "./remembering.ts";
import { StreamJoin } from "./stream-join.ts";
import { windowTimeType } from "./windows.ts";

const kinds = ["inner", "left", "right", "full", "semi", "anti"] as const;

const withinField = z.strictObject({
  left: z.string().describe("Column with the event time of the left rows, a timestamp."),
  right: z.string().describe("Column with the event time of the right rows, a timestamp."),
  before: durationField
    .optional()
    .describe("How much earlier than the left row the right one may be; none by default. The limit counts."),
  after: durationField
    .optional()
    .describe("How much later than the left row the right one may be; none by default. The limit counts."),
});

const config = z.strictObject({
  on: z
    .union([z.array(z.string()).min(1), z.record(z.string().min(1), z.string().min(1))])
    .describe(
      "Columns that must be equal: names that both inputs have, or left name to right name. Null equals nothing.",
    ),
  kind: z
    .enum(kinds)
    .default("inner")
    .describe(
      "Which rows stay without a match: none (inner), those of the left input, of the right, or of both (full). semi keeps the left rows that have a match, anti those that have none; both give the left columns only.",
    ),
  suffix: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Put after the name of a right column when the left input has one of that name, which is an issue otherwise.",
    ),
  within: withinField.optional().describe("For two streams: how far apart in event time rows that meet may be."),
  stateBytesMax: stateBytesMaxField,
});

type Config = z.output<typeof config>;
type Within = z.output<typeof withinField>;

/** Guesses that make the query keep the right input and stream the left one. */
const rowCountHints = { left: 1e9, right: 1e5 };

/**
 * Joins the rows of two inputs within an epoch. The left columns come first, the key columns under their left names; then
 * the other right columns. The right input is kept, in memory or on disk, the left one streams. With a right input of up to
 * 1,000,000 rows, plain key types and few matches per row, the result is in the order of the left rows; otherwise in none.
 *
 * With `within` two streams are joined, from epoch to epoch: a row waits for its partners until the watermark says that no
 * more can come, in memory and in the checkpoint, about 24 bytes a row and 140 a key beside the columns. A row that is not after
 * the watermark of the epoch before is late. The keys are integers, booleans, text, dates or times, of the same type in both
 * inputs. The result is in the order of the left rows and their partners of before, then in that of the right rows.
 */
export const join = callable(
  defineTransform({
    type: "join",
    since: "0.1.0",
    status: "stable",
    summary: "Combine the rows of two inputs that are equal in some columns.",
    needs: "epoch",
    inputs: {
      left: "Rows that stream.",
      right: "Rows to look up in; kept until all left rows have passed.",
    },
    ports: {
      late: "Rows that came too late; with `within` only. The columns of the result, those of the other input null, then the name of the input and the watermark.",
      invalid: "Rows without event time; with `within` only. As late ones, without the watermark.",
    },
    config,
    meetsWithinMs: ({ within }) => (within === undefined ? undefined : Math.max(...Object.values(distancesOf(within)))),
    output: ({ left, right }, c, { streaming }) => {
      if (c.within !== undefined) return streamPorts(left!, right!, c, c.within, streaming);
      if (streaming !== undefined) checkBounded(streaming);
      return { main: outputSchema(left!, right!, c) };
    },
    reads: ({ left, right }, c, wanted): Record<string, string[]> => {
      // What is remembered must do for whatever the pipeline wants of it in a later run.
      if (c.within !== undefined) return {};
      const others = rightColumns(left!, right!, c).filter(({ name }) => wanted.includes(name));
      // A right column has another name only where a left one has its own.
      const namesakes = others.flatMap(({ column, name }) => (name === column.name ? [] : column.name));
      const own = wanted.filter((name) => left!.column(name) !== undefined);
      return {
        left: [...keysOf(c).map(([name]) => name), ...own, ...namesakes],
        right: [...keysOf(c).map(([, name]) => name), ...others.map((other) => other.column.name)],
      };
    },
    limitFields: ["stateBytesMax"],
    errors: ["schema-unknown", "state-too-large"],
    examples: [
      {
        title: "Flashes at the same place, each with each",
        data: "glm-minute",
        config: { on: ["flash_lon", "flash_lat"], suffix: "_other" },
      },
      {
        title: "Rows that have a partner, by columns of different names",
        data: "glm-minute",
        config: { on: { flash_id: "flash_id" }, kind: "semi" },
      },
      {
        title: "Flashes of the same quality, each with those of the tenth of a second after it",
        data: "glm-minute",
        config: {
          on: ["quality_flag"],
          within: { left: "flash_time", right: "flash_time", after: "100 ms" },
          suffix: "_next",
        },
      },
    ],
    create: (c, { operatorId, memoryBytesMax }) => {
      const { within, stateBytesMax } = c;
      if (within !== undefined) {
        const limit = { operatorId, stateBytesMax, things: "rows", advice: streamAdvice } as const;
        return new StreamJoin((left, right) => streamParams(left, right, c, within), limit);
      }
      const plan = perSchema((left, right) => lookupParams(left!, right!, c));
      return {
        async *apply(_, { signal }, inputs) {
          const [left, right] = await Promise.all([knownRows(inputs["left"]!), knownRows(inputs["right"]!)]);
          if (left === null || right === null) return missing(left === null ? "left" : "right", left ?? right);
          const params = plan(left.schema, right.schema);
          const found = await lookupOrRows(left.schema, right, params);
          if ("lookup" in found) return yield* lookedUp(found.lookup, left, params.kind);
          const tables = {
            left: { ...left, rowCountHint: rowCountHints.left },
            right: { ...found, rowCountHint: rowCountHints.right },
          };
          const options = { signal, memoryBytesMax };
          yield* runQuery(tables, query(left.schema, right.schema, c), params.result, options);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** What makes less of a stream wait. */
const streamAdvice =
  'Let rows wait for less time: narrow "within", or shorten the delay of the watermarks; "sferic why" tells what holds them back.';

/** The join as a lookup. */
function lookupParams(left: Schema, right: Schema, c: Config): LookupParams {
  const [leftAt, rightAt] = [left, right].map(({ names }) => new Map(names.map((name, index) => [name, index])));
  const keys = keysOf(c).map(([l, r]) => [leftAt!.get(l)!, rightAt!.get(r)!] as const);
  const rightOfKey = new Map(keys);
  const own = left.names.map((_, index) => {
    const key = rightOfKey.get(index);
    return key === undefined ? { left: index } : { left: index, right: key };
  });
  const looked = rightColumns(left, right, c).map(({ column }) => ({ right: rightAt!.get(column.name)! }));
  return { kind: c.kind, keys, columns: [...own, ...looked], result: outputSchema(left, right, c) };
}

/** Two streams without a bound would have to be remembered for ever. */
function checkBounded({ inputs, isEndless }: Streaming): void {
  const isStream = (input: string): boolean =>
    inputs[input]?.isStream === true && inputs[input].eventTime !== undefined;
  if (!isEndless || !isStream("left") || !isStream("right")) return;
  const message =
    'both inputs are streams, whose rows that belong together come in different epochs: say with "within" how far apart in event time they may be; or give the source of one of them "role": "reference"; or run with the trigger "once"';
  throw new ConfigError([{ code: "join-without-bound", message, pointer: "" }]);
}

/** The ports of a join of two streams. */
function streamPorts(
  left: Schema,
  right: Schema,
  c: Config,
  within: Within,
  streaming: Streaming | undefined,
): PortSchemas {
  let ports: PortSchemas = {};
  checkedPorts(
    {},
    () => checkStreaming(c, streaming),
    () => checkTimes(left, right, within),
    () => checkStreamKeys(plainColumns(left), plainColumns(right), c),
    () => {
      const { result, late } = streamParams(left, right, c, within);
      ports = { main: result, late, invalid: new Schema(late.columns.slice(0, -1)) };
    },
  );
  return ports;
}

function streamParams(left: Schema, right: Schema, c: Config, within: Within): JoinStateParams {
  const [l, r] = [plainColumns(left), plainColumns(right)];
  const { keys, columns, result } = lookupParams(l, r, c);
  const nullable = result.columns.map((one) => ({ ...one, nullable: true }));
  const time = column(freeName("watermark", result), windowTimeType(l, { column: within.left }));
  const late = new Schema([...nullable, column(freeName("input", result), "utf8"), time]);
  return {
    left: { schema: l, keys: keys.map(([key]) => key), time: within.left },
    right: { schema: r, keys: keys.map(([, key]) => key), time: within.right },
    ...distancesOf(within),
    columns,
    result,
    late,
  };
}

function distancesOf({ before = "0 s", after = "0 s" }: Within): { beforeMs: number; afterMs: number } {
  return { beforeMs: parseDuration(before), afterMs: parseDuration(after) };
}

/** What can never end, or never be told, in a join of two streams. */
function checkStreaming({ kind }: Config, streaming: Streaming | undefined): void {
  const problems: ConfigProblem[] = [];
  if (kind !== "inner") {
    const message = `a join of two streams is "inner"; "${kind}" would have to tell rows without a partner, which two streams cannot. Leave "kind" out, or give the source of one input "role": "reference" and leave "within" out`;
    problems.push({ code: "join-kind", message, pointer: "/kind" });
  }
  if (streaming !== undefined && streaming.outputMode !== "append") {
    const message = `a join of two streams gives a pair once, and a sink downstream has the outputMode "${streaming.outputMode}"; with "within" it must be "append"`;
    problems.push({ code: "output-mode", message, pointer: "/within" });
  }
  for (const [input, { isStream, eventTime }] of Object.entries(streaming?.inputs ?? {})) {
    if (!isStream) {
      const message = `the ${input} input is read whole in every epoch, and rows of it would meet again and again; leave "within" out`;
      problems.push({ code: "join-with-reference", message, pointer: "/within" });
    } else if (eventTime === undefined && streaming!.isEndless) {
      const message = `nothing says how far the event time of the ${input} input has got: declare a "watermark" on its source or on a transform before`;
      problems.push({ code: "missing-watermark", message, pointer: `/within/${input}` });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkTimes(left: Schema, right: Schema, within: Within): void {
  const problems = (["left", "right"] as const).flatMap((input): ConfigProblem[] => {
    const schema = input === "left" ? left : right;
    const pointer = `/within/${input}`;
    const absent = absentKey(schema, within[input], input, pointer);
    if (absent.length > 0) return absent;
    const { type } = schema.column(within[input])!;
    if (type.startsWith("timestamp[")) return [];
    return [{ code: "column-type", message: `"${within[input]}" is ${type}; an event time is a timestamp`, pointer }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkStreamKeys(left: Schema, right: Schema, c: Config): void {
  const problems = keyProblems(left, right, c);
  if (problems.length > 0) throw new ConfigError(problems);
  const differing = keysOf(c).flatMap(([l, r], index): ConfigProblem[] => {
    const [a, b] = [left.column(l)!.type, right.column(r)!.type];
    if (a === b && canLookUp(a)) return [];
    const types = a === b ? `"${l}" is ${a}` : `"${l}" is ${a} in the left input and "${r}" is ${b} in the right one`;
    const message = `${types}; two streams are joined by integers, booleans, text, dates or times of one type. Convert it in a select before`;
    return [{ code: "column-type", message, pointer: keyPointer(c, index) }];
  });
  if (differing.length > 0) throw new ConfigError(differing);
}

/** Without the columns of one input there is an answer only when the other one has no batch either. */
function missing(input: string, other: unknown): void {
  if (other === null) return;
  const message = `The input "${input}" has no rows, and nothing tells its columns. Declare the schema of its source.`;
  throw new OperatorError({ code: "schema-unknown", message });
}

/** Key columns as pairs of left and right names. */
function keysOf({ on }: Config): [left: string, right: string][] {
  return Array.isArray(on) ? on.map((name) => [name, name]) : Object.entries(on);
}

function keyPointer({ on }: Config, index: number): string {
  return Array.isArray(on) ? `/on/${index}` : toPointer(["on", Object.keys(on)[index]!]);
}

const keepsLeftOnly = (kind: Config["kind"]): boolean => kind === "semi" || kind === "anti";

/** The right columns that the result has, with their names in it. */
function rightColumns(left: Schema, right: Schema, c: Config): { readonly column: Column; readonly name: string }[] {
  if (keepsLeftOnly(c.kind)) return [];
  const keys = new Set(keysOf(c).map(([, name]) => name));
  return right.columns
    .filter(({ name }) => !keys.has(name))
    .map((column) => {
      const clashes = left.column(column.name) !== undefined;
      return { column, name: clashes && c.suffix !== undefined ? column.name + c.suffix : column.name };
    });
}

function query(left: Schema, right: Schema, c: Config): string {
  const keys = keysOf(c);
  const rightKeys = new Map(keys);
  const selected = left.names.map((name) => {
    const column = `l.${quoted(name)}`;
    const key = rightKeys.get(name);
    if (key === undefined || c.kind === "inner" || c.kind === "left" || keepsLeftOnly(c.kind)) return column;
    return `coalesce(${column}, r.${quoted(key)})`;
  });
  const looked = rightColumns(left, right, c).map(({ column }) => `r.${quoted(column.name)}`);
  const condition = keys.map(([l, r]) => `l.${quoted(l)} = r.${quoted(r)}`).join(" AND ");
  return `SELECT ${[...selected, ...looked].join(", ")} FROM "left" l ${c.kind.toUpperCase()} JOIN "right" r ON ${condition}`;
}

function outputSchema(left: Schema, right: Schema, c: Config): Schema {
  const problems = [...keyProblems(left, right, c), ...nameProblems(left, right, c)];
  if (problems.length > 0) throw new ConfigError(problems);
  const { columns, problems: refused } = checkQuery({ left, right }, query(left, right, c), "");
  if (refused.length > 0) throw new ConfigError(refused);
  const rightKeys = new Map(keysOf(c));
  const leftMayMiss = c.kind === "right" || c.kind === "full";
  const rightMayMiss = c.kind === "left" || c.kind === "full";
  const fromLeft = left.columns.map((column) => {
    const key = rightKeys.get(column.name);
    const nullable = key === undefined ? leftMayMiss : leftMayMiss && right.column(key)!.nullable;
    return { ...column, nullable: column.nullable || nullable };
  });
  const fromRight = rightColumns(left, right, c).map(({ column, name }) => ({
    ...column,
    name,
    nullable: column.nullable || rightMayMiss,
  }));
  return new Schema([...fromLeft, ...fromRight].map((column, index) => ({ ...column, type: columns[index]!.type })));
}

function keyProblems(left: Schema, right: Schema, c: Config): ConfigProblem[] {
  return keysOf(c).flatMap(([l, r], index) => {
    const pointer = keyPointer(c, index);
    const ofLeft = absentKey(left, l, "left", pointer).map((problem) => ({
      ...problem,
      keyRange: !Array.isArray(c.on),
    }));
    const absent = [...ofLeft, ...absentKey(right, r, "right", pointer)];
    if (absent.length > 0) return absent;
    const [a, b] = [left.column(l)!, right.column(r)!];
    if (commonKind(a.type, b.type) === undefined) {
      const message = `"${l}" is ${a.type} in the left input and "${r}" is ${b.type} in the right one; convert one in a select before`;
      return [{ code: "column-type", message, pointer }];
    }
    if (a.unit === undefined || b.unit === undefined || a.unit === b.unit) return [];
    const message = `"${l}" is in ${a.unit} in the left input and "${r}" in ${b.unit} in the right one`;
    return [{ code: "unit-mismatch", message, pointer }];
  });
}

function absentKey(schema: Schema, name: string, input: string, pointer: string): ConfigProblem[] {
  try {
    schema.requireOne(name, "any", pointer);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.problems.map((problem) => ({
      ...problem,
      message: problem.message.replace("the input", `the ${input} input`),
    }));
  }
}

function nameProblems(left: Schema, right: Schema, c: Config): ConfigProblem[] {
  const seen = new Set(left.names.map((name) => name.toLowerCase()));
  return rightColumns(left, right, c).flatMap(({ column, name }) => {
    const taken = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    if (!taken) return [];
    const message = `both inputs have a column "${column.name}"; give a "suffix" for the right one, such as "_right", or rename it in a select before`;
    return [{ code: "duplicate-column", message, pointer: c.suffix === undefined ? "" : "/suffix" }];
  });
}
