import { OperatorError } from "@sferic/operator";
import { textOf } from "@sferic/operator/durable-files";
import { decodeInPlace } from "./chain.ts";
import { type RecordKind, recordPath, type RecordTypes } from "./layout.ts";

/** A record of an epoch that is listed, without the lock. Throws `checkpoint-corrupt`, naming the file, for any other text. */
export async function requireRecord<Kind extends RecordKind>(
  checkpoint: string,
  kind: Kind,
  epoch: number,
): Promise<RecordTypes[Kind]> {
  const path = recordPath(checkpoint, kind, epoch);
  try {
    return decodeInPlace((await textOf(path)) ?? "", kind, epoch, null).record;
  } catch (cause) {
    const message = `${path} is not what was written. "sferic checkpoint verify" says what is wrong with the checkpoint.`;
    throw new OperatorError({ code: "checkpoint-corrupt", message, details: { path } }, { cause });
  }
}
