import {
  asOperatorError,
  type Batch,
  type BatchFactory,
  type ErrorData,
  type Json,
  OperatorError,
  type Row,
  rowsOf,
  Schema,
  type Source,
} from "@sferic/operator";
import type { TestSpec } from "@sferic/spec";
import { type LiveOperator, type Range, runDataflow } from "./dataflow.ts";
import { createOperators } from "./live-operators.ts";
import type { Plan, PlannedOperator } from "./plan.ts";
import { scratchHome } from "./run-home.ts";
import { collector, referencesOf, upstreamOf } from "./targets.ts";

/** Where the rows of a test differ from those expected. */
export interface TestDifference {
  /** As in the test: operator id, or `id.port`. */
  readonly target: string;
  /** Columns that the expected rows name; no others are compared. */
  readonly columns: readonly string[];
  /** Expected rows that did not come. */
  readonly missing: readonly Row[];
  /** Rows that came and are not expected. */
  readonly unexpected: readonly Row[];
  /** How many rows are as expected. */
  readonly matching: number;
}

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

/** Relative difference up to which two floating-point numbers are the same. */
const tolerance = 1e-9;

/**
 * Runs the tests that a spec carries, one after the other, each as one epoch: the rows given take the place of the
 * sources, a source without any has none; no source and no sink opens. Rows are compared in any order, in the columns
 * that the expected ones name; floating-point numbers to nine digits. A test that cannot be run has failed, with the
 * error; only an aborted signal rejects.
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
    const targets = Object.entries(test.expect).map(([name, rows]) => new Target(plan, name, rows));
    await flow(plan, test, targets, signal ?? new AbortController().signal);
    const differences = targets.map((target) => target.difference(plan.registry.batches));
    return { differences: differences.filter((difference) => difference !== null) };
  } catch (thrown) {
    signal?.throwIfAborted();
    return { differences: [], error: asOperatorError(thrown) };
  }
}

async function flow(plan: Plan, test: TestSpec, targets: readonly Target[], signal: AbortSignal): Promise<void> {
  const upstream = upstreamOf(
    plan,
    targets.flatMap(({ references }) => references),
  );
  const sources = upstream.filter(({ node }) => node.kind === "source");
  const transforms = upstream.filter(({ node }) => node.kind === "transform");
  await using home = await scratchHome("test");
  await using operators = await createOperators({ ...plan, operators: transforms }, home);
  const all = [
    ...sources.map((planned) => givenSource(planned, test, plan.registry.batches)),
    ...operators.all,
    ...targets.map(({ references, take }, index) => collector(index, references, take)),
  ];
  const ranges = Object.fromEntries(sources.map(({ node }) => [node.id, { start: null, end: 0 } satisfies Range]));
  await runDataflow(all, ranges, { id: 0, timeMs: 0, seed: plan.spec.run.seed, signal }, plan.registry);
}

/** A source of the rows that a test gives, in the columns of the source it stands for. */
function givenSource({ node, outputs }: PlannedOperator, test: TestSpec, batches: BatchFactory): LiveOperator {
  const rows = test.given[node.id] ?? [];
  const instance: Source = {
    latestOffset: () => Promise.resolve(null),
    async *read() {
      if (rows.length === 0) return;
      const planned = outputs["main"] ?? null;
      if (planned === null) throw unknownColumns(node.id);
      yield batches.fromRows(nullableWhereMissing(planned, rows), rows);
    },
  };
  return { planned: { node }, instance };
}

/** The schema with nulls allowed in columns that a row of the test leaves out: it has to say what it is about only. */
function nullableWhereMissing(schema: Schema, rows: TestSpec["given"][string]): Schema {
  const isMissing = (name: string): boolean => rows.some((row) => (row[name] ?? null) === null);
  return new Schema(schema.columns.map((one) => ({ ...one, nullable: one.nullable || isMissing(one.name) })));
}

function unknownColumns(id: string): OperatorError {
  const message = `The columns of the source "${id}" are not known: nothing declares them, and there is no input to learn them from. Declare a schema in its format.`;
  return new OperatorError({ code: "unknown-schema", message, operatorId: id });
}

/** One entry of `expect`: collects what comes and compares it. */
class Target {
  readonly references: ReturnType<typeof referencesOf>;
  readonly #name: string;
  readonly #expected: readonly Readonly<Record<string, unknown>>[];
  readonly #found: Row[] = [];
  #schema: Schema | null;

  constructor(plan: Plan, name: string, expected: readonly Readonly<Record<string, unknown>>[]) {
    this.references = referencesOf(plan, name);
    this.#name = name;
    this.#expected = expected;
    const { operator, port } = this.references[0]!;
    this.#schema = plan.operators.find(({ node }) => node.id === operator)!.outputs[port] ?? null;
  }

  readonly take = (batch: Batch): void => {
    this.#schema = batch.schema;
    this.#found.push(...rowsOf(batch));
    batch.close();
  };

  /** Null when the rows are those expected. */
  difference(batches: BatchFactory): TestDifference | null {
    const schema = expectedSchema(this.#schema, this.#expected);
    const expected = schema === null ? (this.#expected as Row[]) : asRead(this.#expected, schema, batches);
    const columns = schema?.names ?? namesOf(this.#expected);
    const found = this.#found.map((row) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null])));
    const { missing, unexpected } = unmatched(expected, found, schema);
    if (missing.length === 0 && unexpected.length === 0) return null;
    // Without an expected row there is no column to restrict what is shown to.
    const shown = columns.length === 0 ? this.#found : unexpected;
    return { target: this.#name, columns, missing, unexpected: shown, matching: found.length - unexpected.length };
  }
}

function namesOf(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** The columns that the rows name, in the order of the schema; a column that it has not is left for `fromRows` to refuse. */
function expectedSchema(schema: Schema | null, rows: readonly Readonly<Record<string, unknown>>[]): Schema | null {
  if (schema === null) return null;
  const names = namesOf(rows);
  const named = schema.columns.filter(({ name }) => names.includes(name));
  return new Schema(named.map((one) => ({ ...one, nullable: true })));
}

/** Rows as they read once they have been in a batch: times in one notation, numbers as wide as their column. */
function asRead(rows: readonly Readonly<Record<string, unknown>>[], schema: Schema, batches: BatchFactory): Row[] {
  const batch = batches.fromRows(schema, rows);
  try {
    return rowsOf(batch);
  } finally {
    batch.close();
  }
}

/** Pairs rows off, first those that are the same to the last digit. */
function unmatched(
  expected: readonly Row[],
  found: readonly Row[],
  schema: Schema | null,
): { missing: Row[]; unexpected: Row[] } {
  const open = Map.groupBy(found, (row) => JSON.stringify(row));
  const near: Row[] = [];
  for (const row of expected) if (open.get(JSON.stringify(row))?.pop() === undefined) near.push(row);
  const unexpected = [...open.values()].flat();
  const missing = near.filter((row) => {
    const index = unexpected.findIndex((other) => isNear(row, other, schema));
    if (index >= 0) unexpected.splice(index, 1);
    return index < 0;
  });
  return { missing, unexpected };
}

function isNear(a: Row, b: Row, schema: Schema | null): boolean {
  return Object.keys(a).every((name) => {
    const isFloat = schema?.column(name)?.type.startsWith("float") === true;
    return JSON.stringify(a[name]) === JSON.stringify(b[name]) || (isFloat && areNear(a[name]!, b[name]!));
  });
}

function areNear(a: Json, b: Json): boolean {
  if (typeof a !== "number" || typeof b !== "number") return false;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}
