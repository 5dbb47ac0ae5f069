import { rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checksumFile } from "@sferic/bindings/formats";
import { OperatorError } from "@sferic/operator";
import {
  makeDirectory,
  namesIn,
  remove,
  removeIfEmpty,
  sizeOf,
  syncAncestors,
  syncDirectory,
} from "@sferic/operator/durable-files";

/** A staged file as it stands in the prepared record. */
export interface StagedFile {
  readonly name: string;
  readonly bytes: number;
  /** `xxh64:` and 16 hex digits. */
  readonly checksum: string;
}

const stagingName = ".sferic-staging";

/**
 * The hidden folder beside a target in which epochs are prepared: `.sferic-staging/<owner>/<epoch>-<name>`. It lies on the
 * target's file system, so that publishing is a rename, and stays from epoch to epoch: to make a folder durable costs more
 * than a small file.
 */
export class Staging {
  readonly #target: string;
  readonly #folder: string;
  /** Epochs sealed by this process, whose bytes need no second look before they are published. */
  readonly #sealed = new Set<number>();
  /** Whether the target itself is known to survive a power failure. */
  #isTargetDurable = false;
  /** As much of the hidden folder. */
  #isOwnDurable = false;

  /** `target` is the folder that receives the files; `owner` tells sinks that share it apart. */
  constructor(target: string, owner: string) {
    this.#target = target;
    this.#folder = join(target, stagingName, owner);
  }

  /** Makes room for the files of an epoch: whatever an earlier attempt at it left is gone. */
  async begin(epoch: number): Promise<void> {
    if (!this.#isOwnDurable || (await sizeOf(this.#folder)) === null) {
      await makeDirectory(this.#folder);
      await syncAncestors(this.#folder);
      this.#isOwnDurable = true;
    }
    await this.discard(epoch);
  }

  /** Where a file of an epoch is written, between `begin` and `seal`. */
  path(epoch: number, name: string): string {
    return join(this.#folder, `${prefixOf(epoch)}${name}`);
  }

  /** Begins an epoch, writes whole files into it, and seals it. */
  async write(epoch: number, files: readonly { name: string; bytes: Uint8Array }[]): Promise<StagedFile[]> {
    await this.begin(epoch);
    await Promise.all(files.map(({ name, bytes }) => writeFile(this.path(epoch, name), bytes, { flush: true })));
    await this.seal(epoch);
    return Promise.all(files.map(async ({ name }) => ({ name, ...(await checksumFile(this.path(epoch, name))) })));
  }

  /** Says that the files of an epoch are complete and synced; syncs their names. */
  async seal(epoch: number): Promise<void> {
    await syncDirectory(this.#folder);
    this.#sealed.add(epoch);
  }

  /**
   * Moves the files of an epoch to the target; harmless to repeat. `replace` says whether other files of these names may
   * be there. Throws `staged-missing` when a file is neither staged as recorded nor at the target, `output-conflict` when
   * the target has another file of that name.
   */
  async publish(epoch: number, files: readonly StagedFile[], replace: boolean): Promise<string[]> {
    for (const file of files) await this.#move(epoch, file, replace);
    await syncDirectory(this.#target);
    await this.#keepTarget();
    await this.discard(epoch);
    return files.map(({ name }) => join(this.#target, name));
  }

  /** Where a staged file is. Throws `staged-missing` when it is not there as recorded. */
  async require(epoch: number, file: StagedFile): Promise<string> {
    const path = this.path(epoch, file.name);
    if ((await sizeOf(path)) === null) throw missing(`${path} was prepared but is gone.`);
    if (!this.#sealed.has(epoch) && !(await isSame(path, file))) {
      throw missing(`${path} is not what was prepared: its size or checksum differs.`);
    }
    return path;
  }

  /** Removes what is staged for an epoch. */
  async discard(epoch: number): Promise<void> {
    this.#sealed.delete(epoch);
    const staged = (await namesIn(this.#folder)).filter((name) => name.startsWith(prefixOf(epoch)));
    await Promise.all(staged.map((name) => remove(join(this.#folder, name))));
  }

  /** Removes the folder, unless an epoch is staged in it, and the one above when no other owner needs it. */
  async close(): Promise<void> {
    this.#isOwnDurable = false;
    await removeIfEmpty(this.#folder);
    await removeIfEmpty(dirname(this.#folder));
  }

  /** Makes the target survive a power failure, whoever made it; once is enough. */
  async #keepTarget(): Promise<void> {
    if (!this.#isTargetDurable) await syncAncestors(this.#target);
    this.#isTargetDurable = true;
  }

  async #move(epoch: number, file: StagedFile, replace: boolean): Promise<void> {
    const [from, to] = [this.path(epoch, file.name), join(this.#target, file.name)];
    if ((await sizeOf(from)) === null) {
      if (await isSame(to, file)) return;
      throw missing(`${from} was prepared but is gone, and ${to} is not it.`);
    }
    await this.require(epoch, file);
    if (!replace && (await sizeOf(to)) !== null && !(await isSame(to, file))) {
      const message = `${to} is there already with other content, from a run with another checkpoint. Give this pipeline a folder of its own, or remove its old files.`;
      throw new OperatorError({ code: "output-conflict", message });
    }
    await rename(from, to);
  }
}

function prefixOf(epoch: number): string {
  return `${String(epoch).padStart(10, "0")}-`;
}

async function isSame(path: string, file: StagedFile): Promise<boolean> {
  if ((await sizeOf(path)) !== file.bytes) return false;
  return (await checksumFile(path)).checksum === file.checksum;
}

function missing(what: string): OperatorError {
  const message = `${what} Restore the file, or start anew with an empty checkpoint and empty outputs.`;
  return new OperatorError({ code: "staged-missing", message, domain: "external" });
}
