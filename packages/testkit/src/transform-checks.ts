import assert from "node:assert/strict";
import { batches } from "@sferic/bindings/batch";
import {
  type Batch,
  isBatch,
  type Json,
  OperatorError,
  type PortSchemas,
  type Schema,
  type TransformDefinition,
} from "@sferic/operator";
import { abortMsMax, assertSame, type Check, describeChecks, settlesWithin } from "./check.ts";
import { dataSet } from "./data-sets.ts";
import { declarationChecks } from "./declaration-checks.ts";
import { type Cells, cellsOf, cut, endless, isClosed, noRows, streamOf, withNulls } from "./rows.ts";
import { epochOf, operatorContext, planContext } from "./surroundings.ts";

/** One configuration with the rows it is for. */
export interface Trial {
  readonly title: string;
  readonly config: Readonly<Record<string, Json>>;
  /** Names of the inputs, for a transform that takes any. */
  readonly inputs?: readonly string[];
  /** Rows of every input. The caller closes them. */
  rows(): Promise<Batch>;
}

/** A transform under test. Every check goes through its examples and the trials. */
export interface TransformSubject {
  readonly definition: TransformDefinition;
  readonly trials?: readonly Trial[];
}

/** The rules for transforms, beside those of their declaration. */
export const transformChecks: readonly Check<TransformSubject>[] = [
  examplesGiveRows,
  declaredSchemaIsTheRealOne,
  resultDoesNotDependOnTheCut,
  zeroRowsAreNoFailure,
  nullsEverywhereAreNoFailure,
  whatItReadsIsEnough,
  everyBatchIsClosedOrHandedOn,
  closingTwiceIsHarmless,
  abortEndsItWithinASecond,
];

/** Registers all rules for a transform. To be called first in the transform's test. */
export function describeTransform(subject: TransformSubject): void {
  describeChecks(`transform ${subject.definition.type} keeps the contract`, declarationChecks, subject);
  describeChecks(`transform ${subject.definition.type} keeps the contract of transforms`, transformChecks, subject);
}

/** At least one row on some port, for every example. */
export async function examplesGiveRows({ definition }: TransformSubject): Promise<void> {
  for (const trial of trialsOf({ definition })) {
    const ports = await outcome(definition, trial, [await trial.rows()]);
    const rows = Object.values(ports).reduce((sum, port) => sum + port.rowCount, 0);
    assert.ok(rows > 0, `${trial.title}: the example must give rows`);
    close(ports);
  }
}

/** Names, types, units and the absence of nulls, on every port. */
export async function declaredSchemaIsTheRealOne(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    close(await outcome(subject.definition, trial, [await trial.rows()]));
    close(await outcome(subject.definition, trial, await halfNull(trial)).catch(allowed(subject.definition)));
  }
}

/** Batches of 7 rows, some batches of one row before the rest, and all rows at once give equal rows in equal order. */
export async function resultDoesNotDependOnTheCut(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const rows = await trial.rows();
    const whole = cellsOfPorts(await outcome(subject.definition, trial, [rows.share()]));
    for (const pieces of [cut(rows, 7), onesThenTheRest(rows)]) {
      const counts = pieces.map(({ rowCount }) => rowCount).slice(0, 3);
      const inPieces = cellsOfPorts(await outcome(subject.definition, trial, pieces));
      assert.deepEqual(
        inPieces,
        whole,
        `${trial.title}: batches of ${counts.join(", ")} … rows must give the same rows`,
      );
    }
    rows.close();
  }
}

/** No batch at all, and a batch without rows. */
export async function zeroRowsAreNoFailure(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const rows = await trial.rows();
    const { schema } = rows;
    rows.close();
    close(await outcome(subject.definition, trial, [noRows(schema)]));
    close(await outcome(subject.definition, trial, [], schema));
  }
}

/** Either rows of the declared schema or one of the declared errors. */
export async function nullsEverywhereAreNoFailure(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const rows = await trial.rows();
    const nulls = withNulls(rows, () => true);
    rows.close();
    close(await outcome(subject.definition, trial, [nulls]).catch(allowed(subject.definition)));
  }
}

