import type { JoinStateParams } from "@sferic/bindings/join-state";
import { canLookUp } from "@sferic/bindings/lookup";
import {
  checkedPorts,
  column,
  ConfigError,
  type ConfigProblem,
  durationField,
  parseDuration,
  type PortSchemas,
  Schema,
  type Streaming,
} from "@sferic/operator";
import { z } from "zod";
import { absentKey, type JoinColumns, keyPointer, keyProblems, keysOf, lookupParams } from "./join-columns.ts";
import { freeName } from "./known-rows.ts";
import { plainColumns } from "./plain-columns.ts";
import { windowTimeType } from "./windows.ts";

/** Configuration of how far apart in event time rows of two streams may be that meet. */
export const withinField = z.strictObject({
  left: z.string().describe("Column with the event time of the left rows, a timestamp."),
  right: z.string().describe("Column with the event time of the right rows, a timestamp."),
  before: durationField
    .optional()
    .describe("How much earlier than the left row the right one may be; none by default. The limit counts."),
  after: durationField
    .optional()
    .describe("How much later than the left row the right one may be; none by default. The limit counts."),
});

type Within = z.output<typeof withinField>;

/** What makes less of a stream wait. */
export const streamAdvice =
  'Let rows wait for less time: narrow "within", or shorten the delay of the watermarks; "sferic why" tells what holds them back.';

/** Two streams without a bound would have to be remembered for ever. */
export function checkBounded({ inputs, isEndless }: Streaming): void {
  const isStream = (input: string): boolean =>
    inputs[input]?.isStream === true && inputs[input].eventTime !== undefined;
  if (!isEndless || !isStream("left") || !isStream("right")) return;
  const message =
    'both inputs are streams, whose rows that belong together come in different epochs: say with "within" how far apart in event time they may be; or give the source of one of them "role": "reference"; or run with the trigger "once"';
  throw new ConfigError([{ code: "join-without-bound", message, pointer: "" }]);
}

/** The ports of a join of two streams. */
export function streamPorts(
  left: Schema,
  right: Schema,
  c: JoinColumns,
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

/** The join of two streams of these columns. */
export function streamParams(left: Schema, right: Schema, c: JoinColumns, within: Within): JoinStateParams {
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

/** The bounds in milliseconds. */
export function distancesOf({ before = "0 s", after = "0 s" }: Within): { beforeMs: number; afterMs: number } {
  return { beforeMs: parseDuration(before), afterMs: parseDuration(after) };
}

/** What can never end, or never be told, in a join of two streams. */
function checkStreaming({ kind }: JoinColumns, streaming: Streaming | undefined): void {
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

function checkStreamKeys(left: Schema, right: Schema, c: JoinColumns): void {
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
