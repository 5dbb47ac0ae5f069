import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ours } from "./places.ts";
import type { Contender } from "./scenario.ts";

/** How long an epoch may take on the average, with everything flushed to the disk. */
export const epochSecondsMax = 0.01;

/** Sferic on a spec of so many epochs, which writes into `out`; the time that counts is that of one epoch. */
export async function epochContender(
  name: string,
  folder: string,
  out: string,
  spec: object,
  epochs: number,
): Promise<Contender> {
  const file = join(folder, "epochs.json");
  await writeFile(file, JSON.stringify(spec, null, 2));
  return {
    name,
    command: ours("epochs", file, out),
    interpret: (answer) => {
      return { ...answer, seconds: answer.seconds / epochs, rowsPerEpoch: Number(answer["rows"]) / epochs };
    },
  };
}
