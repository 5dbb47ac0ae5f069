import type * as FileSystem from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** A file or folder, whatever its names. What survives a power loss is kept beside what lies on the real disk. */
interface Inode {
  /** Durable entries of a folder; null for a file. */
  readonly entries: Map<string, Inode> | null;
  /** Content of a file when it was last synced. */
  synced: Buffer;
  /** Whether it was written to since. */
  isDirty: boolean;
}

/** A change of names that is not yet durable. It becomes so as a whole: a rename is never half done. */
interface PendingChange {
  readonly folders: readonly Inode[];
  apply(): void;
}

/** What is thrown by every call of a process that has died. */
export class ProcessDied extends Error {
  readonly code = "EIO";
}

/** The functions of `node:fs/promises` that a {@link PowerLossDisk} stands in for. */
export type DiskFunctions = Pick<
  typeof FileSystem,
  "link" | "mkdir" | "open" | "rename" | "rm" | "rmdir" | "truncate" | "unlink" | "writeFile"
>;

/**
 * A disk that can lose power, as a layer over a real folder: names are durable when their folder was synced, contents
 * when the file was; what was not may be lost, kept, or of contents torn. No order is promised between changes that
 * were not synced, as POSIX does not. A process on it can be killed at any of the calls that change something.
 *
 * Put `functions` in the place of those of `node:fs/promises`; calls outside of the folder pass through. Folders cannot
 * be renamed.
 */
export class PowerLossDisk {
  readonly functions: DiskFunctions;
  readonly #real: typeof FileSystem;
  readonly #root: string;
  readonly #random: () => number;
  #names: Map<string, Inode>;
  #pending: PendingChange[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #calls = 0;
  #diesAt = Number.POSITIVE_INFINITY;

  /** `real` does the work; `root` is an empty folder; `random` gives numbers in [0, 1). */
  constructor(real: typeof FileSystem, root: string, random: () => number) {
    this.#real = real;
    this.#root = root;
    this.#random = random;
    this.#names = new Map([[root, folder()]]);
    this.functions = this.#wrapped();
  }

  /** Calls that changed something, since the process was started. */
  get calls(): number {
    return this.#calls;
  }

  /** A new process, which dies at its call of this number (from 0); never when left out. */
  startProcess(diesAt: number = Number.POSITIVE_INFINITY): void {
    this.#calls = 0;
    this.#diesAt = diesAt;
  }

