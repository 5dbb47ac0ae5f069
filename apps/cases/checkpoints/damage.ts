import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { filesBelow } from "./archive.ts";

/** What is done to one file of a checkpoint, or of what is staged next to an output. */
export interface Damage {
  readonly how: "flip" | "swap" | "remove" | "older" | "truncate";
  /** Path from the folder of the pipeline. */
  readonly file: string;
  /** Bit to turn, or length to cut to. */
  readonly at?: number;
  /** The other file of a swap, or where the older copy is. */
  readonly other?: string;
}

/** Numbers from 0 up to and without `end`, the same for the same seed (xorshift, Marsaglia 2003). */
export function randomOf(seed: number): (end: number) => number {
  let state = seed | 1;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}

/** A damage to a pipeline's folder: of any kind of file alike, and of any kind. `older` holds copies of its checkpoint. */
export async function drawDamage(
  folder: string,
  older: readonly string[],
  random: (end: number) => number,
): Promise<Damage> {
  const files = (await filesBelow(folder)).filter((name) => /^cp\/|\/\.sferic/.test(name));
  const kinds = [...Map.groupBy(files, dirname).values()];
  for (;;) {
    const kind = kinds[random(kinds.length)]!;
    const file = kind[random(kind.length)]!;
    const bytes = (await readFile(join(folder, file))).length;
    const how = (["flip", "swap", "remove", "older", "truncate"] as const)[random(5)]!;
    if (how === "remove") return { how, file };
    if (how === "flip" && bytes > 0) return { how, file, at: random(bytes * 8) };
    if (how === "truncate" && bytes > 0) return { how, file, at: 64 * random(Math.ceil(bytes / 64)) };
    const others = kind.filter((other) => other !== file);
    if (how === "swap" && others.length > 0) return { how, file, other: others[random(others.length)]! };
    const copies = how === "older" ? await olderCopies(folder, file, older) : [];
    if (copies.length > 0) return { how, file, other: copies[random(copies.length)]! };
  }
}

/** Paths of other versions of a file. */
async function olderCopies(folder: string, file: string, older: readonly string[]): Promise<string[]> {
  const now = await readFile(join(folder, file));
  const copies: string[] = [];
  for (const copy of older) {
    const before = await readFile(join(copy, file)).catch(() => null);
    if (before !== null && !before.equals(now)) copies.push(join(copy, file));
  }
  return copies;
}

/** Does it. */
export async function damage(folder: string, { how, file, at = 0, other = "" }: Damage): Promise<void> {
  const path = join(folder, file);
  if (how === "remove") await rm(path);
  else if (how === "truncate") await truncate(path, at);
  else if (how === "older") await cp(other, path);
  else if (how === "flip") {
    const bytes = await readFile(path);
    bytes[at >> 3]! ^= 1 << (at & 7);
    await writeFile(path, bytes);
  } else {
    const [own, foreign] = [await readFile(path), await readFile(join(folder, other))];
    await writeFile(path, foreign);
    await writeFile(join(folder, other), own);
  }
}

/** A damage in words. */
export function damageText({ how, file, at, other }: Damage): string {
  return [how, file, at, other === undefined ? undefined : basename(other)]
    .filter((part) => part !== undefined)
    .join(" ");
}
