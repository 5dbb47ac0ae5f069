import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

/** What the figures were measured on. Names no host and no path. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly rust: string;
}

/** This machine. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    rust: execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ")[1] ?? "unknown",
  };
}

/** The machine in a file name: `amd-epyc-2-cores`. */
export function machineSlug({ cpu, cores }: Pick<Machine, "cpu" | "cores">): string {
  return `${cpu} ${cores} cores`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

/** Processes that wanted to run, on average over the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0;
}
