import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import {
  asOperatorError,
  type Batch,
  type Connection,
  type FormatDefinition,
  type Inputs,
  type Json,
  OperatorError,
  type Sink,
  type SinkDefinition,
  type Staged,
} from "@sferic/operator";
import { describe, it } from "vitest";
import { abortMsMax, assertSame, type Check, describeChecks, settlesWithin, verify } from "./check.ts";
import { dataSet } from "./data-sets.ts";
import { declarationChecks } from "./declaration-checks.ts";
import { cut, endless, isClosed, noRows, streamOf } from "./rows.ts";
import { epochOf, operatorContext, type Surroundings, type TemporaryFolder, temporaryFolder } from "./surroundings.ts";

/** Something that makes writing fail until it is removed. */
export interface Obstacle {
  readonly name: string;
  /** Error codes that the failure may have. */
  readonly codes: readonly string[];
  /** Why this machine cannot have it; the check is skipped then, with these words. */
  readonly unavailable?: string | undefined;
  put(directory: string): Promise<void>;
  remove(directory: string): Promise<void>;
}

/** A sink under test. */
export interface SinkSubject {
  readonly definition: SinkDefinition;
  /** Configuration that writes below the folder which relative paths count from. */
  readonly config: Readonly<Record<string, Json>>;
  readonly formats?: readonly FormatDefinition[];
  /** For a sink that declares one; called when the tests run. */
  connection?(): Connection;
  /** Rows for an input; `blobs` for every one when left out. The caller closes them. */
  rows?(input: string): Promise<Batch>;
  /** Called with every new empty folder before a sink is opened there. */
  arrange?(directory: string): Promise<void>;
  /** What a reader who knows nothing of the sink finds: one text per visible row, in any order. */
  visible(directory: string): Promise<readonly string[]>;
  /** Visible rows of one epoch, when it is not one for every row given. */
  readonly visibleCount?: number;
  /** Whether an epoch replaces the rows of the one before. */
  readonly replaces?: boolean;
  readonly obstacles?: readonly Obstacle[];
}

/** A sink with something in its way. */
export interface HinderedSubject extends SinkSubject {
  readonly obstacle: Obstacle;
}

/** The rules for sinks, beside those of their declaration. */
export const sinkChecks: readonly Check<SinkSubject>[] = [
  examplesPublish,
  everyRowIsVisibleAfterPublish,
  stagedRowsAreInvisible,
  publishingTwiceIsPublishingOnce,
  anotherProcessCanPublish,
  stagingAgainAfterACrashIsStagingOnce,
  aCrashInTheMiddleOfStagingLeavesNothing,
  epochsFollowEachOther,
  zeroRowsLeaveNothing,
  discardLeavesNothing,
  discardAfterPublishKeepsTheRows,
  everyBatchTakenIsClosed,
  closingASinkTwiceIsHarmless,
  abortEndsStagingWithinASecond,
];

/** The rules for each of a sink's obstacles. */
export const obstacleChecks: readonly Check<HinderedSubject>[] = [aFailingWriteLeavesNothing];

/** Registers all rules for a sink. To be called first in the sink's test. */
export function describeSink(subject: SinkSubject): void {
  describeChecks(`sink ${subject.definition.type} keeps the contract`, declarationChecks, subject);
  describeChecks(`sink ${subject.definition.type} keeps the contract of sinks`, sinkChecks, subject);
  if (subject.obstacles === undefined) return;
  describe(`sink ${subject.definition.type} leaves nothing when it meets`, () => {
    for (const obstacle of subject.obstacles!) {
      it(obstacle.name, async ({ skip }) => {
        if (obstacle.unavailable !== undefined) skip(obstacle.unavailable);
        for (const check of obstacleChecks) await verify(check, { ...subject, obstacle });
      });
    }
  });
}

/** Every example takes rows without complaint. */
export async function examplesPublish(subject: SinkSubject): Promise<void> {
  for (const { config } of subject.definition.examples) {
    await using site = await siteOf({ ...subject, config });
    const sink = await site.open();
    await publishEpoch(site, sink, 0);
    await sink.close?.();
  }
}

export async function everyRowIsVisibleAfterPublish(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  await publishEpoch(site, await site.open(), 0);
  const [seen, all] = [(await site.visible()).length, subject.visibleCount ?? site.rowCount];
  assert.equal(seen, all, `${seen} of ${all} rows are visible`);
}

export async function stagedRowsAreInvisible(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  const staged = await site.stage(await site.open(), 0);
  assert.equal(staged?.rows, site.rowCount, "stage must count the rows");
  assertSame(await site.visible(), [], "staged rows must not be visible");
}

