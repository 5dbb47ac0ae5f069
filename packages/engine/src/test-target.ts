import { type Batch, type BatchFactory, type Json, type Row, rowsOf, Schema } from "@sferic/operator";
import type { TestRows } from "@sferic/spec";
import type { Plan } from "./plan.ts";
import { referencesOf } from "./targets.ts";

/** Where the rows of a test differ from those expected. */
export interface TestDifference {
  /** As in the test: operator id, or `id.port`. */
  readonly target: string;
  /** Which of the test's epochs, counted from 0; absent for the rows of the whole test. */
  readonly epoch?: number;
  /** Columns that the expected rows name; no others are compared. */
  readonly columns: readonly string[];
  /** Expected rows that did not come. */
  readonly missing: readonly Row[];
  /** Rows that came and are not expected. */
  readonly unexpected: readonly Row[];
  /** How many rows are as expected. */
  readonly matching: number;
}

/** Relative difference up to which two floating-point numbers are the same. */
const tolerance = 1e-9;

/** One entry of `expect`: collects what comes and compares it. */
export class TestTarget {
  readonly references: ReturnType<typeof referencesOf>;
  /** Which of the test's epochs it looks at; all when undefined. */
  readonly epoch: number | undefined;
  readonly #name: string;
  readonly #expected: readonly Readonly<Record<string, unknown>>[];
  readonly #found: Row[] = [];
  #schema: Schema | null;

  constructor(plan: Plan, name: string, expected: TestRows[string], epoch?: number) {
    this.references = referencesOf(plan, name);
    this.epoch = epoch;
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
    const place = this.epoch === undefined ? {} : { epoch: this.epoch };
    return {
      target: this.#name,
      ...place,
      columns,
      missing,
      unexpected: shown,
      matching: found.length - unexpected.length,
    };
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
