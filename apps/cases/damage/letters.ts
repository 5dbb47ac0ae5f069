import { readFile } from "node:fs/promises";

/** The dead letters in files of them, without the headings that say whose they are. */
export async function lettersIn<Letter>(paths: readonly string[]): Promise<Letter[]> {
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  const lines = texts.flatMap((text) => text.trimEnd().split("\n").slice(1));
  return lines.map((line) => JSON.parse(line) as Letter);
}
