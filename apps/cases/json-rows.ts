import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Rows of the JSON lines in every file of a folder that is not hidden, in the order of their names; none where there is no folder. */
export async function jsonRowsIn<Row = Record<string, unknown>>(folder: string): Promise<Row[]> {
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => !name.startsWith("."));
  const texts = await Promise.all(names.toSorted().map((name) => readFile(join(folder, name), "utf8")));
  const lines = texts.join("").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}
