import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";

/** The files below a folder, each with its bytes as base64 and its time in milliseconds since 1970. */
type Archive = Readonly<Record<string, { readonly bytes: string; readonly timeMs: number }>>;

/** Paths of the files below a folder, from it, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).toSorted();
}

/** Puts the files below a folder into one. */
export async function archive(folder: string, path: string): Promise<void> {
  const files: Record<string, { bytes: string; timeMs: number }> = {};
  for (const name of await filesBelow(folder)) {
    const own = join(folder, name);
    files[name] = { bytes: await readFile(own, "base64"), timeMs: (await stat(own)).mtimeMs };
  }
  await writeFile(path, brotliCompressSync(JSON.stringify(files)));
}

/** Inverse of {@link archive}. */
export async function unarchive(path: string, folder: string): Promise<void> {
  const files = JSON.parse(String(brotliDecompressSync(await readFile(path)))) as Archive;
  for (const [name, { bytes, timeMs }] of Object.entries(files)) {
    const own = join(folder, name);
    await mkdir(dirname(own), { recursive: true });
    await writeFile(own, Buffer.from(bytes, "base64"));
    await utimes(own, timeMs / 1000, timeMs / 1000);
  }
}