/** Given only the columns that it says it reads, the wanted columns and the number of rows are the same. */
export async function whatItReadsIsEnough(subject: TransformSubject): Promise<void> {
  const { definition } = subject;
  if (definition.reads === undefined) return;
  for (const trial of trialsOf(subject)) {
    const rows = await trial.rows();
    const names = inputNames(definition, trial);
    const whole = await mainRows(definition, trial, Object.fromEntries(names.map((name) => [name, rows.share()])));
    const config = definition.config.parse(trial.config);
    const schemas = Object.fromEntries(names.map((name) => [name, rows.schema]));
    for (const wanted of [[], whole.names.slice(-1), whole.names]) {
      const read = definition.reads(schemas, config, wanted);
      const given = names.map((name) => [name, withColumns(rows, read[name] ?? rows.schema.names)] as const);
      const part = await mainRows(definition, trial, Object.fromEntries(given));
      const place = `${trial.title}: from the columns it reads for ${wanted.join(", ") || "none"}`;
      assert.equal(part.rowCount, whole.rowCount, `${place} must come as many rows`);
      for (const name of wanted) assertSame(part.cells[name], whole.cells[name], `${place} "${name}" must be the same`);
    }
    rows.close();
  }
}

interface MainRows {
  readonly names: readonly string[];
  readonly rowCount: number;
  readonly cells: Cells;
}

/** What comes of the main port. Takes over the inputs. */
async function mainRows(
  definition: TransformDefinition,
  trial: Trial,
  given: Readonly<Record<string, Batch>>,
): Promise<MainRows> {
  const inputs = Object.fromEntries(Object.entries(given).map(([name, batch]) => [name, streamOf([batch])]));
  const transform = create(definition, trial);
  const found: Batch[] = [];
  for await (const output of transform.apply(inputs["main"] ?? streamOf([]), epochOf(), inputs)) {
    const { port, batch } = "port" in output ? output : { port: "main", batch: output };
    const handle = isBatch(batch) ? batch : batches.fromArrow(batch);
    if (port === "main") found.push(handle);
    else handle.close();
  }
  await transform.close?.();
  if (found.length === 0) return { names: [], rowCount: 0, cells: {} };
  const all = batches.concat(found, found[0]!.schema);
  const { schema, rowCount } = all;
  const cells = cellsOf(all);
  all.close();
  return { names: schema.names, rowCount, cells };
}

/** The rows with these columns only, or with the first one where there are none: rows without a column have no number. */
function withColumns(rows: Batch, names: readonly string[]): Batch {
  const kept = rows.schema.names.filter((name, index) => names.includes(name) || (names.length === 0 && index === 0));
  return batches.fromArrow(rows.toArrow().select(kept));
}

export async function everyBatchIsClosedOrHandedOn(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const rows = await trial.rows();
    const given = cut(rows, Math.max(1, Math.ceil(rows.rowCount / 3)));
    rows.close();
    close(await outcome(subject.definition, trial, given));
    const open = given.filter((batch) => !isClosed(batch)).length;
    assert.equal(open, 0, `${trial.title}: ${open} of ${given.length} batches were neither closed nor handed on`);
  }
}

/** Before any rows, and again. */
export async function closingTwiceIsHarmless(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const transform = create(subject.definition, trial);
    await transform.close?.();
    await transform.close?.();
  }
}

/** While rows keep coming. */
export async function abortEndsItWithinASecond(subject: TransformSubject): Promise<void> {
  for (const trial of trialsOf(subject)) {
    const abort = new AbortController();
    const rows = await trial.rows();
    const transform = create(subject.definition, trial);
    const inputs = inputsOf(subject.definition, trial, () => endless(rows, abort.signal));
    const run = drain(transform.apply(inputs["main"] ?? streamOf([]), epochOf(0, abort.signal), inputs));
    setTimeout(() => abort.abort(), 50);
    assert.ok(await settlesWithin(run, abortMsMax + 50), `${trial.title}: must end within a second of the abort`);
    await transform.close?.();
    rows.close();
  }
}

function trialsOf({ definition, trials = [] }: TransformSubject): Trial[] {
  const examples = definition.examples.map(({ title, config, inputs, data = "glm-minute" }) => ({
    title,
    config,
    ...(inputs === undefined ? {} : { inputs }),
    rows: () => dataSet(data),
  }));
  return [...examples, ...trials];
}

