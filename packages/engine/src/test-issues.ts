import { type ConfigProblem, OperatorError, Schema, toPointer } from "@sferic/operator";
import type { Issue, TestSpec } from "@sferic/spec";
import type { Plan } from "./plan.ts";
import { referencesOf } from "./targets.ts";

type Rows = TestSpec["given"][string];

/**
 * What is wrong with the tests of a spec, as far as the columns are known: ports that are not there, columns that are
 * not there, values that a column cannot hold. Nothing runs.
 */
export function testIssues(plan: Plan): Issue[] {
  return (plan.spec.tests ?? []).flatMap(({ given, expect }, index) => [
    ...Object.entries(given).flatMap(([id, rows]) =>
      rowIssues(plan, rows, schemaAt(plan, id, "main"), toPointer(["tests", index, "given", id])),
    ),
    ...Object.entries(expect).flatMap(([target, rows]) =>
      targetIssues(plan, target, rows, toPointer(["tests", index, "expect", target])),
    ),
  ]);
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
