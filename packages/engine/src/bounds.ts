import type { Bounds, ConfigProblem, SourceDefinition } from "@sferic/operator";
import type { OperatorNode } from "@sferic/spec";

/** Bounds of an epoch that a spec sets, for a source or for a run. */
const names = ["filesPerEpoch", "rowsPerEpoch", "bytesPerEpoch"] as const;

/** What is wrong with the bounds of a source; `ofRun` are those that the run sets for all. Pointers count from the spec. */
export function boundProblems(
  { id, pointer, role, type, bounds }: OperatorNode,
  definition: SourceDefinition,
  config: unknown,
  ofRun: Bounds,
): ConfigProblem[] {
  const kept = definition.bounds?.(config);
  return names.flatMap((name): ConfigProblem[] => {
    if (bounds[name] === undefined) return [];
    const isOfRun = bounds[name] === ofRun[name];
    const place = { code: "unused-bound", pointer: isOfRun ? `/run/${name}` : `${pointer}/${name}`, keyRange: true };
    if (role === "reference") {
      return [{ ...place, message: `"${id}" is read whole in every epoch; leave ${name} out` }];
    }
    if (kept === undefined || kept.includes(name)) return [];
    const others = kept.length === 0 ? "leave it out" : `set ${kept.join(" or ")} instead`;
    const advice = isOfRun ? `set it on the sources that can, or ${others}` : others;
    return [{ ...place, message: `the source "${id}" (${type}) cannot keep ${name}: ${advice}` }];
  });
}
