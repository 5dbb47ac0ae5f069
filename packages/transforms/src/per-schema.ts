import type { Schema } from "@sferic/operator";

/** Computes something from schemas, and again only when they are others than the last time: every epoch asks. */
export function perSchema<T>(compute: (...schemas: readonly Schema[]) => T): (...schemas: readonly Schema[]) => T {
  let last: { readonly key: string; readonly value: T } | undefined;
  return (...schemas) => {
    const key = JSON.stringify(schemas.map(({ columns }) => columns));
    if (last?.key !== key) last = { key, value: compute(...schemas) };
    return last.value;
  };
}
