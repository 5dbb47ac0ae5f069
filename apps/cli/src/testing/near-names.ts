/** A value of JSON with the path that leads to it. */
type Path = readonly (string | number)[];

/** A place in a spec where a name stands, and how to write another one there. */
export interface NamePlace {
  readonly name: string;
  /** In words, for the title of a test. */
  readonly what: string;
  /** JSON pointer of the issue that another name in this place has to give. */
  pointer(other: string): string;
  /** JSON pointer of the value, or of the key, that is the name. */
  readonly place: string;
  /** A spec with the other name here. */
  rename(spec: object, other: string): object;
}

/** Objects whose keys are names of the spec's own, not fields: sections, and what holds columns. */
const ownNames =
  /^\/(sources|transforms|sinks|parameters|connections)$|\/(columns|measures|checks|metadata|schema(\/[^/]+)*)$|^\/tests\/\d+\/(given|expect)$/;
/** Rows of tests: their keys are columns. */
const rows = /^\/tests\/\d+\/(given|expect)\/[^/]+\/\d+$/;
const expressions = /\/(where|columns\/[^/]+|measures\/[^/]+|checks\/[^/]+)$/;
/** Values out of a list of names: types, references, columns, enumerations. */
const nameValues =
  /\/(type|from|compression|write|trigger|onEnd|role|outputMode|column|values|kind|layout|names|missing|otherwise)$|\/(columns|groupBy|keys|on|from)\/(\d+|[a-z]+)$|\/format\/table$/;
const sqlWords = new Set(
  "and or not is null in between like case when then else end as cast true false double bigint distinct".split(" "),
);

/** Every place in a spec where a name stands that must be one of those that are known. */
export function namePlaces(spec: object): NamePlace[] {
  const places: NamePlace[] = [];
  walk(spec, [], (value, path) => {
    const pointer = pointerOf(path);
    if (typeof value === "string") places.push(...textPlaces(value, path, pointer));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    if (ownNames.test(pointer)) return;
    const what = rows.test(pointer) ? "column" : "field";
    for (const name of Object.keys(value)) {
      places.push({
        name,
        what: `${what} ${pointer}/${name}`,
        place: `${pointer}/${name}`,
        pointer: (other) => `${pointer}/${other}`,
        rename: (to, other) => changed(to, path, (object) => renamed(object as object, name, other)) as object,
      });
    }
  });
  return places;
}

function textPlaces(value: string, path: Path, pointer: string): NamePlace[] {
  if (value.includes("${") || pointer === "/name") return [];
  // The columns of a select hold expressions; those of k-means are names.
  const isListed = typeof path.at(-1) === "number";
  if (expressions.test(pointer) && !isListed) return wordPlaces(value, path, pointer);
  if (!nameValues.test(pointer) || value === "") return [];
  return [
    {
      name: value,
      what: `value ${pointer}`,
      place: pointer,
      pointer: () => pointer,
      rename: (to, other) => changed(to, path, () => other) as object,
    },
  ];
}

/** Columns and functions in an expression. */
function wordPlaces(text: string, path: Path, pointer: string): NamePlace[] {
  const plain = text.replaceAll(/'[^']*'/g, (literal) => " ".repeat(literal.length));
  const words = [...plain.matchAll(/(?<![\w.])[A-Za-z_]\w+/g)].filter(([word]) => !sqlWords.has(word.toLowerCase()));
  return words.map(({ 0: name, index }) => ({
    name,
    what: `${plain[index + name.length] === "(" ? "function" : "column"} ${pointer} "${name}"`,
    place: pointer,
    pointer: () => pointer,
    rename: (to, other) =>
      changed(to, path, () => text.slice(0, index) + other + text.slice(index + name.length)) as object,
  }));
}

function walk(value: unknown, path: Path, visit: (value: unknown, path: Path) => void): void {
  visit(value, path);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    walk(inner, [...path, Array.isArray(value) ? Number(key) : key], visit);
  }
}

function changed(value: unknown, [first, ...rest]: Path, change: (value: unknown) => unknown): unknown {
  if (first === undefined) return change(value);
  if (Array.isArray(value)) return value.with(first as number, changed(value[first as number], rest, change));
  const object = value as Record<string, unknown>;
  return { ...object, [first]: changed(object[first], rest, change) };
}

function renamed(object: object, name: string, other: string): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key === name ? other : key, value]));
}

function pointerOf(path: Path): string {
  return path.map((part) => `/${part}`).join("");
}

const letters = "abcdefghijklmnopqrstuvwxyz";

/** The name after `count` edits: a letter put in, taken away or replaced, or two neighbours swapped. */
export function misspelt(name: string, count: number, next: () => number): string {
  const below = (limit: number): number => Math.floor(next() * limit);
  let result = name;
  for (let edit = 0; edit < count; edit++) {
    const at = below(result.length);
    const letter = letters[below(letters.length)]!;
    const [before, here, after] = [result.slice(0, at), result[at]!, result.slice(at + 1)];
    const edits = [
      () => before + letter + here + after,
      () => before + after,
      () => before + letter + after,
      () => before + (after[0] ?? letter) + here + after.slice(1),
    ];
    result = edits[below(edits.length)]!();
  }
  return result;
}

/** Edit distance of Levenshtein: letters put in, taken away or replaced. */
export function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (__, j) => i + j));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1]);
      rows[i]![j] = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, replaced);
    }
  }
  return rows[a.length]![b.length]!;
}
