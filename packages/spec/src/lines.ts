import type { TextRange } from "@sferic/operator/secrets";

/** A place in a text: line and column count from 1, the column in characters (code points). */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Converts between offsets (UTF-16 units) and places. Lines end with LF, CRLF or CR; a byte order mark is no character.
 * Built in O(text), each question costs O(log text).
 */
export class Lines {
  readonly #text: string;
  readonly #starts: number[];
  readonly #ends: number[];
  readonly #pairs: number[];

  constructor(text: string) {
    this.#text = text;
    this.#starts = [text.startsWith("\uFEFF") ? 1 : 0];
    this.#ends = [];
    for (const match of text.matchAll(/\r\n|\n|\r/g)) {
      this.#ends.push(match.index);
      this.#starts.push(match.index + match[0].length);
    }
    this.#ends.push(text.length);
    this.#pairs = [...text.matchAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)].map((match) => match.index);
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Where a line stands in the text, without its end; past the last one, where the text ends. */
  rangeOf(line: number): TextRange {
    const { length } = this.#text;
    return { start: this.#starts[line - 1] ?? length, end: this.#ends[line - 1] ?? length };
  }

  /** The place of an offset; offsets outside the text count as its start or end, those in a line's end as that end. */
  at(offset: number): Place {
    const index = Math.max(0, countBelow(this.#starts, offset + 1) - 1);
    const inside = Math.min(Math.max(offset, this.#starts[index]!), this.#ends[index]!);
    return { line: index + 1, column: this.characters(this.#starts[index]!, inside) + 1 };
  }

  /** The offset where the line of an offset ends. */
  endOfLine(offset: number): number {
    return this.#ends[Math.max(0, countBelow(this.#starts, offset + 1) - 1)]!;
  }

  /** The number of characters between two offsets. */
  characters(start: number, end: number): number {
    return end - start - (countBelow(this.#pairs, end) - countBelow(this.#pairs, start));
  }

  /** The offset of a place, the inverse of {@link Lines.at}. */
  offset(place: Place, characters = 0): number {
    const start = this.#starts[place.line - 1] ?? this.#text.length;
    let offset = start;
    for (let left = place.column - 1 + characters; left > 0; left--) {
      offset += (this.#text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
    }
    return Math.min(offset, this.#text.length);
  }
}

/** How many of the sorted numbers are smaller than the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
