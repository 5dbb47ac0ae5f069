import { type ConfigProblem, OperatorError, Schema, toPointer } from "@sferic/operator";
import type { Issue, TestEpoch, TestRows, TestSpec } from "@sferic/spec";
import type { Plan } from "./plan.ts";
import { referencesOf } from "./targets.ts";
import { epochsOf } from "./test-epochs.ts";

type Rows = TestRows[string];
type Path = readonly (string | number)[];

/**
 * What is wrong with the tests of a spec, as far as the columns are known: ports that are not there, columns that are
 * not there, values that a column cannot hold, clocks that go back or are not set. Nothing runs.
 */
export function testIssues(plan: Plan): Issue[] {
  return (plan.spec.tests ?? []).flatMap((test, index) => [
    ...partIssues(plan, test, ["tests", index]),
    ...(test.epochs ?? []).flatMap((epoch, at) => partIssues(plan, epoch, ["tests", index, "epochs", at])),
    ...givenIssues(plan, test, ["tests", index]),
    ...clockIssues(plan, test, ["tests", index]),
  ]);
}

function partIssues(plan: Plan, { given = {}, expect = {} }: TestEpoch, path: Path): Issue[] {
  return [
    ...Object.entries(given).flatMap(([id, rows]) =>
      rowIssues(plan, rows, schemaAt(plan, id, "main"), toPointer([...path, "given", id])),
    ),
    ...Object.entries(expect).flatMap(([target, rows]) =>
      targetIssues(plan, target, rows, toPointer([...path, "expect", target])),
    ),
  ];
}

/** Beside epochs, only what is read whole in every epoch can be given for all of them. */
function givenIssues(plan: Plan, { given = {}, epochs }: TestSpec, path: Path): Issue[] {
  if (epochs === undefined) return [];
  return Object.keys(given).flatMap((id) => {
    const source = plan.operators.find(({ node }) => node.id === id);
    if (source === undefined || source.node.role === "reference") return [];
    const message = `"${id}" gives each row once; say in "epochs" which of them gives these`;
    return [
      plan.document.issueAt({
        code: "given-twice",
        message,
        pointer: toPointer([...path, "given", id]),
        keyRange: true,
      }),
    ];
  });
}

function clockIssues(plan: Plan, test: TestSpec, path: Path): Issue[] {
  const epochs = epochsOf(plan, test);
  const back = epochs.findIndex(({ timeMs }, index) => index > 0 && timeMs < epochs[index - 1]!.timeMs);
  if (back >= 0) {
    const message = "the clock of epochs never goes back; this is before the epoch before";
    const pointer = toPointer([...path, "epochs", back, "at"]);
    return [plan.document.issueAt({ code: "clock-goes-back", message, pointer })];
  }
  const skewed = plan.operators.find(({ node }) => node.watermark?.futureSkewMax !== undefined);
  if (skewed === undefined || (test.at ?? test.epochs?.[0]?.at) !== undefined) return [];
  const message = `what is ahead of the clock is invalid for "${skewed.node.id}" (futureSkewMax); say with "at" what the clock shows, such as "at": "2026-01-01T00:00:00Z"`;
  return [plan.document.issueAt({ code: "clock-not-set", message, pointer: toPointer(path) })];
}

function targetIssues(plan: Plan, target: string, rows: Rows, pointer: string): Issue[] {
  const [id] = target.split(".");
  // What is not planned has an issue already.
  if (!plan.operators.some(({ node }) => node.id === id)) return [];
  try {
    const { operator, port } = referencesOf(plan, target)[0]!;
    return rowIssues(plan, rows, schemaAt(plan, operator, port), pointer);
  } catch (thrown) {
    if (!(thrown instanceof OperatorError)) throw thrown;
    const { code, message, details } = thrown;
    const near = details["near"];
    const hint = typeof near === "string" ? { hint: near } : {};
    return [plan.document.issueAt({ code, message, pointer, keyRange: true, ...hint })];
  }
}

function schemaAt(plan: Plan, id: string, port: string): Schema | null {
  return plan.operators.find(({ node }) => node.id === id)?.outputs[port] ?? null;
}

/** A test says only what it is about, so a null may stand anywhere. */
function rowIssues(plan: Plan, rows: Rows, schema: Schema | null, pointer: string): Issue[] {
  if (schema === null) return [];
  const nullable = new Schema(schema.columns.map((one) => ({ ...one, nullable: true })));
  try {
    plan.registry.batches.fromRows(nullable, rows).close();
    return [];
  } catch (thrown) {
    if (!(thrown instanceof OperatorError) || thrown.code !== "invalid-rows") throw thrown;
    return (thrown.details["problems"] as ConfigProblem[]).map((problem) =>
      plan.document.issueAt({
        ...problem,
        pointer: pointer + problem.pointer,
        keyRange: problem.code === "unknown-column",
      }),
    );
  }
}
