import { mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperatorError } from "@sferic/operator";
import type { ReportFile } from "./render.ts";

/** A staged file as it stands in the prepared record. */
export type StagedFile = { readonly name: string; readonly bytes: number };

const stagingName = ".sferic-staging";

/**
 * The hidden folder beside a target in which an epoch is prepared: `.sferic-staging/<owner>/<epoch>/`. It lies on the
 * target's file system, so that publishing is a rename.
 */
export class Staging {
  readonly #target: string;
  readonly #owner: string;

  /** `target` is the folder that receives the files; `owner` tells sinks that share it apart. */
  constructor(target: string, owner: string) {
    this.#target = target;
    this.#owner = join(target, stagingName, owner);
  }

  /** Writes the files of an epoch and syncs them; whatever an earlier attempt left goes first. */
  async write(epoch: number, files: readonly ReportFile[]): Promise<StagedFile[]> {
    const folder = this.#folder(epoch);
    await rm(folder, { recursive: true, force: true });
    const created = (await mkdir(folder, { recursive: true })) ?? folder;
    await Promise.all(files.map(({ name, bytes }) => writeSynced(join(folder, name), bytes)));
    // A new folder is only as lasting as its entry in the folder above.
    await Promise.all(foldersBetween(dirname(created), folder).map(sync));
    return files.map(({ name, bytes }) => ({ name, bytes: bytes.byteLength }));
  }

  /**
   * Moves the files of an epoch to the target and removes the `obsolete` ones there; harmless to repeat. Throws
   * `staged-file-missing` when a file is neither staged nor, with its recorded size, at the target.
   */
  async publish(epoch: number, files: readonly StagedFile[], obsolete: readonly string[]): Promise<string[]> {
    const published = await Promise.all(files.map((file) => this.#move(epoch, file)));
    await Promise.all(obsolete.map((name) => rm(join(this.#target, name), { force: true })));
    await sync(this.#target);
    await this.discard(epoch);
    return published;
  }

  /** Removes what is staged for an epoch, and the folders above that are then empty. */
  async discard(epoch: number): Promise<void> {
    await rm(this.#folder(epoch), { recursive: true, force: true });
    await removeIfEmpty(this.#owner);
    await removeIfEmpty(dirname(this.#owner));
  }

  #folder(epoch: number): string {
    return join(this.#owner, String(epoch));
  }

  async #move(epoch: number, { name, bytes }: StagedFile): Promise<string> {
    const from = join(this.#folder(epoch), name);
    const to = join(this.#target, name);
    if ((await sizeOf(from)) !== undefined) await rename(from, to);
    else if ((await sizeOf(to)) !== bytes) {
      throw new OperatorError({
        code: "staged-file-missing",
        message: `The staged file ${from} is gone and ${to} does not hold it either; run the pipeline again on a new checkpoint.`,
        domain: "external",
      });
    }
    return to;
  }
}

/** `last` and the folders above it up to and including `first`. */
function foldersBetween(first: string, last: string): string[] {
  return last === first ? [last] : [...foldersBetween(first, dirname(last)), last];
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "w");
  await file.writeFile(bytes);
  await file.sync();
}

async function sync(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A folder that is gone already, or in use by another epoch or sink, is left as it is. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
