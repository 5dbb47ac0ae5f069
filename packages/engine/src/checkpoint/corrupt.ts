import { OperatorError } from "@sferic/operator";

/** The error for a file of a checkpoint that is not what was written there. */
export function corrupt(path: string, reason: string): OperatorError {
  return new OperatorError({
    code: "checkpoint-corrupt",
    message: `The checkpoint cannot be trusted: ${path}: ${reason.replace(/\.$/, "")}. Restore the file from a copy, or start anew with an empty checkpoint and empty outputs.`,
    details: { path },
  });
}
