import type { Batch } from "@sferic/operator";

/** How much may wait in a channel before its producer has to. */
const bytesMax = 32 * 1024 * 1024;
const batchesMax = 4;

/**
 * A queue of batches from one operator to one consumer. `push` waits while the queue is full (backpressure), unless the
 * channel is unbounded. Closing the consumer's side early lets producers go on; their batches are closed.
 */
export class Channel implements AsyncIterable<Batch> {
  readonly #unbounded: boolean;
  readonly #queue: Batch[] = [];
  #bytes = 0;
  #ended = false;
  #abandoned = false;
  #error: unknown;
  #wakeConsumer: (() => void) | null = null;
  /** One per producer that waits for room; several may share the channel. */
  readonly #waitingProducers: (() => void)[] = [];
  /** Seconds the consumer waited for input. */
  waited = 0;

  constructor(unbounded = false) {
    this.#unbounded = unbounded;
  }

  /** Hands a batch over; resolves when there is room for the next one. */
  async push(batch: Batch): Promise<void> {
    if (this.#abandoned || this.#ended) return batch.close();
    this.#queue.push(batch);
    this.#bytes += batch.byteLength;
    this.#wakeConsumer?.();
    while (this.#isFull() && !this.#abandoned) {
      await new Promise<void>((resolve) => this.#waitingProducers.push(resolve));
    }
  }

  /** No more batches; `error` reaches the consumer instead of the end. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (error !== undefined) this.#drop();
    this.#wakeConsumer?.();
    this.#wakeProducers();
  }

  /** The consumer takes nothing more: what waits and what still comes is closed, and producers go on. */
  abandon(): void {
    this.#abandoned = true;
    this.#drop();
    this.#wakeProducers();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    try {
      for (;;) {
        const batch = this.#queue.shift();
        if (batch !== undefined) {
          this.#bytes -= batch.byteLength;
          this.#wakeProducers();
          yield batch;
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          await this.#nextChange();
        }
      }
    } finally {
      this.abandon();
    }
  }

  async #nextChange(): Promise<void> {
    const since = performance.now();
    await new Promise<void>((resolve) => {
      this.#wakeConsumer = resolve;
    });
    this.#wakeConsumer = null;
    this.waited += (performance.now() - since) / 1000;
  }

  #isFull(): boolean {
    return !this.#unbounded && !this.#ended && (this.#queue.length >= batchesMax || this.#bytes >= bytesMax);
  }

  #wakeProducers(): void {
    for (const wake of this.#waitingProducers.splice(0)) wake();
  }

  #drop(): void {
    for (const batch of this.#queue.splice(0)) batch.close();
    this.#bytes = 0;
  }
}
