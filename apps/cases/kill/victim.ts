import type { RunEvent, RunResult } from "@sferic/engine";

/** Where a process kills itself: an epoch, a point of the protocol, and an operator where the point has one; or nowhere. */
export type KillPoint = readonly string[];

/** An `onEvent` that ends this process with SIGKILL when the run gets to the point; without one it does nothing. */
export function killAt([epoch, point, operatorId]: KillPoint): (event: RunEvent) => void {
  return (event) => {
    if (event.type !== "point" || event.epoch !== Number(epoch) || event.point !== point) return;
    if (operatorId === undefined || event.operatorId === operatorId) process.kill(process.pid, "SIGKILL");
  };
}

/** Prints a result as JSON; a failed run ends with 1 and tells why on stderr. */
export function tell(result: RunResult): void {
  console.log(JSON.stringify(result));
  if (result.state !== "failed") return;
  console.error(JSON.stringify(result.error));
  process.exitCode = 1;
}
