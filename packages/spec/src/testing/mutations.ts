/** Uniform numbers in [0, 1) from a seed: the generator mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pieces = Array.from("{}[],:\"'\\#-0\n\r\t.\u0000\uFEFF😀é\uD800").concat([
  "//",
  "/*",
  "1e999",
  "null",
  "true",
  "${",
  "${param:x}",
  "${env:A|",
  '"__proto__": 1,',
  '"from": "csv",',
  ", }",
  ",]",
]);

/** `count` damaged copies of a text: one to three times something is removed, doubled, swapped, or put in. */
export function* mutations(text: string, count: number, next: () => number): Generator<string> {
  const below = (limit: number): number => Math.floor(next() * limit);
  for (let made = 0; made < count; made++) {
    let result = text;
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const at = below(result.length + 1);
      const end = Math.min(result.length, at + 1 + below(next() < 0.8 ? 3 : 80));
      const part = result.slice(at, end);
      const instead = ["", part + part, pieces[below(pieces.length)]!, pieces[below(pieces.length)]! + part][below(4)]!;
      result = result.slice(0, at) + instead + result.slice(end);
    }
    yield result;
  }
}
