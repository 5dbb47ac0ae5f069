import { copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { granuleDirectory, isThere, workDirectory } from "./places.ts";

const productSeconds = 20;

/**
 * The folder with `count` granules, made if need be: copies of the real ones in turn, under the product's names for an
 * hour that begins at 2018-07-02 04:00 UTC.
 */
export async function granuleSet(count: number): Promise<string> {
  const folder = join(workDirectory, `granules-${count}`);
  if (isThere(folder)) return folder;
  const originals = (await readdir(granuleDirectory)).filter((name) => name.endsWith(".nc")).toSorted();
  const unfinished = `${folder}.tmp`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  for (let index = 0; index < count; index++) {
    const original = originals[index % originals.length]!;
    await copyFile(join(granuleDirectory, original), join(unfinished, granuleName(index)));
  }
  await rename(unfinished, folder);
  return folder;
}

/** Name of the granule that begins `index` products after the first. */
export function granuleName(index: number): string {
  const [start, end, created] = [0, productSeconds, productSeconds + 6].map((offset) =>
    stamp(index * productSeconds + offset),
  );
  return `OR_GLM-L2-LCFA_G16_s${start}_e${end}_c${created}.nc`;
}

/** Year, day of the year, hour, minute, second and tenth. */
function stamp(secondsLater: number): string {
  const time = new Date(Date.UTC(2018, 6, 2, 4) + secondsLater * 1000);
  const day = Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
  const clock = time.toISOString().slice(11, 19).replaceAll(":", "");
  return `${time.getUTCFullYear()}${String(day).padStart(3, "0")}${clock}0`;
}
