/** What an answer holds beside the bytes of records is counted in thousands at most; more is damage. */
const itemsMax = 1_000_000;

/** Reads the values of Kafka's protocol, all big-endian, one after the other. Throws `RangeError` beyond the end. */
export class ProtocolReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skipped(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skipped(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skipped(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#skipped(8));
  }

  /** Null for a length of -1. */
  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#take(length).toString();
  }

  /** Shares the memory of the answer; null for a length of -1. */
  bytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.#take(length);
  }

  /** Nothing for a length of -1. */
  array<T>(item: () => T): T[] {
    return this.#items(this.int32(), item);
  }

  /** An array of the flexible versions, whose length is a variable integer. */
  compactArray<T>(item: () => T): T[] {
    return this.#items(this.unsignedVarint() - 1, item);
  }

  compactString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.#take(length).toString();
  }

  /** 16 bytes as the text that Kafka's own tools print: base64 for URLs. */
  uuid(): string {
    return this.#take(16).toString("base64url");
  }

  /** Passes over the tagged fields that end a structure of the flexible versions. */
  tags(): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#skipped(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a variable integer of an answer has no end");
  }

  #items<T>(length: number, item: () => T): T[] {
    if (length > itemsMax) throw new RangeError(`an answer claims to hold ${length} items`);
    return Array.from({ length: Math.max(0, length) }, item);
  }

  #take(length: number): Buffer {
    const start = this.#skipped(length);
    if (this.#at > this.#bytes.length) throw new RangeError("an answer ends too early");
    return this.#bytes.subarray(start, this.#at);
  }

  #skipped(length: number): number {
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

/** Writes the values of Kafka's protocol one after the other. */
export class ProtocolWriter {
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    return this.#put(1, (bytes) => bytes.writeInt8(value));
  }

  int16(value: number): this {
    return this.#put(2, (bytes) => bytes.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.#put(4, (bytes) => bytes.writeInt32BE(value));
  }

  int64(value: bigint): this {
    return this.#put(8, (bytes) => bytes.writeBigInt64BE(value));
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    this.int16(bytes.length).#parts.push(bytes);
    return this;
  }

  /** Keeps the bytes, not a copy of them. */
  bytes(value: Uint8Array): this {
    this.int32(value.length).#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => unknown): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  compactString(value: string): this {
    const bytes = Buffer.from(value);
    this.unsignedVarint(bytes.length + 1).#parts.push(bytes);
    return this;
  }

  uuid(value: string): this {
    this.#parts.push(Buffer.from(value, "base64url"));
    return this;
  }

  unsignedVarint(value: number): this {
    for (let left = value; ; left >>>= 7) {
      if (left < 0x80) return this.int8(left);
      this.#put(1, (bytes) => bytes.writeUInt8((left & 0x7f) | 0x80));
    }
  }

  /** All that was written. */
  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #put(length: number, write: (bytes: Buffer) => unknown): this {
    const bytes = Buffer.allocUnsafe(length);
    write(bytes);
    this.#parts.push(bytes);
    return this;
  }
}
