import assert from "node:assert/strict";
import {
  asOperatorError,
  type Batch,
  type Bounds,
  type Connection,
  type FormatDefinition,
  type InvalidInput,
  isBatch,
  type Json,
  type Offset,
  type Source,
  type SourceDefinition,
} from "@sferic/operator";
import { batches } from "@sferic/bindings/batch";
import { abortMsMax, assertSame, type Check, describeChecks, settlesWithin } from "./check.ts";
import { declarationChecks } from "./declaration-checks.ts";
import { rowTexts } from "./rows.ts";
import { epochOf, operatorContext, planContext, temporaryFolder } from "./surroundings.ts";

/** Input that was made for one check. */
export interface Input {
  readonly config: Readonly<Record<string, Json>>;
  readonly formats?: readonly FormatDefinition[];
  /** Damages a portion (0, 1, …) before it is listed; resolves to the name that `invalid` must give, and where the damage is. */
  spoil?(portion: number): Promise<{ readonly name: string; readonly position: number }>;
  /** Changes a portion after it was listed, so that it cannot be read as it was planned. */
  change?(portion: number): Promise<void>;
  /** Portions that the source has taken so far, of this input. */
  taken?(): number;
}

/** A source under test. */
export interface SourceSubject {
  readonly definition: SourceDefinition;
  /** Bounds under which one epoch takes one portion. */
  readonly onePortion: Bounds;
  /** Makes input of so many portions of a few rows in an empty folder. */
  arrange(directory: string, portionCount: number): Promise<Input>;
  /** Puts into an empty folder what the examples read. */
  arrangeExamples(directory: string): Promise<Pick<Input, "formats">>;
  /** For a source that declares one. */
  connection?(): Connection;
  /** Most portions that may be taken while the consumer is still busy with the first rows. */
  readonly portionsAheadMax: number;
}

/** The rules for sources, beside those of their declaration. */
export const sourceChecks: readonly Check<SourceSubject>[] = [
  examplesGiveRowsOfTheDeclaredSchema,
  aRangeReadTwiceGivesTheSameRows,
  rangesAddUp,
  offsetsSurviveJson,
  nothingNewIsNoOffset,
  boundsAreKept,
  memoryStaysBoundedWhileTheConsumerIsSlow,
  badInputGoesToInvalidWithItsPosition,
  lostPiecesAreOfferedAgain,
  changedInputIsRefused,
  closingASourceTwiceIsHarmless,
  abortEndsReadingWithinASecond,
];

/** Registers all rules for a source. To be called first in the source's test. */
export function describeSource(subject: SourceSubject): void {
  describeChecks(`source ${subject.definition.type} keeps the contract`, declarationChecks, subject);
  describeChecks(`source ${subject.definition.type} keeps the contract of sources`, sourceChecks, subject);
}

export async function examplesGiveRowsOfTheDeclaredSchema(subject: SourceSubject): Promise<void> {
  const { definition } = subject;
  for (const { title, config } of definition.examples) {
    await using folder = await temporaryFolder();
    const { formats = [] } = await subject.arrangeExamples(folder.path);
    const surroundings = { directory: folder.path, formats, connection: subject.connection?.() };
    const checked = definition.config.parse(config);
    const declared = await definition.output(checked, planContext(surroundings));
    const source = definition.create(checked, operatorContext(surroundings));
    await source.open?.([]);
    const end = await source.latestOffset(null, {});
    assert.ok(end !== null, `${title}: the example must find input`);
    const { rows, schemas } = await readAll(source, null, end);
    await source.close?.();
    assert.ok(rows.length > 0, `${title}: the example must give rows`);
    const expected = JSON.stringify(declared["main"]?.columns.map(({ name, type, unit }) => [name, type, unit]));
    for (const schema of schemas)
      assert.equal(schema, expected, `${title}: the real columns must be the declared ones`);
  }
}

/** Bit for bit, in the same order. */
export async function aRangeReadTwiceGivesTheSameRows(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 3);
  const [first, second] = await read.epochs(2);
  await readAll(read.source, null, first!);
  const once = await readAll(read.source, first!, second!);
  const again = await readAll(read.source, first!, second!);
  assert.ok(once.rows.length > 0, "the range must have rows");
  assertSame(again.rows, once.rows, "the range must give the same rows when it is read again");
}

