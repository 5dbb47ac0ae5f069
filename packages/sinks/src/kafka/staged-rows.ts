import { open } from "node:fs/promises";

/** A row as it goes into a message. */
export interface StagedRow {
  /** The bytes that the format wrote, without what ends the row. */
  readonly value: Buffer;
  /** Null for a message without a key. */
  readonly key: string | null;
}

/** Bytes that are read at a time. */
const chunkBytes = 1024 * 1024;

/**
 * The rows of a file in which each ends with a line break, in pieces of about a megabyte. `keys` is a file of as many lines,
 * JSON objects of one field. The values are cut, not decoded.
 */
export async function* stagedRows(rows: string, keys: string | undefined): AsyncGenerator<StagedRow[]> {
  const keyLines = keys === undefined ? undefined : new LineReader(keys);
  try {
    for await (const values of linesOf(rows)) {
      const own = await keyLines?.take(values.length);
      yield values.map((value, index) => ({ value, key: own === undefined ? null : keyIn(own[index]!) }));
    }
  } finally {
    await keyLines?.close();
  }
}

/** Text of the only field of an object. An integer keeps its digits, which a number of JavaScript might not. */
function keyIn(line: Buffer): string | null {
  const text = line.toString();
  const [value] = Object.values(JSON.parse(text) as Record<string, string | number | null>);
  return typeof value === "number" ? text.slice(text.lastIndexOf(":") + 1, -1).trim() : (value ?? null);
}

/** Hands out lines by number. */
class LineReader {
  readonly #pieces: AsyncGenerator<Buffer[]>;
  #ready: Buffer[] = [];

  constructor(path: string) {
    this.#pieces = linesOf(path);
  }

  /** The next lines, exactly so many. */
  async take(count: number): Promise<Buffer[]> {
    while (this.#ready.length < count) {
      const { value, done } = await this.#pieces.next();
      if (done === true) throw new Error(`There are ${count - this.#ready.length} keys too few.`);
      this.#ready = this.#ready.concat(value);
    }
    const taken = this.#ready.slice(0, count);
    this.#ready = this.#ready.slice(count);
    return taken;
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}

/** The lines of a file without their line breaks. They share the memory of the piece they came in. */
async function* linesOf(path: string): AsyncGenerator<Buffer[]> {
  await using file = await open(path);
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(chunkBytes), 0, chunkBytes);
    if (bytesRead === 0) return;
    const piece = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, start)) {
      lines.push(piece.subarray(start, end));
      start = end + 1;
    }
    rest = piece.subarray(start);
    if (lines.length > 0) yield lines;
  }
}
