import { checksumFile } from "@sferic/bindings/formats";
import { OperatorError } from "@sferic/operator";
import { sizeOf } from "@sferic/operator/durable-files";

/** What the prepared record says of a staged file. */
export interface StagedContent {
  readonly bytes: number;
  /** `xxh64:` and 16 hex digits. */
  readonly checksum: string;
}

/** Whether a file is there with this size and checksum. Reads all of it where the size is right. */
export async function isSame(path: string, content: StagedContent): Promise<boolean> {
  if ((await sizeOf(path)) !== content.bytes) return false;
  return (await checksumFile(path)).checksum === content.checksum;
}

/**
 * Checks a staged file before it is published. Content that is null was staged by a version that kept none. Throws
 * `staged-missing` when the file is gone or is another one.
 */
export async function requireStaged(path: string, content: StagedContent | null): Promise<void> {
  if ((await sizeOf(path)) === null) throw stagedMissing(`${path} was prepared but is gone.`);
  if (content === null || (await isSame(path, content))) return;
  throw stagedMissing(`${path} is not what was prepared: its size or checksum differs.`);
}

/** The error for what was prepared and cannot be published. */
export function stagedMissing(what: string): OperatorError {
  const message = `${what} Restore the file, or start anew with an empty checkpoint and empty outputs.`;
  return new OperatorError({ code: "staged-missing", message, domain: "external" });
}
