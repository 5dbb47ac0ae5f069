/**
 * Runs an isolated spec to its end: `victim-child <spec.json> [<epoch> <protocol point> [<operator>]]`. With a point
 * given, the process kills itself with SIGKILL when the run gets there. Tells its parent what it comes by, as
 * {@link VictimMessage}s.
 */
import { readFile } from "node:fs/promises";
import { runPlan, type RunEvent } from "@sferic/engine";
import { asOperatorError, OperatorError } from "@sferic/operator";
import { planText } from "../planning.ts";
import type { IsolatedSpec } from "./isolated-spec.ts";
import { parametersVariable, type VictimMessage } from "./victim.ts";

const [path, epoch, point, operatorId] = process.argv.slice(2) as [string, string?, string?, string?];

function tell(message: VictimMessage): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}

async function onEvent(event: RunEvent): Promise<void> {
  if (event.type === "started") await tell({ type: "started" });
  if (event.type !== "point") return;
  if (point === undefined) return tell({ type: "point", point: event.point, operatorId: event.operatorId });
  const isThere = event.epoch === Number(epoch) && event.point === point;
  if (isThere && (operatorId === undefined || event.operatorId === operatorId)) process.kill(process.pid, "SIGKILL");
}

async function run(): Promise<void> {
  const { spec, baseDirectory } = JSON.parse(await readFile(path, "utf8")) as IsolatedSpec;
  const parameters = JSON.parse(process.env[parametersVariable] ?? "{}") as Record<string, string>;
  const source = { text: JSON.stringify(spec), file: undefined };
  const { plan, issues } = await planText(source, { param: parameters, probe: true, baseDirectory });
  if (plan === null) {
    throw new OperatorError({ code: "spec-invalid", message: issues.map(({ message }) => message).join("; ") });
  }
  const result = await runPlan(plan, { onEvent });
  if (result.error !== undefined) throw asOperatorError(result.error);
  const rows = Object.entries(result.operators).map(([id, { rowsIn = 0 }]) => [id, rowsIn] as const);
  await tell({ type: "done", epochs: result.epochs, rows: Object.fromEntries(rows) });
}

try {
  await run();
} catch (thrown) {
  const { code, message } = asOperatorError(thrown);
  await tell({ type: "failed", code, message });
}
process.disconnect();