  /** Leaves what a disk may hold after a power loss: one of many possible states, chosen at random. */
  async losePower(): Promise<void> {
    this.startProcess();
    this.#losePending();
    const survivors = new Map<string, Inode>();
    collect(this.#root, this.#names.get(this.#root)!, survivors);
    const contents = new Map<Inode, Buffer>();
    for (const inode of new Set(survivors.values())) contents.set(inode, await this.#contentAfterLoss(inode));
    for (const name of await this.#real.readdir(this.#root)) {
      await this.#real.rm(join(this.#root, name), { recursive: true });
    }
    const written = new Map<Inode, string>();
    for (const [path, inode] of survivors) {
      if (path === this.#root) continue;
      if (inode.entries !== null) await this.#real.mkdir(path);
      else if (written.has(inode)) await this.#real.link(written.get(inode)!, path);
      else await this.#real.writeFile(path, contents.get(inode)!);
      written.set(inode, path);
      inode.synced = contents.get(inode)!;
      inode.isDirty = false;
    }
    this.#names = survivors;
  }

  /** A prefix of the changes of names survives, as on a disk with a journal; or any of them; or none. */
  #losePending(): void {
    const kind = this.#random();
    const upTo = Math.floor(this.#random() * (this.#pending.length + 1));
    for (const [index, change] of this.#pending.entries()) {
      const survives = kind < 0.4 ? index < upTo : kind < 0.8 ? this.#random() < 0.5 : false;
      if (survives) change.apply();
    }
    this.#pending = [];
  }

  async #contentAfterLoss(inode: Inode): Promise<Buffer> {
    if (!inode.isDirty || inode.entries !== null) return inode.synced;
    const path = this.#pathOf(inode);
    const newest = path === undefined ? inode.synced : await this.#real.readFile(path);
    const kind = this.#random();
    if (kind < 0.25) return inode.synced;
    if (kind < 0.5) return newest;
    if (kind < 0.75) return newest.subarray(0, Math.floor(this.#random() * newest.length));
    // The length was written and some of the bytes were not.
    const holed = Buffer.from(newest);
    return holed.fill(0, Math.floor(this.#random() * holed.length));
  }

  #pathOf(inode: Inode): string | undefined {
    return [...this.#names].find(([, other]) => other === inode)?.[0];
  }

  #isHere(path: string): boolean {
    return !relative(this.#root, path).startsWith("..");
  }

  /** Does a change of the disk when those before it are done: what can be seen is also known to the layer. */
  #change<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#inTurn(act));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** A process dies before or after a change, never to know which. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const call = this.#calls++;
    if (call > this.#diesAt) throw new ProcessDied("the process is dead");
    if (call < this.#diesAt) return act();
    if (this.#random() < 0.5) await act().then(closed, () => {});
    throw new ProcessDied("the process is killed");
  }

  #later(folders: readonly Inode[], apply: () => void): void {
    this.#pending.push({ folders, apply });
  }

  #folderOf(path: string): Inode {
    return this.#names.get(dirname(path))!;
  }

  #add(path: string, inode: Inode): void {
    const [above, name] = [this.#folderOf(path), nameOf(path)];
    this.#names.set(path, inode);
    this.#later([above], () => above.entries!.set(name, inode));
  }

  #remove(path: string): void {
    const [above, name] = [this.#folderOf(path), nameOf(path)];
    this.#names.delete(path);
    this.#later([above], () => above.entries!.delete(name));
  }

  /** Makes all changes of names in a folder durable. */
  #syncFolder(inode: Inode): void {
    for (const change of this.#pending) if (change.folders.includes(inode)) change.apply();
    this.#pending = this.#pending.filter(({ folders }) => !folders.includes(inode));
  }

  async #sync(inode: Inode): Promise<void> {
    if (inode.entries !== null) return this.#syncFolder(inode);
    const path = this.#pathOf(inode);
    if (path !== undefined) inode.synced = await this.#real.readFile(path);
    inode.isDirty = false;
  }

  #wrapped(): DiskFunctions {
    const functions = {
      link: (from: string, to: string) =>
        this.#change(async () => {
          await this.#real.link(from, to);
          this.#add(to, this.#names.get(from)!);
        }),
      mkdir: (path: string) =>
        this.#change(async () => {
          await this.#real.mkdir(path);
          this.#add(path, folder());
        }),
      open: (path: string, flags = "r") => this.#open(path, flags),
      rename: (from: string, to: string) => this.#change(() => this.#rename(from, to)),
      rm: (path: string, options: { recursive?: boolean; force?: boolean } = {}) => this.#removeTree(path, options),
      rmdir: (path: string) => this.#removeOne(path, () => this.#real.rmdir(path)),
      truncate: (path: string, length = 0) =>
        this.#change(async () => {
          await this.#real.truncate(path, length);
          this.#names.get(path)!.isDirty = true;
        }),
      unlink: (path: string) => this.#removeOne(path, () => this.#real.unlink(path)),
      writeFile: async (path: string, data: Uint8Array | string, options?: { flush?: boolean }) => {
        const handle = await this.#open(path, "w");
        try {
          await handle.writeFile(data);
          if (options?.flush === true) await handle.sync();
        } finally {
          await handle.close();
        }
      },
    };
    const outside = Object.entries(functions).map(([name, inside]) => {
      const original = this.#real[name as keyof DiskFunctions] as (...args: never[]) => unknown;
      const call = inside as (...args: never[]) => unknown;
      return [name, (...args: never[]) => (this.#isHere(String(args[0])) ? call : original)(...args)] as const;
    });
    return Object.fromEntries(outside) as unknown as DiskFunctions;
  }

  async #rename(from: string, to: string): Promise<void> {
    const inode = this.#names.get(from)!;
    await this.#real.rename(from, to);
    const [source, target] = [this.#folderOf(from), this.#folderOf(to)];
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#later([source, target], () => {
      source.entries!.delete(nameOf(from));
      target.entries!.set(nameOf(to), inode);
    });
  }

  #removeOne(path: string, act: () => Promise<void>): Promise<void> {
    return this.#change(async () => {
      await act();
      this.#remove(path);
    });
  }

  /** One name after another, so that a process can die in between. */
  async #removeTree(path: string, options: { recursive?: boolean; force?: boolean }): Promise<void> {
    const inode = this.#names.get(path);
    if (inode === undefined && options.force === true) return;
    if (inode?.entries == null) return this.#removeOne(path, () => this.#real.unlink(path));
    for (const name of await this.#real.readdir(path)) await this.#removeTree(join(path, name), options);
    await this.#removeOne(path, () => this.#real.rmdir(path));
  }

  async #open(path: string, flags: string): Promise<FileSystem.FileHandle> {
    if (flags === "r") return this.#watched(await this.#real.open(path, flags), this.#names.get(path)!);
    return this.#change(async () => {
      const handle = await this.#real.open(path, flags);
      const known = this.#names.get(path);
      if (known === undefined) this.#add(path, file());
      else if (flags.startsWith("w")) known.isDirty = true;
      return this.#watched(handle, this.#names.get(path)!);
    });
  }

  #watched(handle: FileSystem.FileHandle, inode: Inode): FileSystem.FileHandle {
    for (const name of ["write", "writeFile", "appendFile", "truncate"] as const) {
      const act = handle[name].bind(handle) as (...args: unknown[]) => Promise<never>;
      handle[name] = ((...args: unknown[]) => {
        inode.isDirty = true;
        return this.#change(() => act(...args));
      }) as never;
    }
    // The real disk need not be synced: nothing is asked of it after a real power loss.
    handle.sync = () => this.#change(() => this.#sync(inode));
    handle.datasync = handle.sync;
    return handle;
  }
}

/** Closes what a dying process has opened and never gets. */
async function closed(result: unknown): Promise<void> {
  if (typeof result === "object" && result !== null && "close" in result) {
    await (result as FileSystem.FileHandle).close();
  }
}

function folder(): Inode {
  return { entries: new Map(), synced: Buffer.alloc(0), isDirty: false };
}

function file(): Inode {
  return { entries: null, synced: Buffer.alloc(0), isDirty: false };
}

/** Everything that can be reached from a folder through durable names, folders before what they hold. */
function collect(path: string, inode: Inode, into: Map<string, Inode>): void {
  into.set(path, inode);
  for (const [name, inner] of inode.entries ?? []) collect(join(path, name), inner, into);
}

function nameOf(path: string): string {
  return path.slice(dirname(path).length + 1);
}