/** Reading 0 to 2 equals reading 0 to 1 and then 1 to 2. */
export async function rangesAddUp(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 3);
  const [first, second] = await read.epochs(2);
  const parts = [await readAll(read.source, null, first!), await readAll(read.source, first!, second!)];
  const whole = await readAll(read.source, null, second!);
  const inParts = parts.flatMap(({ rows }) => rows);
  assertSame(whole.rows, inParts, "0 to 2 must be 0 to 1 followed by 1 to 2");
}

/** A new process that knows the offsets from a checkpoint replays the ranges and goes on after them. */
export async function offsetsSurviveJson(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 3);
  const offsets = await read.epochs(2);
  const [first, second] = JSON.parse(JSON.stringify(offsets)) as Offset[];
  const before = await readAll(read.source, offsets[0]!, offsets[1]!);
  const reopened = await read.reopen([first!]);
  const replayed = await readAll(reopened, first!, second!);
  assertSame(replayed.rows, before.rows, "a range stored as JSON must give the same rows");
  const third = await reopened.latestOffset(second!, subject.onePortion);
  assert.ok(third !== null, "there is a third portion to read");
  const rest = await readAll(reopened, second!, third);
  assert.ok(rest.rows.length > 0, "the third portion must have rows");
  assert.ok(
    rest.rows.every((row) => !before.rows.includes(row)),
    "no row may come twice",
  );
}

export async function nothingNewIsNoOffset(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 2);
  const end = await read.source.latestOffset(null, {});
  await readAll(read.source, null, end!);
  assert.equal(await read.source.latestOffset(end, {}), null, "after the newest offset there must be nothing");
}

/** Three portions are three epochs, and `until` holds back what came later. */
export async function boundsAreKept(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 3);
  const offsets = await read.epochs(4);
  assert.equal(offsets.length, 3, `three portions made ${offsets.length} epochs under bounds of one portion`);
  await using bounded = await reading(subject, 3);
  const until = await bounded.source.latestOffset(null, subject.onePortion);
  const { rows } = await readAll(bounded.source, null, until!);
  const past = await bounded.source.latestOffset(until, {}, until!);
  assert.equal(past, null, `nothing may be offered past "until", beyond the ${rows.length} rows before it`);
}

/** With one batch taken and not the next, only so many portions were touched. */
export async function memoryStaysBoundedWhileTheConsumerIsSlow(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, subject.portionsAheadMax + 50);
  const end = await read.source.latestOffset(null, {});
  const rows = read.source.read(null, end!, epochOf())[Symbol.asyncIterator]();
  const { value } = await rows.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const taken = read.input.taken?.();
  await rows.return?.(undefined);
  if (isBatch(value)) value.close();
  if (taken === undefined) return;
  assert.ok(taken <= subject.portionsAheadMax, `${taken} portions were taken ahead of a consumer that has one batch`);
}

/** The good input around it gives its rows; the damaged piece is named, with a reason and the place. */
export async function badInputGoesToInvalidWithItsPosition(subject: SourceSubject): Promise<void> {
  await using good = await reading(subject, 3);
  const all = await readAll(good.source, null, (await good.source.latestOffset(null, {}))!);
  await using read = await reading(subject, 3);
  const spoilt = await read.input.spoil?.(1);
  if (spoilt === undefined) return;
  const { rows, invalid } = await readAll(read.source, null, (await read.source.latestOffset(null, {}))!);
  assert.equal(rows.length, (all.rows.length / 3) * 2, "the good portions must give their rows, the damaged one none");
  assert.equal(invalid.length, 1, "the damaged portion must be refused once");
  const { name, position, reason } = invalid[0]!;
  assertSame({ name, position }, spoilt, "the damaged portion must be refused by its name and place");
  assert.ok(reason.length > 0, "the damaged portion must be refused for a reason");
}

