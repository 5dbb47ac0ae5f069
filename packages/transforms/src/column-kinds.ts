import type { DataType } from "@sferic/operator";

/** What kinds of columns can be compared with each other; a type of no kind only with itself. */
const kinds: readonly (readonly [kind: string, types: RegExp])[] = [
  ["number", /^(u?int(8|16|32|64)|float(16|32|64)|decimal\d+\(.*\))$/],
  ["text", /^(large_)?utf8(_view)?$|^dictionary<.*utf8.*>$/],
  ["time", /^timestamp\[.*\]$/],
];

/** The kind that both types belong to, the type itself when they are the same, or undefined when they are not comparable. */
export function commonKind(a: DataType, b: DataType): string | undefined {
  if (a === b) return a;
  const kind = kindOf(a);
  return kind !== undefined && kind === kindOf(b) ? kind : undefined;
}

function kindOf(type: DataType): string | undefined {
  return kinds.find(([, types]) => types.test(type))?.[0];
}
