import type { Epoch, Offset, Source } from "@sferic/operator";

/**
 * A source that is read whole in every epoch, to look things up in. An instance takes each row once, so every epoch has
 * one of its own, which stays until the next.
 */
export class ReferenceSource implements Source {
  readonly #create: () => Source;
  #instance: Source | null = null;

  constructor(create: () => Source) {
    this.#create = create;
  }

  /** All there is now, or null when there is nothing. */
  async latestOffset(): Promise<Offset | null> {
    const fresh = await this.#renew();
    return fresh.latestOffset(null, {});
  }

  async *read(_start: Offset | null, end: Offset, epoch: Epoch): ReturnType<Source["read"]> {
    yield* (this.#instance ?? (await this.#renew())).read(null, end, epoch);
  }

  async close(): Promise<void> {
    await this.#instance?.close?.();
    this.#instance = null;
  }

  async #renew(): Promise<Source> {
    await this.close();
    const fresh = this.#create();
    this.#instance = fresh;
    await fresh.open?.([]);
    return fresh;
  }
}
