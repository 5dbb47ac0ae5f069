import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What print-fits.ts prints in a process whose core has so many threads. */
export function answersOnThreads(threadCount: number): unknown {
  const program = fileURLToPath(new URL("print-fits.ts", import.meta.url));
  const printed = execFileSync(process.execPath, ["--conditions=@sferic/source", program], {
    encoding: "utf8",
    env: { ...process.env, RAYON_NUM_THREADS: String(threadCount), NODE_OPTIONS: "" },
  });
  return JSON.parse(printed);
}
