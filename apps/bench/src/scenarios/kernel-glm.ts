import { wholeProcess } from "../places.ts";
import type { Answer, Contender } from "../scenario.ts";

/**
 * The kernel's example as a contender. It prints least and median milliseconds per granule over hundreds of repeats, one
 * line per measurement; the line that begins with `measurement` counts, with its median.
 */
export function kernelGlm(name: string, command: readonly string[], measurement: string): Contender {
  return { name, command: wholeProcess("", command), interpret: (answer) => interpretGlm(answer, measurement) };
}

/** One line of the example's output as an answer. Throws when it is not there. */
export function interpretGlm(answer: Answer, measurement: string): Answer {
  const line = String(answer["output"])
    .split("\n")
    .find((text) => text.startsWith(`${measurement}: min `));
  const found = /median ([\d.]+) ms per file \((\d+) rows/.exec(line ?? "");
  if (found === null) throw new Error(`The kernel's example printed no line "${measurement}".`);
  return { ...answer, seconds: Number(found[1]) / 1000, rows: Number(found[2]) };
}
