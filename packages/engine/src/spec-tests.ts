import {
  asOperatorError,
  type BatchFactory,
  type ErrorData,
  OperatorError,
  Schema,
  type Source,
  type Transform,
} from "@sferic/operator";
import type { TestRows, TestSpec } from "@sferic/spec";
import { type LiveOperator, type Range, runDataflow } from "./dataflow.ts";
import { createOperators } from "./live-operators.ts";
import { type Plan, type PlannedOperator, secretsOf } from "./plan.ts";
import { scratchHome } from "./run-home.ts";
import { collector, upstreamOf } from "./targets.ts";
import { epochsOf, type VirtualEpoch } from "./test-epochs.ts";
import { type TestDifference, TestTarget } from "./test-target.ts";
import { type Watermarks, watermarksOf } from "./watermarks.ts";

export type { TestDifference } from "./test-target.ts";

/** What one test of a spec came to. It passed when there is no difference and no error. */
export interface TestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly differences: readonly TestDifference[];
  /** Why the pipeline could not be run on the rows of the test. */
  readonly error?: OperatorError | ErrorData;
  readonly seconds: number;
}

export interface TestOptions {
  /** Only tests whose name contains this text, in any case. */
  readonly filter?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs the tests that a spec carries, one after the other, each as one epoch or as the epochs that it lists, by the clock that
 * it sets: the rows given take the place of the sources, a source without any has none; no source and no sink opens, and
 * nothing sleeps. Rows are compared in any order, in the columns that the expected ones name; floating-point numbers to nine
 * digits. A test that cannot be run has failed, with the error; only an aborted signal rejects.
 */
export async function runSpecTests(plan: Plan, options: TestOptions = {}): Promise<TestResult[]> {
  const wanted = (options.filter ?? "").toLowerCase();
  const results: TestResult[] = [];
  for (const test of plan.spec.tests ?? []) {
    if (!test.name.toLowerCase().includes(wanted)) continue;
    options.signal?.throwIfAborted();
    const started = performance.now();
    const outcome = await outcomeOf(plan, test, options.signal);
    const passed = outcome.error === undefined && outcome.differences.length === 0;
    results.push({ name: test.name, passed, ...outcome, seconds: (performance.now() - started) / 1000 });
  }
  return results;
}

async function outcomeOf(
  plan: Plan,
  test: TestSpec,
  signal: AbortSignal | undefined,
): Promise<Pick<TestResult, "differences" | "error">> {
  try {
    const targets = targetsOf(plan, test);
    await runTest(plan, test, targets, signal ?? new AbortController().signal);
    const differences = targets.map((target) => target.difference(plan.registry.batches));
    return { differences: differences.filter((difference) => difference !== null) };
  } catch (thrown) {
    signal?.throwIfAborted();
    return { differences: [], error: secretsOf(plan).scrubbed(asOperatorError(thrown)) };
  }
}

function targetsOf(plan: Plan, { expect = {}, epochs = [] }: TestSpec): TestTarget[] {
  const ofAll = Object.entries(expect).map(([name, rows]) => new TestTarget(plan, name, rows));
  const ofEpochs = epochs.flatMap((epoch, index) =>
    Object.entries(epoch.expect ?? {}).map(([name, rows]) => new TestTarget(plan, name, rows, index)),
  );
  return [...ofAll, ...ofEpochs];
}

async function runTest(plan: Plan, test: TestSpec, targets: readonly TestTarget[], signal: AbortSignal): Promise<void> {
  const upstream = upstreamOf(
    plan,
    targets.flatMap(({ references }) => references),
  );
  const transforms = upstream.filter(({ node }) => node.kind === "transform");
  await using home = await scratchHome(plan, "test");
  await using operators = await createOperators({ ...plan, operators: transforms }, home);
  const run = new TestRun(plan, upstream, operators.all, targets, signal);
  for (const epoch of epochsOf(plan, test)) await run.epoch(epoch);
}

/** The epochs of one test: operators remember, and event time moves, from one to the next. */
class TestRun {
  readonly #plan: Plan;
  readonly #sources: readonly PlannedOperator[];
  readonly #transforms: readonly LiveOperator[];
  readonly #targets: readonly TestTarget[];
  readonly #signal: AbortSignal;
  readonly #watermarks: Watermarks;
  #nextEpoch = 0;

  constructor(
    plan: Plan,
    upstream: readonly PlannedOperator[],
    transforms: readonly LiveOperator[],
    targets: readonly TestTarget[],
    signal: AbortSignal,
  ) {
    this.#plan = plan;
    this.#sources = upstream.filter(({ node }) => node.kind === "source");
    this.#transforms = transforms;
    this.#targets = targets;
    this.#signal = signal;
    this.#watermarks = watermarksOf(plan);
  }

  /** Runs what an interval trigger would: an epoch with the rows, one without any if the watermark has moved, or none. */
  async epoch({ index, timeMs, given }: VirtualEpoch): Promise<void> {
    const isStream = ({ node }: PlannedOperator): boolean => node.role !== "reference";
    const hasRows = this.#sources.some((source) => isStream(source) && (given[source.node.id] ?? []).length > 0);
    if (index !== null && !hasRows && !this.#hasMoved(timeMs)) return;
    const { batches } = this.#plan.registry;
    const targets = this.#targets.filter(({ epoch = index }) => epoch === index);
    const all = [
      ...this.#sources.map((source) => givenSource(source, given[source.node.id] ?? [], batches)),
      ...this.#transforms,
      ...targets.map(({ references, take }, number) => collector(number, references, take)),
    ];
    const ranges = this.#sources.map(({ node }) => [node.id, { start: null, end: 0 } satisfies Range] as const);
    const epoch = { id: this.#nextEpoch, timeMs, seed: this.#plan.spec.run.seed, signal: this.#signal };
    const watermarks = index === null ? {} : this.#watermarks.next(timeMs);
    const { eventTimes } = await runDataflow(
      all,
      Object.fromEntries(ranges),
      epoch,
      this.#plan.registry,
      () => {},
      watermarks,
    );
    this.#watermarks.resume(watermarks, this.#watermarks.with(eventTimes, timeMs));
    this.#nextEpoch += 1;
  }

  #hasMoved(timeMs: number): boolean {
    const followers = this.#transforms.filter(({ instance }) => (instance as Transform).followsWatermark === true);
    const ids = followers.map(({ planned }) => planned.node.id);
    return this.#watermarks.hasMoved(ids, timeMs);
  }
}

/** A source of the rows that a test gives, in the columns of the source it stands for. */
function givenSource({ node, outputs }: PlannedOperator, rows: TestRows[string], batches: BatchFactory): LiveOperator {
  const planned = outputs["main"] ?? null;
  const schema = planned && nullable(planned);
  const instance: Source = {
    latestOffset: () => Promise.resolve(null),
    async *read() {
      if (rows.length === 0) return;
      if (schema === null) throw unknownColumns(node.id);
      yield batches.fromRows(schema, rows);
    },
  };
  return { planned: { node, outputs: { main: schema } }, instance };
}

/** The schema with nulls allowed in every column: a test says only what it is about. */
function nullable(schema: Schema): Schema {
  return new Schema(schema.columns.map((one) => ({ ...one, nullable: true })));
}

function unknownColumns(id: string): OperatorError {
  const message = `The columns of the source "${id}" are not known: nothing declares them, and there is no input to learn them from. Declare a schema in its format.`;
  return new OperatorError({ code: "unknown-schema", message, operatorId: id });
}
