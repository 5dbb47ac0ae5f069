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
 * The rows of a file in which each ends with a line break, or has its length before it (4 bytes, little-endian), in pieces
 * of about a megabyte. `keys` is a file of as many lines, JSON objects of one field. The values are cut, not decoded.
 */
export async function* stagedRows(
  rows: string,
  keys: string | undefined,
  framing: "newline" | "length" = "newline",
): AsyncGenerator<StagedRow[]> {
  const keyLines = keys === undefined ? undefined : new LineReader(keys);
  try {
    for await (const values of piecesOf(rows, framing === "newline" ? lines : sized)) {
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
    this.#pieces = piecesOf(path, lines);
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

/** Whole rows at the beginning of some bytes, and where what is left begins. */
type Cut = (piece: Buffer) => { readonly rows: Buffer[]; readonly rest: number };

/** Rows without their line breaks. */
const lines: Cut = (piece) => {
  const rows: Buffer[] = [];
  let start = 0;
  for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, start)) {
    rows.push(piece.subarray(start, end));
    start = end + 1;
  }
  return { rows, rest: start };
};

/** Rows without their lengths. */
const sized: Cut = (piece) => {
  const rows: Buffer[] = [];
  let start = 0;
  while (piece.length - start >= 4) {
    const end = start + 4 + piece.readUInt32LE(start);
    if (end > piece.length) break;
    rows.push(piece.subarray(start + 4, end));
    start = end;
  }
  return { rows, rest: start };
};

/** The rows of a file. They share the memory of the piece they came in. */
async function* piecesOf(path: string, cut: Cut): AsyncGenerator<Buffer[]> {
  await using file = await open(path);
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(chunkBytes), 0, chunkBytes);
    if (bytesRead === 0) return;
    const piece = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const { rows, rest: left } = cut(piece);
    rest = piece.subarray(left);
    if (rows.length > 0) yield rows;
  }
}