/** By the same process, and by another one after a crash. At least once is all that some sinks promise. */
export async function publishingTwiceIsPublishingOnce(subject: SinkSubject): Promise<void> {
  if (subject.definition.delivery.guarantee !== "exactly-once") return;
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  const sink = await site.open();
  const staged = (await site.stage(sink, 0))!;
  await sink.publish(staged, epochOf(0));
  await sink.publish(staged, epochOf(0));
  assertSame(await site.visible(), expected, "a second publish must change nothing");
  await (await site.open()).publish(stored(staged), epochOf(0));
  assertSame(await site.visible(), expected, "a publish by another process must change nothing");
}

/** What `stage` returned is stored as JSON, and the process that staged is gone. */
export async function anotherProcessCanPublish(subject: SinkSubject): Promise<void> {
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  const staged = (await site.stage(await site.open(), 0))!;
  await (await site.open()).publish(stored(staged), epochOf(0));
  assertSame(await site.visible(), expected, "the stored record must be enough to publish");
}

/** The first process staged everything and died before it could say so. */
export async function stagingAgainAfterACrashIsStagingOnce(subject: SinkSubject): Promise<void> {
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  await site.stage(await site.open(), 0);
  const next = await site.open();
  await next.discard?.(0);
  await publishEpoch(site, next, 0);
  assertSame(await site.visible(), expected, "the rows must be there once");
}

/** The rows stop coming half-way; the next attempt is complete, and nothing of the first one shows. */
export async function aCrashInTheMiddleOfStagingLeavesNothing(subject: SinkSubject): Promise<void> {
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  const failing = site.inputs(async function* (rows) {
    yield* cut(rows, Math.ceil(rows.rowCount / 2)).slice(0, 1);
    throw new OperatorError({ code: "upstream-failed", message: "The rows end here." });
  });
  const sink = await site.open();
  await assert.rejects(site.stageInputs(sink, 0, failing), { code: "upstream-failed" });
  assertSame(await site.visible(), [], "nothing of the failed attempt may be visible");
  const next = await site.open();
  await next.discard?.(0);
  await publishEpoch(site, next, 0);
  assertSame(await site.visible(), expected, "the next attempt must be complete");
}

/** Epoch 1 adds its rows to those of epoch 0, or replaces them where the sink says so. */
export async function epochsFollowEachOther(subject: SinkSubject): Promise<void> {
  const once = await publishedOnce(subject);
  await using site = await siteOf(subject);
  const sink = await site.open();
  await publishEpoch(site, sink, 0);
  await publishEpoch(site, sink, 1);
  const { length } = await site.visible();
  const expected = once.length * (subject.replaces === true ? 1 : 2);
  assert.equal(length, expected, `${length} rows are visible after two epochs, not ${expected}`);
}

/** No batch at all, and a batch without rows. */
export async function zeroRowsLeaveNothing(subject: SinkSubject): Promise<void> {
  const streams: ((rows: Batch) => AsyncIterable<Batch>)[] = [
    () => streamOf([]),
    ({ schema }) => streamOf([noRows(schema)]),
  ];
  for (const stream of streams) {
    await using site = await siteOf(subject);
    const sink = await site.open();
    assert.equal(await site.stageInputs(sink, 0, site.inputs(stream)), null, "stage must say that there was nothing");
    await sink.discard?.(0);
    await sink.close?.();
    assertSame(await site.folder.files(), [], "no file may be left");
  }
}

export async function discardLeavesNothing(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  const sink = await site.open();
  await site.stage(sink, 0);
  await sink.discard?.(0);
  await sink.discard?.(0);
  await sink.close?.();
  assertSame(await site.folder.files(), [], "no file may be left");
}

/** After the commit, `discard` removes leftovers and nothing else. */
export async function discardAfterPublishKeepsTheRows(subject: SinkSubject): Promise<void> {
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  const sink = await site.open();
  await publishEpoch(site, sink, 0);
  await sink.discard?.(0);
  assertSame(await site.visible(), expected, "published rows must stay");
  const scratch = (await site.folder.files()).filter((file) => file.startsWith(".scratch"));
  assertSame(scratch, [], "no leftover may stay in the scratch folder");
}

export async function everyBatchTakenIsClosed(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  const given: Batch[] = [];
  const inputs = site.inputs((rows) => {
    const pieces = cut(rows, Math.max(1, Math.ceil(rows.rowCount / 3)));
    given.push(...pieces);
    return streamOf(pieces);
  });
  await site.stageInputs(await site.open(), 0, inputs);
  const open = given.filter((batch) => !isClosed(batch)).length;
  assert.equal(open, 0, `${open} of ${given.length} batches were not closed`);
}

