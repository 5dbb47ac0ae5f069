import { nearest } from "@sferic/operator";

const nameMax = 64;
const candidatesMax = 500;

/** The nearest of some names but one, as `nearest`, but without cost for input that is out of all proportion. */
export function suggest(name: string, candidates: readonly string[], except?: string): string | undefined {
  if (name.length > nameMax || candidates.length > candidatesMax) return undefined;
  return nearest(
    name,
    candidates.filter((candidate) => candidate.length <= nameMax && candidate !== except),
  );
}

/** The suggestion as a `hint` field, or no field. */
export function hinted(name: string, candidates: readonly string[], except?: string): { hint?: string } {
  const hint = suggest(name, candidates, except);
  return hint === undefined ? {} : { hint };
}

/** Names in a message: `a, b, c`, at most twelve. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown}, … (${names.length} in all)` : shown;
}
