import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { checksumFile } from "@sferic/bindings/formats";
import { type OperatorContext, OperatorError } from "@sferic/operator";
import {
  makeDirectoriesIn,
  makeDirectory,
  namesIn,
  remove,
  removeIfEmpty,
  sizeOf,
  syncAncestors,
  syncDirectories,
  SyncedFolder,
} from "@sferic/operator/durable-files";
import { earlierOwnerName, ownerName } from "./owner-name.ts";
import { isSame, requireStaged, type StagedContent, stagedMissing } from "./staged-file.ts";

/** A staged file as it stands in the prepared record. */
export interface StagedFile extends StagedContent {
  /** No other file of the epoch has it. */
  readonly name: string;
  /** Folder in the target that it goes into, with `/` between names; the target itself when absent. */
  readonly folder?: string;
}

/** Whose staged files are. */
export type StagingOwner = Pick<OperatorContext, "pipeline" | "operatorId" | "history" | "durable">;

/** As the context says, for sinks that leave no token: runs without a checkpoint share a folder, so that the next one cleans up. */
export function stagingOwner(context: OperatorContext): StagingOwner {
  return context.durable ? context : { ...context, history: "run" };
}

const stagingName = ".sferic-staging";

/**
 * The hidden folder beside a target in which epochs are prepared: `.sferic-staging/<owner>-<lineage>/<epoch>-<name>` with the
 * owner as {@link ownerName} names it, so that pipelines of one name with different checkpoints do not meet in it. It lies
 * on the target's file system, so that publishing is a rename, and stays from epoch to epoch: to make a folder durable
 * costs more than a small file.
 */
export class Staging {
  readonly #target: string;
  readonly #folder: string;
  /** Where earlier versions may have staged for the same checkpoint; none without one. */
  readonly #oldFolders: readonly string[];
  readonly #owner: StagingOwner;
  readonly #targetFolder: SyncedFolder;
  readonly #ownFolder: SyncedFolder;
  /** Epochs sealed by this process, whose bytes need no second look before they are published. */
  readonly #sealed = new Set<number>();
  /** Whether the target itself is known to survive a power failure. */
  #isTargetDurable = false;
  /** As much of the hidden folder. */
  #isOwnDurable = false;
  /** Whether an earlier version may have staged something under this lineage. */
  #hasEarlier = true;
  /** Names in the hidden folder, once this process has looked: all others it gives out itself. */
  #staged: Set<string> | null = null;

  /** `target` is the folder that receives the files; `owner` is whose they are. */
  constructor(target: string, owner: StagingOwner) {
    this.#target = target;
    this.#owner = owner;
    const [folder, ...joined] = this.#foldersOf(owner.history);
    this.#folder = folder;
    const unnamed = join(target, stagingName, earlierOwnerName(owner) ?? ownerName(owner));
    this.#oldFolders = owner.durable ? [...joined, unnamed] : [];
    this.#targetFolder = new SyncedFolder(target);
    this.#ownFolder = new SyncedFolder(this.#folder);
  }