/** A piece that could not become rows is read once more, and nothing else with it; what is not there is left. */
export async function lostPiecesAreOfferedAgain(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 3);
  const spoilt = read.source.replay && (await read.input.spoil?.(1));
  if (spoilt === undefined) return;
  const end = (await read.source.latestOffset(null, {}))!;
  await readAll(read.source, null, end);
  const pieces = [spoilt.name, "no such piece"].map((name) => ({ name, end }));
  const offered = await read.source.replay!(pieces, end);
  assert.ok(offered.end !== null, "the lost piece must be offered again");
  assertSame(Object.keys(offered.left), ["1"], "a piece that is not there must be left, and no other");
  const stored = JSON.parse(JSON.stringify(offered.end)) as Offset;
  const { rows, invalid } = await readAll(read.source, end, stored);
  assertSame([rows.length, ...invalid.map(({ name }) => name)], [0, spoilt.name], "only the lost piece must be read");
  assert.equal(await read.source.latestOffset(stored, {}), null, "after a replay nothing must be offered twice");
}

export async function changedInputIsRefused(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 2);
  if (read.input.change === undefined) return;
  const end = await read.source.latestOffset(null, {});
  await read.input.change(1);
  const code = await readAll(read.source, null, end!).then(
    () => "rows",
    (thrown: unknown) => asOperatorError(thrown).code,
  );
  assert.equal(code, "source-changed", `changed input must end with source-changed, not with ${code}`);
}

/** Before and after it was opened. */
export async function closingASourceTwiceIsHarmless(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 1);
  await read.source.close?.();
  await read.source.close?.();
}

export async function abortEndsReadingWithinASecond(subject: SourceSubject): Promise<void> {
  await using read = await reading(subject, 500);
  const abort = new AbortController();
  const end = await read.source.latestOffset(null, {});
  const all = readAll(read.source, null, end!, abort.signal, 5);
  setTimeout(() => abort.abort(), 50);
  assert.ok(await settlesWithin(all, abortMsMax + 50), "reading must end within a second of the abort");
}

/** An opened source over input of its own; disposing closes the source and removes the input. */
interface Reading extends AsyncDisposable {
  readonly input: Input;
  readonly source: Source;
  /** Offsets of the next epochs of one portion each, at most `count`; every range is read on the way. */
  epochs(count: number): Promise<Offset[]>;
  /** Another instance over the same input, as after a restart. */
  reopen(history: readonly Offset[]): Promise<Source>;
}

async function reading(subject: SourceSubject, portionCount: number): Promise<Reading> {
  const folder = await temporaryFolder();
  const input = await subject.arrange(folder.path, portionCount);
  const open = async (history: readonly Offset[]): Promise<Source> => {
    const { formats = [] } = input;
    const context = operatorContext({ directory: folder.path, formats, connection: subject.connection?.() });
    const source = subject.definition.create(subject.definition.config.parse(input.config), context);
    await source.open?.(history);
    return source;
  };
  const source = await open([]);
  return {
    input,
    source,
    reopen: open,
    epochs: async (count) => {
      const offsets: Offset[] = [];
      while (offsets.length < count) {
        const previous = offsets.at(-1) ?? null;
        const next = await source.latestOffset(previous, subject.onePortion);
        if (next === null) break;
        await readAll(source, previous, next);
        offsets.push(next);
      }
      return offsets;
    },
    [Symbol.asyncDispose]: async () => {
      await source.close?.();
      await folder[Symbol.asyncDispose]();
    },
  };
}

interface RangeRows {
  readonly rows: readonly string[];
  /** The columns of every batch, as text. */
  readonly schemas: readonly string[];
  readonly invalid: readonly InvalidInput["invalid"][];
}

async function readAll(
  source: Source,
  start: Offset | null,
  end: Offset,
  signal?: AbortSignal,
  pauseMs = 0,
): Promise<RangeRows> {
  const rows: string[] = [];
  const schemas: string[] = [];
  const invalid: InvalidInput["invalid"][] = [];
  for await (const output of source.read(start, end, epochOf(0, signal))) {
    if ("invalid" in output) invalid.push(output.invalid);
    else if (!("bytesRead" in output)) {
      const handle = handleOf("port" in output ? output.batch : output);
      schemas.push(JSON.stringify(handle.schema.columns.map(({ name, type, unit }) => [name, type, unit])));
      rows.push(...rowTexts(handle));
      handle.close();
    }
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { rows, schemas, invalid };
}

function handleOf(output: Batch | Parameters<typeof batches.fromArrow>[0]): Batch {
  return isBatch(output) ? output : batches.fromArrow(output);
}