/** The rows of every port, held against the declared schemas. Takes over `given`. */
async function outcome(
  definition: TransformDefinition,
  trial: Trial,
  given: readonly Batch[],
  schema: Schema = given[0]!.schema,
): Promise<Record<string, Batch>> {
  const config = definition.config.parse(trial.config);
  const schemas = Object.fromEntries(inputNames(definition, trial).map((name) => [name, schema]));
  const declared = await definition.output(schemas, config, planContext({ directory: "." }));
  const transform = create(definition, trial);
  const inputs = givenInputs(definition, trial, given, schema);
  const ports = new Map<string, Batch[]>();
  for await (const output of transform.apply(inputs["main"] ?? streamOf([]), epochOf(), inputs)) {
    const { port, batch } = "port" in output ? output : { port: "main", batch: output };
    const handle = isBatch(batch) ? batch : batches.fromArrow(batch);
    ports.set(port, [...(ports.get(port) ?? []), handle]);
  }
  await transform.close?.();
  for (const [port, rows] of ports) for (const batch of rows) assertDeclared(trial.title, port, batch, declared);
  return Object.fromEntries(
    Object.entries(declared).flatMap(([port, columns]) => {
      const rows = ports.get(port) ?? [];
      return columns === null && rows.length === 0 ? [] : [[port, batches.concat(rows, columns ?? rows[0]!.schema)]];
    }),
  );
}

/** A batch of one row for every row costs seconds and finds no more than some of them do. */
function onesThenTheRest(rows: Batch): Batch[] {
  const ones = Math.min(40, rows.rowCount);
  const table = rows.toArrow();
  const rest = ones < rows.rowCount ? [batches.fromArrow(table.slice(ones))] : [];
  return [...Array.from({ length: ones }, (_, row) => batches.fromArrow(table.slice(row, row + 1))), ...rest];
}

function create(definition: TransformDefinition, trial: Trial): ReturnType<TransformDefinition["create"]> {
  return definition.create(definition.config.parse(trial.config), operatorContext({ directory: "." }));
}

function inputsOf(
  definition: TransformDefinition,
  trial: Trial,
  stream: () => AsyncIterable<Batch>,
): Record<string, AsyncIterable<Batch>> {
  return Object.fromEntries(inputNames(definition, trial).map((name) => [name, stream()]));
}

/** The rows for every input; one of several gets at least a batch without rows, as the engine gives it. */
function givenInputs(
  definition: TransformDefinition,
  trial: Trial,
  given: readonly Batch[],
  schema: Schema,
): Record<string, AsyncIterable<Batch>> {
  const names = inputNames(definition, trial);
  const all = names.map((_, index) => (index === 0 ? given : given.map((batch) => batch.share())));
  const streams = all.map((rows) => streamOf(names.length > 1 && rows.length === 0 ? [noRows(schema)] : rows));
  return Object.fromEntries(names.map((name, index) => [name, streams[index]!]));
}

function inputNames({ inputs = { main: "" } }: TransformDefinition, trial: Trial): readonly string[] {
  return inputs === "any" ? (trial.inputs ?? ["main"]) : Object.keys(inputs);
}

/** A declared null schema says nothing about the port; a column declared without nulls has none. */
function assertDeclared(title: string, port: string, batch: Batch, declared: PortSchemas): void {
  const place = `${title}, port ${port}`;
  assert.ok(Object.hasOwn(declared, port), `${place}: rows came from a port that is not declared`);
  const expected = declared[port];
  if (expected === null || expected === undefined) return;
  const shape = ({ columns }: Schema): unknown[] => columns.map(({ name, type, unit }) => ({ name, type, unit }));
  assertSame(shape(batch.schema), shape(expected), `${place}: the real columns must be the declared ones`);
  const cells = cellsOf(batch);
  for (const { name, nullable } of expected.columns) {
    assert.ok(nullable || !cells[name]!.includes(null), `${place}: "${name}" is declared without nulls but has some`);
  }
}

async function halfNull(trial: Trial): Promise<Batch[]> {
  const rows = await trial.rows();
  const nulls = withNulls(rows, (row) => row % 2 === 1);
  rows.close();
  return [nulls];
}

/** Lets an error pass that the declaration lists. */
function allowed(definition: TransformDefinition): (thrown: unknown) => Record<string, Batch> {
  return (thrown) => {
    if (thrown instanceof OperatorError && definition.errors.includes(thrown.code)) return {};
    throw thrown;
  };
}

function cellsOfPorts(ports: Record<string, Batch>): unknown {
  const cells = Object.fromEntries(Object.entries(ports).map(([port, batch]) => [port, cellsOf(batch)]));
  close(ports);
  return cells;
}

function close(ports: Record<string, Batch>): void {
  for (const batch of Object.values(ports)) batch.close();
}

async function drain(outputs: ReturnType<ReturnType<TransformDefinition["create"]>["apply"]>): Promise<void> {
  for await (const output of outputs) {
    const batch = "port" in output ? output.batch : output;
    if (isBatch(batch)) batch.close();
  }
}
