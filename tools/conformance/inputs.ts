import { readdir, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { Reference } from "./reference.ts";

/** Formats that are compared, by the names of the command's options. */
export const formatNames = ["parquet", "csv", "json", "netcdf", "delta"] as const;

/** Name of a compared format. */
export type FormatName = (typeof formatNames)[number];

/** Something to read in one go: a file, one dimension of a NetCDF file, or a Delta table. */
export interface Input {
  readonly format: FormatName;
  readonly path: string;
  readonly dimension?: string;
  /** Its path from the folder that was given, and the dimension. */
  readonly title: string;
}

const endings: Readonly<Record<Exclude<FormatName, "delta">, RegExp>> = {
  parquet: /\.(parquet|parq)$/i,
  csv: /\.(csv|tsv)(\.gz|\.zst)?$/i,
  json: /\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i,
  netcdf: /\.(nc|nc4|h5|hdf5)$/i,
};

/** Larger files take the reference readers too long. */
const bytesMax = 64 * 1024 * 1024;

/** Everything of a format below a folder, by name. Throws when the folder is not there. */
export async function* inputsBelow(format: FormatName, folder: string, reference: Reference): AsyncGenerator<Input> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  for (const name of names) {
    const path = join(folder, name);
    const title = relative(folder, path);
    if (format === "delta") {
      if (basename(path) === "_delta_log") yield { format, path: join(path, ".."), title: join(title, "..") };
      continue;
    }
    const about = await stat(path).catch(() => undefined);
    if (about?.isFile() !== true || !endings[format].test(name) || about.size > bytesMax) continue;
    if (format !== "netcdf") yield { format, path, title };
    else
      for (const one of await dimensionsOf(path, reference))
        yield { format, path, title: `${title} ${one.dimension ?? ""}`.trimEnd(), ...one };
  }
}

async function dimensionsOf(path: string, reference: Reference): Promise<{ dimension?: string }[]> {
  const names = await reference.dimensions(path);
  return names.length === 0 ? [{}] : names.map((dimension) => ({ dimension }));
}
