import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { TempDirectory } from "@sferic/operator";
import { makeDirectory, remove } from "@sferic/operator/durable-files";
import { Checkpoint } from "./checkpoint/checkpoint.ts";
import { deadLetterFolder } from "./checkpoint/layout.ts";
import { changesOf, outlineOf, type PlanOutline, requireSafe } from "./checkpoint/plan-changes.ts";
import { fingerprint } from "./checkpoint/records.ts";
import type { RunEvent } from "./events.ts";
import { resolvePath } from "./paths.ts";
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
  /** Where relational work spills. */
  readonly temp: TempDirectory;
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
  const temp = new TempDirectory(namedTempDirectory(plan) ?? checkpoint.temporary);
  return {
    checkpoint,
    history: checkpoint.identity.id,
    scratch: (operatorId) => checkpoint.scratch(operatorId),
    temp,
    deadLetters: deadLetterFolder(directory),
    [Symbol.asyncDispose]: async () => {
      temp.close();
      await checkpoint.close();
    },
  };
}

/** The folder for temporary files that the environment or, after it, the spec names. */
function namedTempDirectory(plan: Plan): string | undefined {
  const named = process.env["SFERIC_TEMP_DIR"];
  if (named) return resolve(named);
  const { tempDirectory } = plan.spec.run;
  return tempDirectory === undefined ? undefined : resolvePath(plan.baseDirectory, tempDirectory);
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

/** A folder for temporary files, removed when the run ends. */
export async function temporaryHome(plan: Plan, run: string): Promise<RunHome> {
  return {
    ...(await scratchHome(plan, "run")),
    history: randomUUID(),
    deadLetters: join(plan.baseDirectory, ".sferic", "dead-letters", plan.spec.name, run),
  };
}

/** A folder for temporary files of what leaves nothing behind: a preview or a test, which `purpose` names. */
export async function scratchHome(plan: Plan, purpose: string): Promise<RunHome> {
  const temp = new TempDirectory(namedTempDirectory(plan) ?? tmpdir());
  await makeDirectory(temp.path);
  const directory = await mkdtemp(join(temp.path, `sferic-${purpose}-`));
  return {
    checkpoint: null,
    history: purpose,
    scratch: (operatorId) => join(directory, operatorId),
    temp,
    deadLetters: join(directory, "dead-letters"),
    [Symbol.asyncDispose]: async () => {
      temp.close();
      await remove(directory);
    },
  };
}
