import { kernel, wholeProcess } from "../places.ts";
import type { Answer, Contender } from "../scenario.ts";

/** The kernel's example as a contender: once per repetition, with the seconds that it counts itself and one seed. */
export function kernelCluster(name: string, scenario: string, file: string): Contender {
  return kernelItself(name, kernel("kernel-cluster", scenario, "--points", file, "--repeats", "1"));
}

/** A kernel's example that prints JSON with its seconds and values. */
export function kernelItself(name: string, command: readonly string[]): Contender {
  return {
    name,
    command: wholeProcess("", command),
    interpret: (answer: Answer) => ({ ...answer, ...(JSON.parse(String(answer["output"])) as { seconds: number }) }),
  };
}
