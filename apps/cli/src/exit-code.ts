/** What the process says to the shell. */
export const ExitCode = {
  done: 0,
  runFailed: 1,
  /** The spec has mistakes, or the command was called wrongly. */
  specInvalid: 2,
  checkpoint: 3,
  locked: 4,
  /** Going on could lose or double data. */
  dataLoss: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const byErrorCode: Readonly<Record<string, ExitCode>> = {
  aborted: ExitCode.interrupted,
  "checkpoint-corrupt": ExitCode.checkpoint,
  "checkpoint-locked": ExitCode.locked,
  "checkpoint-mismatch": ExitCode.checkpoint,
  "checkpoint-not-found": ExitCode.checkpoint,
  "data-loss": ExitCode.dataLoss,
  "dead-letters-corrupt": ExitCode.checkpoint,
  "dead-letters-not-found": ExitCode.specInvalid,
  "no-epoch-yet": ExitCode.checkpoint,
  "no-tests": ExitCode.specInvalid,
  "output-conflict": ExitCode.dataLoss,
  "replay-without-checkpoint": ExitCode.specInvalid,
  "several-inputs": ExitCode.specInvalid,
  "sink-not-isolated": ExitCode.specInvalid,
  "source-changed": ExitCode.dataLoss,
  "source-vanished": ExitCode.dataLoss,
  "spec-empty": ExitCode.specInvalid,
  "spec-invalid": ExitCode.specInvalid,
  "spec-not-found": ExitCode.specInvalid,
  "spec-not-readable": ExitCode.specInvalid,
  "spec-not-text": ExitCode.specInvalid,
  "staged-missing": ExitCode.dataLoss,
  "unknown-operator-id": ExitCode.specInvalid,
  "unknown-port": ExitCode.specInvalid,
  usage: ExitCode.specInvalid,
};

/** The exit code for the code of an error that ended a command. */
export function exitCodeOf(errorCode: string): ExitCode {
  return Object.hasOwn(byErrorCode, errorCode) ? byErrorCode[errorCode]! : ExitCode.runFailed;
}
