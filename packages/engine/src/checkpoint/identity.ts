import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { OperatorError } from "@sferic/operator";
import { createDurably, namesIn, remove, textOf } from "@sferic/operator/durable-files";
import { corrupt } from "./corrupt.ts";
import { folders, identityPath, packFolder } from "./layout.ts";
import type { PlanOutline } from "./plan-changes.ts";
import { decodeRecord, encodeRecord, TornRecord } from "./records.ts";
import { resetMarks } from "./reset-marks.ts";

/** The first file of a checkpoint: whose it is. */
export interface CheckpointIdentity {
  readonly id: string;
  readonly pipeline: string;
  readonly specHash: string;
  readonly engineVersion: string;
  /** Operators of the last run. */
  readonly operators?: PlanOutline;
  /** How many times the checkpoint has got another spec; absent for none. */
  readonly specs?: number;
  /** Whether sinks have marked their outputs ever since it began; absent for no. */
  readonly isFenced?: boolean;
  /** Whether it began in the place of one that was reset; absent for no. */
  readonly isReset?: boolean;
  /** What sums of integers are; absent in checkpoints that began when they were decimal128(38, 0). */
  readonly integerSums?: "int64";
}

/** Reads the identity of a checkpoint, or gives it one. Throws `checkpoint-mismatch` and `checkpoint-corrupt`. */
export async function identify(
  directory: string,
  pipeline: { name: string; specHash: string; engineVersion: string; operators?: PlanOutline },
): Promise<CheckpointIdentity> {
  const path = identityPath(directory);
  const text = await textOf(path);
  if (text === null) {
    const records = [join(directory, folders.intent), packFolder(directory)].map((folder) => namesIn(folder));
    if ((await Promise.all(records)).flat().some((name) => /\.jsonl?$/.test(name))) {
      throw corrupt(path, "the file is missing, but epochs are there");
    }
    const { name, ...rest } = pipeline;
    const marks = await resetMarks(directory);
    const reset = marks.length > 0 ? { isReset: true } : {};
    const began = { isFenced: true, integerSums: "int64" } as const;
    const identity = { id: randomUUID(), pipeline: name, ...rest, ...began, ...reset };
    await createDurably(path, encodeRecord(identity));
    for (const mark of marks) await remove(mark);
    return identity;
  }
  const identity = decodeIdentity(path, text);
  if (identity.pipeline === pipeline.name) return identity;
  throw new OperatorError({
    code: "checkpoint-mismatch",
    message: `The checkpoint ${directory} belongs to the pipeline "${identity.pipeline}", not to "${pipeline.name}". Give this pipeline a checkpoint of its own.`,
  });
}

/** Whether sums of integers are decimal128(38, 0) for a checkpoint: one that began with them goes on with them. */
export async function hasWideSums(directory: string): Promise<boolean> {
  const text = await textOf(identityPath(directory));
  try {
    return text !== null && identityIn(text).integerSums === undefined;
  } catch (thrown) {
    // The run, which opens the checkpoint, says what is wrong with it.
    if (thrown instanceof TornRecord) return false;
    throw thrown;
  }
}

function decodeIdentity(path: string, text: string): CheckpointIdentity {
  try {
    return identityIn(text);
  } catch (thrown) {
    if (!(thrown instanceof TornRecord)) throw thrown;
    throw corrupt(path, thrown.message);
  }
}

/** The identity in a text. Throws {@link TornRecord}, for a record of another kind too. */
export function identityIn(text: string): CheckpointIdentity {
  const identity = decodeRecord<CheckpointIdentity>(text);
  if (typeof identity.id === "string") return identity;
  throw new TornRecord("The record does not say whose the checkpoint is.");
}
