/** The folder below which a run keeps temporary files, each of their owners in a private folder of its own. */
export class TempDirectory {
  /** Absolute. Made when something is put there. */
  readonly path: string;
  readonly #closers = new Map<string, () => void>();

  constructor(path: string) {
    this.path = path;
  }

  /** Calls `close` when the run ends; of those of one name, one. */
  onClose(name: string, close: () => void): void {
    this.#closers.set(name, close);
  }

  /** Ends what its users keep there. */
  close(): void {
    for (const close of this.#closers.values()) close();
    this.#closers.clear();
  }
}
