import { batches } from "@sferic/bindings/batch";
import {
  column,
  defineSource,
  type InvalidInput,
  OperatorError,
  type PortSchemas,
  schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";
import {
  abortEndsReadingWithinASecond,
  aRangeReadTwiceGivesTheSameRows,
  badInputGoesToInvalidWithItsPosition,
  boundsAreKept,
  changedInputIsRefused,
  closingASourceTwiceIsHarmless,
  examplesGiveRowsOfTheDeclaredSchema,
  lostPiecesAreOfferedAgain,
  memoryStaysBoundedWhileTheConsumerIsSlow,
  nothingNewIsNoOffset,
  offsetsSurviveJson,
  rangesAddUp,
  sourceChecks,
  type SourceSubject,
} from "./source-checks.ts";
import { describeDoubles, forever } from "./testing/doubles.ts";

/** Input in memory: numbered portions of two rows each. */
interface Portions {
  readonly count: number;
  readonly spoilt: Set<number>;
  readonly changed: Set<number>;
  taken: number;
}

const columns = schema([column("portion", "int64"), column("row", "int64")]);

/** A source of portions as it should be; its offset is the number of portions read. */
function portionsSource(input: Portions): Source {
  return {
    latestOffset: async (previous, { filesPerEpoch = Number.POSITIVE_INFINITY }, until = Number.POSITIVE_INFINITY) => {
      const start = Number(previous ?? 0);
      const end = Math.min(input.count, start + filesPerEpoch, Number(until));
      return end > start ? end : null;
    },
    read: async function* (start, end, { signal }) {
      for (let portion = Number(start ?? 0); portion < Number(end); portion++) {
        signal.throwIfAborted();
        input.taken += 1;
        yield takenFrom(input, portion);
      }
    },
  };
}

function takenFrom({ changed, spoilt }: Portions, portion: number): ReturnType<typeof batches.fromRows> | InvalidInput {
  if (changed.has(portion)) throw new OperatorError({ code: "source-changed", message: `${portion} changed.` });
  if (spoilt.has(portion)) return { invalid: { name: `${portion}`, reason: "spoilt", position: 5 } };
  const rows = [0, 1].map((row) => ({ portion, row }));
  return batches.fromRows(columns, rows);
}

/** The good source, but for what is changed. */
function source(
  changes: (good: Source, input: Portions) => Partial<Source>,
  ports: PortSchemas = { main: columns },
): SourceSubject {
  const inputs = new Map<string, Portions>();
  const arrange = async (directory: string, count: number): Promise<Portions> => {
    const input: Portions = { count, spoilt: new Set(), changed: new Set(), taken: 0 };
    inputs.set(directory, input);
    return input;
  };
  const definition = defineSource({
    type: "portions",
    since: "0.1.0",
    status: "experimental",
    summary: "Give numbered portions.",
    config: z.strictObject({}),
    errors: ["source-changed"],
    examples: [{ title: "All", config: {} }],
    output: () => ports,
    create: (_, context) => {
      const input = inputs.get(context.resolvePath("."))!;
      const good = portionsSource(input);
      return { ...good, ...changes(good, input) };
    },
  });
  return {
    definition,
    onePortion: { filesPerEpoch: 1 },
    portionsAheadMax: 2,
    arrange: async (directory, portionCount) => {
      const input = await arrange(directory, portionCount);
      return {
        config: {},
        spoil: async (portion) => {
          input.spoilt.add(portion);
          return { name: `${portion}`, position: 5 };
        },
        change: async (portion) => void input.changed.add(portion),
        taken: () => input.taken,
      };
    },
    arrangeExamples: async (directory) => {
      await arrange(directory, 2);
      return {};
    },
  };
}

describeDoubles(
  sourceChecks,
  source(() => ({})),
  [
    {
      breaks: examplesGiveRowsOfTheDeclaredSchema,
      defect: "it declares another type",
      subject: source(() => ({}), { main: schema([column("portion", "int32"), column("row", "int64")]) }),
      message: /All: the real columns must be the declared ones[^]*int32/,
    },
    {
      breaks: examplesGiveRowsOfTheDeclaredSchema,
      defect: "it finds nothing",
      subject: source(() => ({ latestOffset: async () => null })),
      message: /All: the example must find input/,
    },
    {
      breaks: aRangeReadTwiceGivesTheSameRows,
      defect: "it counts on when a range is read again",
      subject: source((_, input) => ({
        read: async function* (start, end) {
          const rows = [{ portion: Number(end) - Number(start), row: input.taken++ }];
          yield batches.fromRows(columns, rows);
        },
      })),
      message: /must give the same rows when it is read again/,
    },
    {
      breaks: rangesAddUp,
      defect: "a range includes its start",
      subject: source((good) => ({
        read: (start, end, epoch) => good.read(start === null ? null : Number(start) - 1, end, epoch),
      })),
      message: /0 to 2 must be 0 to 1 followed by 1 to 2/,
    },
    {
      breaks: offsetsSurviveJson,
      defect: "an offset is no JSON",
      subject: source((good) => ({
        latestOffset: async (...given) => BigInt(Number(await good.latestOffset(...given))) as never,
      })),
      message: /offsets survive json.*BigInt/,
    },
    {
      breaks: offsetsSurviveJson,
      defect: "an offset loses what it knows in JSON",
      subject: source((good) => ({
        latestOffset: async (previous, ...given) => {
          const next = await good.latestOffset((previous as Map<string, number> | null)?.get("end") ?? null, ...given);
          return next === null ? null : (new Map([["end", next]]) as never);
        },
        read: (start, end, epoch) => {
          const [from, to] = [start, end].map((offset) => (offset as Map<string, number> | null)?.get("end") ?? null);
          return good.read(from!, to!, epoch);
        },
      })),
      message: /offsets survive json.*get is not a function/,
    },
    {
      breaks: nothingNewIsNoOffset,
      defect: "it offers the newest offset again",
      subject: source((_, { count }) => ({ latestOffset: async () => count })),
      message: /after the newest offset there must be nothing/,
    },
    {
      breaks: boundsAreKept,
      defect: "it takes all there is",
      subject: source((good) => ({ latestOffset: (previous, _, until) => good.latestOffset(previous, {}, until) })),
      message: /three portions made 1 epochs/,
    },
    {
      breaks: boundsAreKept,
      defect: "it goes past the offset that it is told to stop at",
      subject: source((good) => ({ latestOffset: (previous, bounds) => good.latestOffset(previous, bounds) })),
      message: /nothing may be offered past "until"/,
    },
    {
      breaks: memoryStaysBoundedWhileTheConsumerIsSlow,
      defect: "it takes everything before it gives anything",
      subject: source((good) => ({
        read: async function* (...given) {
          yield* await Array.fromAsync(good.read(...given));
        },
      })),
      message: /52 portions were taken ahead of a consumer that has one batch/,
    },
    {
      breaks: badInputGoesToInvalidWithItsPosition,
      defect: "it does not say where the damage is",
      subject: source((good) => ({
        read: async function* (...given) {
          for await (const output of good.read(...given)) {
            yield "invalid" in output ? { invalid: { ...output.invalid, position: null } } : output;
          }
        },
      })),
      message: /refused by its name and place[^]*position: null/,
    },
    {
      breaks: badInputGoesToInvalidWithItsPosition,
      defect: "it keeps quiet about the damage",
      subject: source((good) => ({
        read: async function* (...given) {
          for await (const output of good.read(...given)) if (!("invalid" in output)) yield output;
        },
      })),
      message: /the damaged portion must be refused once/,
    },
    {
      breaks: lostPiecesAreOfferedAgain,
      defect: "it offers nothing again",
      subject: source(() => ({ replay: async () => ({ end: null, left: {} }) })),
      message: /the lost piece must be offered again/,
    },
    {
      breaks: lostPiecesAreOfferedAgain,
      defect: "it takes a piece that is not there for one",
      subject: source(() => ({ replay: async (_, previous) => ({ end: previous, left: {} }) })),
      message: /a piece that is not there must be left/,
    },
    {
      breaks: lostPiecesAreOfferedAgain,
      defect: "it reads all input again",
      subject: source((good) => ({
        replay: async (_, previous) => ({ end: previous, left: { 1: "gone" } }),
        read: (_, end, epoch) => good.read(null, end, epoch),
      })),
      message: /only the lost piece must be read/,
    },
    {
      breaks: changedInputIsRefused,
      defect: "it reads what is there now",
      subject: source((good, { changed }) => ({
        read: (...given) => {
          changed.clear();
          return good.read(...given);
        },
      })),
      message: /changed input must end with source-changed, not with rows/,
    },
    {
      breaks: closingASourceTwiceIsHarmless,
      defect: "it cannot be closed again",
      subject: source(() => {
        let closings = 0;
        return {
          close: async () => {
            closings += 1;
            if (closings === 2) throw new Error("Closed already.");
          },
        };
      }),
      message: /closing a source twice is harmless.*Closed already\./,
    },
    {
      breaks: abortEndsReadingWithinASecond,
      defect: "it does not listen to the signal",
      subject: source(() => ({
        read: async function* () {
          yield await forever();
        },
      })),
      message: /reading must end within a second of the abort/,
    },
  ],
);
