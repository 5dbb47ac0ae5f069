import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { createParquet } from "@sferic/bindings/formats";
import { glm } from "@sferic/formats/glm";
import { parquet } from "@sferic/formats/parquet";
import { column, Schema } from "@sferic/operator";
import { describeSource, granuleFolder, linesFormat, minuteGranules } from "@sferic/testkit";
import { files } from "./files.ts";

const readings = new Schema([column("value", "float64")]);

async function writeParquet(path: string, schema: Schema, rows: Readonly<Record<string, unknown>>[]): Promise<void> {
  const batch = batches.fromRows(schema, rows);
  const writer = await createParquet(path, schema, { compression: "none" });
  await writer.write(batch);
  await writer.finish();
  batch.close();
}

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
    for (const day of ["1", "2"]) {
      const folder = join(directory, "readings", "year=2018", "month=1", `day=${day}`);
      await mkdir(folder, { recursive: true });
      await writeParquet(join(folder, "part.parquet"), readings, [{ value: Number(day) }]);
    }
    return { formats: [glm, parquet] };
  },
});
