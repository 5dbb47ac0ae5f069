/** Answers of programs that are not made for the benchmark, completed. */
import { execFileSync } from "node:child_process";
import type { Answer } from "./scenario.ts";

/** The answer with what a command prints as JSON when it is asked afterwards, such as sums over what was written. */
export function withPrinted([program = "", ...args]: readonly string[]): (answer: Answer) => Answer {
  return (answer) => ({ ...answer, ...(JSON.parse(execFileSync(program, args, { encoding: "utf8" })) as object) });
}

/** The answer with the memory that the program itself printed: of the process that did the work, which it started. */
export function withOwnMemory(answer: Answer): Answer {
  return { ...answer, ...(JSON.parse(String(answer["output"])) as { peakMemoryBytes: number }) };
}
