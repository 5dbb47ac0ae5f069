import { type MissingInput, OperatorError, type PlanContext, type SourceDefinition } from "@sferic/operator";
import { resolvePath } from "./paths.ts";
import type { Plan, PlannedOperator } from "./plan.ts";
import type { Trigger } from "./run-options.ts";

/** A source whose input is not there. */
export interface LackingSource {
  readonly operatorId: string;
  readonly isReference: boolean;
  /** Whether the run waits for it; if not, it ends. */
  readonly waits: boolean;
  readonly message: string;
}

/** A missing input with what the run does about it: by the field of the source, or else by the trigger. */
export function lackOf({ place, onMissingInput }: MissingInput, trigger: Trigger): { waits: boolean; message: string } {
  const waits = (onMissingInput ?? (typeof trigger === "object" ? "wait" : "stop")) === "wait";
  const advice = waits
    ? "The run waits for it."
    : 'Check the path, make what belongs there first, or let the run wait for it with "onMissingInput": "wait".';
  return { waits, message: `There is no ${place}. ${advice}` };
}

/** The input of a source that is not there; null when it is, or when its kind cannot say. */
export async function missingInputOf(
  { definition, config }: Pick<PlannedOperator, "definition" | "config">,
  context: Pick<PlanContext, "resolvePath">,
): Promise<MissingInput | null> {
  return (await (definition as SourceDefinition).missing?.(config, context)) ?? null;
}

/** Every source of a plan whose input is not there now. Looks at each place once. */
export async function lackingSources(plan: Plan, trigger: Trigger): Promise<LackingSource[]> {
  const context = { resolvePath: (path: string) => resolvePath(plan.baseDirectory, path) };
  const sources = plan.operators.filter(({ node }) => node.kind === "source");
  const lacking = sources.map(async ({ node, definition, config }) => {
    const missing = await missingInputOf({ definition, config }, context);
    if (missing === null) return [];
    const isReference = node.role === "reference";
    return [{ operatorId: node.id, isReference, ...lackOf(missing, trigger) }];
  });
  return (await Promise.all(lacking)).flat();
}

/** The error of a run that does not wait. */
export function missingInputError({ operatorId, message }: LackingSource): OperatorError {
  return new OperatorError({ code: "missing-input", message, domain: "external", operatorId });
}
