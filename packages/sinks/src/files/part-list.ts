import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceDurably, textOf } from "@sferic/operator/durable-files";
import type { Owner } from "../owner-name.ts";
import { isSame, type StagedContent } from "../staged-file.ts";

/** A part as the list has it. */
export interface ListedPart extends StagedContent {
  /** Path from the folder of the output. */
  readonly path: string;
}

/**
 * The parts that runs without a checkpoint have written into a folder, a line of JSON for each, in a hidden file there: only those
 * may the next one replace. A part is listed before it becomes visible; one that is gone does not matter.
 */
export class PartList {
  readonly #path: string;
  readonly #folder: string;
  #known: readonly ListedPart[] = [];
  #isBegun = false;

  constructor(folder: string, { pipeline, operatorId }: Owner) {
    this.#folder = folder;
    this.#path = join(folder, `.sferic-parts.${pipeline}.${operatorId}`);
  }

  /** The first of these files that no run has written so; null for none. All are taken for written where there is no list. */
  async foreignOf(paths: readonly string[]): Promise<string | null> {
    const text = await textOf(this.#path);
    if (text === null) return null;
    const listed = Map.groupBy(text.split("\n").flatMap(parsed), ({ path }) => path);
    this.#known = paths.flatMap((path) => listed.get(path) ?? []);
    for (const path of paths) {
      if (!(await this.#isOneOf(path, listed.get(path) ?? []))) return path;
    }
    return null;
  }

  /** Lists parts that are about to become visible; when it is called first, in the place of those that are gone. */
  async add(parts: readonly ListedPart[]): Promise<void> {
    const lines = (some: readonly ListedPart[]): string => some.map((part) => `${JSON.stringify(part)}\n`).join("");
    if (this.#isBegun) await appendFile(this.#path, lines(parts));
    else await replaceDurably(this.#path, lines([...this.#known, ...parts]));
    this.#isBegun = true;
  }

  async #isOneOf(path: string, contents: readonly StagedContent[]): Promise<boolean> {
    for (const content of contents) if (await isSame(join(this.#folder, path), content)) return true;
    return false;
  }
}

/** Nothing for a line that was cut off. */
function parsed(line: string): ListedPart[] {
  try {
    return [JSON.parse(line) as ListedPart];
  } catch {
    return [];
  }
}
