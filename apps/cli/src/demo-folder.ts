import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError } from "@sferic/operator";
import { makeDirectory } from "@sferic/operator/durable-files";

/** Says that a folder was made by the demo. */
const mark = ".sferic-demo";

const partName = /^part-\d{10}-\d{5}-lightning-(stream|clusters)-/;
const partFolders = ["geospatial", "csv", "centroids", "choice"];
const ownNames = [
  ".checkpoint",
  "lightning.duckdb",
  "lightning.duckdb.wal",
  "report.html",
  "report-map.png",
  "report-elbow.png",
  "report-silhouette.png",
  "report.gif",
];

/**
 * Makes the folder, or removes from it what an earlier demo wrote, and nothing else. Rejects with `usage` for a folder
 * that holds something and was not made by the demo.
 */
export async function prepareDemoFolder(folder: string): Promise<void> {
  await makeDirectory(folder).catch((cause: Error) => {
    throw new OperatorError({ code: "usage", message: `${folder} cannot be a folder: ${cause.message}` }, { cause });
  });
  const names = await readdir(folder);
  if (names.length > 0 && !names.includes(mark)) {
    const message = `${folder} holds other files. Give --out a folder that is empty or not there yet.`;
    throw new OperatorError({ code: "usage", message });
  }
  await writeFile(join(folder, mark), "Results of sferic demo. A demo into this folder replaces them.\n");
  await writeFile(join(folder, ".gitignore"), "*\n");
  for (const name of ownNames) await rm(join(folder, name), { recursive: true, force: true });
  for (const name of partFolders) await removeParts(join(folder, name));
}

async function removeParts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((candidate) => partName.test(candidate))) await rm(join(folder, name));
}
