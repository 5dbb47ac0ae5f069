import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { csv } from "@sferic/formats/csv";
import { parquet } from "@sferic/formats/parquet";
import { describeSink } from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { files } from "./files.ts";
import { fullDisk, fileInTheWay, readOnlyFolder } from "../test/obstacles.ts";

/** Rows of every visible Parquet file of a folder, as a reader of folders would list them. */
async function visible(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, "out")).catch(() => []);
  const parts = names.filter((name) => !name.startsWith("."));
  const rows = await Promise.all(
    parts.map(async (name) =>
      parquetReadObjects({ file: await asyncBufferFromFile(join(directory, "out", name)), compressors }),
    ),
  );
  return rows.flat().map((row) => JSON.stringify(row));
}

describeSink({
  definition: files,
  config: { url: "out", format: { type: "parquet" } },
  formats: [parquet, csv],
  visible,
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});
