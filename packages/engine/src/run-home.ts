import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { remove } from "@sferic/operator/durable-files";
import { Checkpoint } from "./checkpoint/checkpoint.ts";
import { deadLetterFolder } from "./checkpoint/layout.ts";
import { changesOf, outlineOf, type PlanOutline, requireSafe } from "./checkpoint/plan-changes.ts";
import { fingerprint } from "./checkpoint/records.ts";
import type { RunEvent } from "./events.ts";
import type { Plan } from "./plan.ts";

/** Version written into checkpoints. */
export const engineVersion = "0.1.0";

/** Where a run keeps its records and what it stages. */
export interface RunHome extends AsyncDisposable {
  /** Null for a run that nothing can resume. */
  readonly checkpoint: Checkpoint | null;
  /** Ledger key, see `OperatorContext.history`. */
  readonly history: string;
  scratch(operatorId: string): string;
  /** Folder for dead letters. */
  readonly deadLetters: string;
}

/** The folder of a checkpoint, locked for this run. Throws `checkpoint-locked`, `checkpoint-mismatch`, `checkpoint-corrupt`. */
export async function checkpointHome(
  plan: Plan,
  directory: string,
  emit: (event: RunEvent) => Promise<void>,
): Promise<RunHome> {
  const specHash = fingerprint(plan.document.value);
  const pipeline = { name: plan.spec.name, specHash, engineVersion, operators: outlineOf(plan) };
  const checkpoint = await Checkpoint.open(directory, pipeline);
  try {
    await adopt(checkpoint, plan, pipeline, emit);
    await checkpoint.pin(plan.pins);
  } catch (thrown) {
    await checkpoint.close();
    throw thrown;
  }
  return {
    checkpoint,
    history: checkpoint.identity.id,
    scratch: (operatorId) => checkpoint.scratch(operatorId),
    deadLetters: deadLetterFolder(directory),
    [Symbol.asyncDispose]: () => checkpoint.close(),
  };
}

/** Tells what has changed since the last run, and makes this spec the checkpoint's own if all of that is safe. */
async function adopt(
  checkpoint: Checkpoint,
  plan: Plan,
  { specHash, operators }: { readonly specHash: string; readonly operators: PlanOutline },
  emit: (event: RunEvent) => Promise<void>,
): Promise<void> {
  const { directory, identity } = checkpoint;
  if (identity.specHash === specHash && isDeepStrictEqual(identity.operators, operators)) return;
  const changes = await changesOf(directory, identity.operators ?? operators, plan);
  requireSafe(directory, changes);
  if (identity.specHash !== specHash) await emit({ type: "spec-changed", checkpoint: directory, changes });
  await checkpoint.adopt(specHash, operators);
}

/** A folder of the system's for temporary files, removed when the run ends. */
export async function temporaryHome(plan: Plan, run: string): Promise<RunHome> {
  const directory = await mkdtemp(join(tmpdir(), "sferic-run-"));
  return {
    checkpoint: null,
    history: randomUUID(),
    scratch: (operatorId) => join(directory, operatorId),
    deadLetters: join(plan.baseDirectory, ".sferic", "dead-letters", plan.spec.name, run),
    [Symbol.asyncDispose]: () => remove(directory),
  };
}

/** A folder of the system's for what leaves nothing behind: a preview or a test, which `purpose` names. */
export async function scratchHome(purpose: string): Promise<RunHome> {
  const directory = await mkdtemp(join(tmpdir(), `sferic-${purpose}-`));
  return {
    checkpoint: null,
    history: purpose,
    scratch: (operatorId) => join(directory, operatorId),
    deadLetters: join(directory, "dead-letters"),
    [Symbol.asyncDispose]: () => remove(directory),
  };
}