/** Staging or publishing fails with a clear error, nothing is visible, and the same epoch succeeds once the way is free. */
export async function aFailingWriteLeavesNothing(subject: HinderedSubject): Promise<void> {
  const { name, codes, put, remove } = subject.obstacle;
  const expected = await publishedOnce(subject);
  await using site = await siteOf(subject);
  await put(site.folder.path);
  try {
    const failure = await site
      .open()
      .then((sink) => publishEpoch(site, sink, 0))
      .catch((thrown: unknown) => thrown);
    assert.ok(failure instanceof Error, `${name}: writing must fail`);
    const { code, message } = asOperatorError(failure);
    assert.ok(codes.includes(code), `${name}: must fail with ${codes.join(" or ")}, not ${code} (${message})`);
    assert.ok(message.includes(site.folder.path), `${name}: the message must name the path (${message})`);
  } finally {
    await remove(site.folder.path);
  }
  assertSame(await site.visible(), [], `${name}: nothing may be visible`);
  const next = await site.open();
  await next.discard?.(0);
  await publishEpoch(site, next, 0);
  assertSame(await site.visible(), expected, `${name}: the next attempt must be complete`);
}

/** Opened and not opened. */
export async function closingASinkTwiceIsHarmless(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  for (const sink of [site.create(), await site.open()]) {
    await sink.close?.();
    await sink.close?.();
  }
}

/** While rows keep coming; afterwards nothing is left. */
export async function abortEndsStagingWithinASecond(subject: SinkSubject): Promise<void> {
  await using site = await siteOf(subject);
  const abort = new AbortController();
  const sink = await site.open();
  const inputs = site.inputs((rows) => endless(rows, abort.signal));
  const staging = site.stageInputs(sink, 0, inputs, abort.signal);
  setTimeout(() => abort.abort(), 50);
  assert.ok(await settlesWithin(staging, abortMsMax + 50), "staging must end within a second of the abort");
  await sink.discard?.(0);
  await sink.close?.();
  assertSame(await site.folder.files(), [], "no file may be left");
}

/** A folder with the rows for a sink; disposing closes and removes them. */
interface Site extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  /** Rows of all inputs together. */
  readonly rowCount: number;
  create(): Sink;
  /** A new instance, as in a new process. */
  open(): Promise<Sink>;
  /** The streams of all inputs, made from their rows. */
  inputs(stream: (rows: Batch) => AsyncIterable<Batch>): Inputs;
  stageInputs(sink: Sink, epoch: number, inputs: Inputs, signal?: AbortSignal): Promise<Staged | null>;
  stage(sink: Sink, epoch: number): Promise<Staged | null>;
  /** The visible rows, sorted. */
  visible(): Promise<string[]>;
}

async function siteOf(subject: SinkSubject, changes: Partial<Surroundings> = {}): Promise<Site> {
  const { definition, config, formats = [], rows = () => dataSet("blobs") } = subject;
  const folder = await temporaryFolder();
  const context = operatorContext({ directory: folder.path, formats, connection: subject.connection?.(), ...changes });
  await subject.arrange?.(folder.path);
  const given = await Promise.all(
    Object.keys(definition.inputs ?? { main: "" }).map(async (name) => [name, await rows(name)] as const),
  );
  const created: Sink[] = [];
  const create = (): Sink => {
    const sink = definition.create(definition.config.parse(config), context);
    created.push(sink);
    return sink;
  };
  const inputs: Site["inputs"] = (stream) => Object.fromEntries(given.map(([name, batch]) => [name, stream(batch)]));
  const stageInputs: Site["stageInputs"] = (sink, epoch, streams, signal) =>
    sink.stage(streams["main"] ?? streamOf([]), epochOf(epoch, signal), streams);
  return {
    folder,
    rowCount: given.reduce((sum, [, batch]) => sum + batch.rowCount, 0),
    create,
    open: async () => {
      await mkdir(context.scratchDirectory, { recursive: true });
      const sink = create();
      await sink.open?.();
      return sink;
    },
    inputs,
    stageInputs,
    stage: (sink, epoch) =>
      stageInputs(
        sink,
        epoch,
        inputs((batch) => streamOf([batch.share()])),
      ),
    visible: async () => [...(await subject.visible(folder.path))].toSorted(),
    [Symbol.asyncDispose]: async () => {
      for (const sink of created) await sink.close?.();
      for (const [, batch] of given) batch.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function publishEpoch(site: Site, sink: Sink, id: number): Promise<void> {
  const staged = await site.stage(sink, id);
  assert.ok(staged !== null, "there were rows, so something must be staged");
  await sink.publish(staged, epochOf(id));
}

/** The visible rows after one epoch that nothing disturbed. */
async function publishedOnce(subject: SinkSubject): Promise<string[]> {
  await using site = await siteOf(subject);
  await publishEpoch(site, await site.open(), 0);
  return await site.visible();
}

function stored(staged: Staged): Staged {
  return JSON.parse(JSON.stringify(staged)) as Staged;
}
