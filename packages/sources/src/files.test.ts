import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { glm } from "@sferic/formats/glm";
import { describeSource, granuleFolder, linesFormat, minuteGranules } from "@sferic/testkit";
import { files } from "./files.ts";

const portionName = (portion: number): string => `${String(portion).padStart(4, "0")}.txt`;

describeSource({
  definition: files,
  onePortion: { filesPerEpoch: 1 },
  portionsAheadMax: 128,
  arrange: async (directory, portionCount) => {
    const { definition, filesTaken } = linesFormat();
    const path = (portion: number): string => join(directory, "in", portionName(portion));
    await mkdir(join(directory, "in"));
    for (let portion = 0; portion < portionCount; portion++) {
      await writeFile(path(portion), `${portion} first\n${portion} second\n`);
    }
    return {
      config: { url: "in/*.txt", format: { type: "lines" } },
      formats: [definition],
      taken: filesTaken,
      spoil: async (portion) => {
        await writeFile(path(portion), "good\n\0bad\n");
        return { name: portionName(portion), position: 5 };
      },
      change: (portion) => utimes(path(portion), 1, 1),
    };
  },
  arrangeExamples: async (directory) => {
    await mkdir(join(directory, "granules"));
    for (const name of minuteGranules) await symlink(join(granuleFolder, name), join(directory, "granules", name));
    return { formats: [glm] };
  },
});
