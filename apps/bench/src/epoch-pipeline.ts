import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { atMostSeconds } from "./judge.ts";
import { ours } from "./places.ts";
import type { Plan } from "./scenario.ts";

const node = "Sferic";

/** How long an epoch may take on the average, with everything flushed to the disk. */
const secondsMax = 0.01;

/** Runs a spec of so many epochs, which writes into `out`; the time that counts is that of one epoch. */
export async function epochPlan(folder: string, out: string, spec: object, epochs: number): Promise<Plan> {
  const file = join(folder, "epochs.json");
  await writeFile(file, JSON.stringify(spec, null, 2));
  return {
    contenders: [
      {
        name: node,
        command: ours("pipeline", file, out, "read"),
        interpret: (answer) => ({ ...answer, seconds: answer.seconds / epochs }),
      },
    ],
    checks: [],
    requirements: [atMostSeconds(node, secondsMax)],
  };
}
