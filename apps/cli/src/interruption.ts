import { OperatorError } from "@sferic/operator";

/** A terminal and a wrapper such as npx may both pass the same keystroke on; signals this close are one. */
const sameWithinMs = 300;

const names = ["SIGINT", "SIGTERM"] as const;

/** What SIGINT and SIGTERM ask of a run. Disposing leaves the signals to Node again. */
export interface Interruption extends Disposable {
  /** Aborts at the first signal: finish the epoch and stop. */
  readonly drain: AbortSignal;
  /** Aborts at the second one: give up. */
  readonly signal: AbortSignal;
}

/** What signals come from and go back to: this process, save in tests. */
type Signalled = Pick<NodeJS.Process, "on" | "off" | "kill" | "pid">;

/** Listens for signals; `onDrain` is called at the first one. A third one ends the process, whatever it waits for. */
export function listenForSignals(onDrain: () => void, target: Signalled = process): Interruption {
  const drain = new AbortController();
  const abort = new AbortController();
  let last = 0;
  const stopListening = (): void => {
    for (const name of names) target.off(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    const now = performance.now();
    if (!drain.signal.aborted) {
      drain.abort();
      onDrain();
    } else if (now - last > sameWithinMs && abort.signal.aborted) {
      stopListening();
      target.kill(target.pid, name);
    } else if (now - last > sameWithinMs) {
      abort.abort(
        new OperatorError({ code: "aborted", message: "Interrupted before the epoch in work was committed." }),
      );
    }
    last = now;
  };
  for (const name of names) target.on(name, onSignal);
  return {
    drain: drain.signal,
    signal: abort.signal,
    [Symbol.dispose]: stopListening,
  };
}
