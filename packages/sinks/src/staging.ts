import { rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checksumFile } from "@sferic/bindings/formats";
import { OperatorError } from "@sferic/operator";
import {
  makeDirectory,
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
 * The hidden folder beside a target in which an epoch is prepared: `.sferic-staging/<owner>/<epoch>/`. It lies on the
 * target's file system, so that publishing is a rename.
 */
export class Staging {
  readonly #target: string;
  readonly #owner: string;
  /** Epochs sealed by this process, whose bytes need no second look before they are published. */
  readonly #sealed = new Set<number>();
  /** Whether the target itself is known to survive a power failure. */
  #isTargetDurable = false;

  /** `target` is the folder that receives the files; `owner` tells sinks that share it apart. */
  constructor(target: string, owner: string) {
    this.#target = target;
    this.#owner = join(target, stagingName, owner);
  }

  /** An empty folder for the files of an epoch; whatever an earlier attempt left is gone. */
  async begin(epoch: number): Promise<string> {
    const folder = this.#folder(epoch);
    await remove(folder);
    await makeDirectory(folder);
    await this.#keepTarget();
    return folder;
  }

  /** Begins an epoch, writes whole files into it, and seals it. */
  async write(epoch: number, files: readonly { name: string; bytes: Uint8Array }[]): Promise<StagedFile[]> {
    const folder = await this.begin(epoch);
    await Promise.all(files.map(({ name, bytes }) => writeFile(join(folder, name), bytes, { flush: true })));
    await this.seal(epoch);
    return Promise.all(files.map(async ({ name }) => ({ name, ...(await checksumFile(join(folder, name))) })));
  }

  /** Says that the files of an epoch are complete and synced; syncs their names. */
  async seal(epoch: number): Promise<void> {
    await syncDirectory(this.#folder(epoch));
    this.#sealed.add(epoch);
  }

  /**
   * Moves the files of an epoch to the target and removes the staging folder; harmless to repeat. `replace` says whether other files of these names may
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

  /** Removes what is staged for an epoch, and the folders above that are then empty. */
  async discard(epoch: number): Promise<void> {
    this.#sealed.delete(epoch);
    await rm(this.#folder(epoch), { recursive: true, force: true });
    await removeIfEmpty(this.#owner);
    await removeIfEmpty(dirname(this.#owner));
  }

  /** Makes the target survive a power failure, whoever made it; once is enough. */
  async #keepTarget(): Promise<void> {
    if (!this.#isTargetDurable) await syncAncestors(this.#target);
    this.#isTargetDurable = true;
  }

  #folder(epoch: number): string {
    return join(this.#owner, String(epoch).padStart(10, "0"));
  }

  async #move(epoch: number, file: StagedFile, replace: boolean): Promise<void> {
    const [from, to] = [join(this.#folder(epoch), file.name), join(this.#target, file.name)];
    if ((await sizeOf(from)) === null) {
      if (await isSame(to, file)) return;
      throw missing(`${from} was prepared but is gone, and ${to} is not it.`);
    }
    if (!this.#sealed.has(epoch) && !(await isSame(from, file))) {
      throw missing(`${from} is not what was prepared: its size or checksum differs.`);
    }
    if (!replace && (await sizeOf(to)) !== null && !(await isSame(to, file))) {
      const message = `${to} is there already with other content, from a run with another checkpoint. Give this pipeline a folder of its own, or remove its old files.`;
      throw new OperatorError({ code: "output-conflict", message });
    }
    await rename(from, to);
  }
}

async function isSame(path: string, file: StagedFile): Promise<boolean> {
  if ((await sizeOf(path)) !== file.bytes) return false;
  return (await checksumFile(path)).checksum === file.checksum;
}

function missing(what: string): OperatorError {
  const message = `${what} Restore the file, or start anew with an empty checkpoint and empty outputs.`;
  return new OperatorError({ code: "staged-missing", message, domain: "external" });
}
