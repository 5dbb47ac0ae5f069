/** Compares two names by their UTF-16 code units: `file_10` comes before `file_2`. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Compares two names with each run of digits as one number: `file_2` comes before `file_10`. Zero only for equal names. */
export function byNaturalName(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (isDigit(a, i) && isDigit(b, j)) {
      const [left, right] = [digitsAt(a, i), digitsAt(b, j)];
      const order = byValue(a.slice(i, left), b.slice(j, right));
      if (order !== 0) return order;
      [i, j] = [left, right];
    } else {
      const order = a.charCodeAt(i) - b.charCodeAt(j);
      if (order !== 0) return order;
      i += 1;
      j += 1;
    }
  }
  return a.length - i - (b.length - j) || byName(a, b);
}

/** Compares digits of any length as numbers. */
function byValue(a: string, b: string): number {
  const [left, right] = [withoutZeros(a), withoutZeros(b)];
  return left.length - right.length || byName(left, right);
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+/, "");
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Where the digits that begin at `from` end. */
function digitsAt(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text, end)) end += 1;
  return end;
}
