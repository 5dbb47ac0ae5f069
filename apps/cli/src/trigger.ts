import type { Trigger } from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { parseDuration } from "@sferic/spec";
import { secondsText } from "./text.ts";

/** A trigger from the command line: `once`, `available-now`, or a duration such as `5s`. Throws `usage`. */
export function parseTrigger(text: string): Trigger {
  if (text === "once" || text === "available-now") return text;
  const everyMs = durationOf(text);
  if (everyMs >= 1) return { everyMs };
  const message = `--trigger takes "once", "available-now", or a duration such as "5s" or "2 minutes", not "${text}".`;
  throw new OperatorError({ code: "usage", message });
}

function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return 0;
  }
}

/** A trigger in words. */
export function triggerText(trigger: Trigger): string {
  if (trigger === "once") return "once: one epoch with all there is";
  if (trigger === "available-now") return "available-now: bounded epochs up to what is there at the start";
  return `every ${secondsText(trigger.everyMs / 1000)}, until stopped`;
}