  /** Makes room for the files of an epoch: whatever an earlier attempt at it left is gone. */
  async begin(epoch: number): Promise<void> {
    if (!this.#isOwnDurable || (await sizeOf(this.#folder)) === null) {
      await this.#closeFolders();
      await makeDirectory(this.#folder);
      await syncAncestors(this.#folder);
      this.#isOwnDurable = true;
    }
    await this.discard(epoch);
  }

  /** Where a file of an epoch is written, between `begin` and `seal`. */
  path(epoch: number, name: string): string {
    const staged = `${prefixOf(epoch)}${name}`;
    this.#staged?.add(staged);
    return join(this.#folder, staged);
  }

  /** As `path`, for a file that is not staged: another run may have staged the epoch, or nobody. */
  async room(epoch: number, name: string): Promise<string> {
    await makeDirectory(this.#folder);
    return this.path(epoch, name);
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
    await this.#ownFolder.sync();
    this.#sealed.add(epoch);
  }

  /**
   * Moves the files of an epoch to the target; harmless to repeat. `replace` says whether other files of these names may
   * be there. Throws `staged-missing` when a file is neither staged as recorded nor at the target, `output-conflict` when
   * the target has another file of that name.
   */
  async publish(epoch: number, files: readonly StagedFile[], replace: boolean): Promise<string[]> {
    const folders = [...new Set(files.flatMap(({ folder }) => folder ?? []))];
    await makeDirectoriesIn(this.#target, folders);
    for (const file of files) await this.#move(epoch, file, replace);
    await syncDirectories(folders.map((folder) => join(this.#target, folder)));
    await this.#targetFolder.sync();
    await this.#keepTarget();
    await this.discard(epoch);
    return files.map((file) => this.#placeOf(file));
  }

  /** Removes what the runs of another lineage have staged, which will not go on. */
  async removeOf(lineage: string): Promise<void> {
    if (lineage === this.#owner.history) return;
    for (const folder of this.#foldersOf(lineage)) await remove(folder);
  }

  /** Where a staged file is. Throws `staged-missing` when it is not there as recorded. */
  async require(epoch: number, file: StagedFile): Promise<string> {
    const path = await this.#pathOf(epoch, file.name);
    await this.#requireContent(epoch, path, file);
    return path;
  }

  /** Whether an epoch was sealed by this process, so that it cannot have been published by another one. */
  isSealed(epoch: number): boolean {
    return this.#sealed.has(epoch);
  }

  /** Removes what is staged for an epoch. */
  async discard(epoch: number): Promise<void> {
    this.#sealed.delete(epoch);
    this.#staged ??= new Set(await namesIn(this.#folder));
    const left = [...this.#staged].filter((name) => name.startsWith(prefixOf(epoch)));
    await Promise.all(left.map((name) => remove(join(this.#folder, name))));
    for (const name of left) this.#staged.delete(name);
    if (this.#hasEarlier) await this.#discardEarlier(epoch);
  }

  /** Removes the folder, unless an epoch is staged in it, and the one above when no other owner needs it. */
  async close(): Promise<void> {
    this.#isOwnDurable = false;
    await this.#closeFolders();
    await removeIfEmpty(this.#folder);
    for (const folder of this.#oldFolders) await removeIfEmpty(folder);
    await removeIfEmpty(dirname(this.#folder));
  }

  /** The folder of a lineage, and the one that versions before had for it, where that has another name. */
  #foldersOf(lineage: string): [string, ...string[]] {
    const joined = earlierOwnerName(this.#owner);
    const [own, ...earlier] = [ownerName(this.#owner), ...(joined === null ? [] : [joined])].map((owner) =>
      join(this.#target, stagingName, `${owner}-${lineage}`),
    );
    return [own!, ...earlier];
  }

  /** As `path`, also of what an earlier version has staged. */
  async #pathOf(epoch: number, name: string): Promise<string> {
    const path = this.path(epoch, name);
    if (this.#sealed.has(epoch) || (await sizeOf(path)) !== null) return path;
    for (const folder of this.#oldFolders) {
      const old = join(folder, basename(path));
      if ((await sizeOf(old)) !== null) return old;
    }
    return path;
  }

  /** As `discard`, of what an earlier version has staged under this lineage. */
  async #discardEarlier(epoch: number): Promise<void> {
    const [, earlier] = this.#foldersOf(this.#owner.history);
    // Without a checkpoint, the folder may be that of another sink, which had the same name.
    const names = earlier === undefined || !this.#owner.durable ? [] : await namesIn(earlier);
    this.#hasEarlier = names.length > 0;
    const left = names.filter((name) => name.startsWith(prefixOf(epoch)));
    await Promise.all(left.map((name) => remove(join(earlier!, name))));
  }

  /** Makes the target survive a power failure, whoever made it; once is enough. */
  async #keepTarget(): Promise<void> {
    if (!this.#isTargetDurable) await syncAncestors(this.#target);
    this.#isTargetDurable = true;
  }

  async #requireContent(epoch: number, path: string, file: StagedFile): Promise<void> {
    await requireStaged(path, this.#sealed.has(epoch) ? null : file);
  }

  #placeOf({ name, folder }: StagedFile): string {
    return join(this.#target, folder ?? "", name);
  }

  async #closeFolders(): Promise<void> {
    this.#staged = null;
    await Promise.all([this.#ownFolder.close(), this.#targetFolder.close()]);
  }

  async #move(epoch: number, file: StagedFile, replace: boolean): Promise<void> {
    const [from, to] = [await this.#pathOf(epoch, file.name), this.#placeOf(file)];
    if ((await sizeOf(from)) === null) {
      if (await isSame(to, file)) return;
      throw stagedMissing(`${from} was prepared but is gone, and ${to} is not it.`);
    }
    await this.#requireContent(epoch, from, file);
    if (!replace && (await sizeOf(to)) !== null && !(await isSame(to, file))) {
      const message = `${to} is there already with other content, from a run with another checkpoint. Give this pipeline a folder of its own, or remove its old files.`;
      throw new OperatorError({ code: "output-conflict", message });
    }
    await rename(from, to);
    this.#staged?.delete(basename(from));
  }
}

function prefixOf(epoch: number): string {
  return `${String(epoch).padStart(10, "0")}-`;
}
