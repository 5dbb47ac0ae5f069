import type { Graph } from "./graph.ts";
import type { TestSpec } from "./model.ts";
import { type Draft, ownConfig } from "./operators.ts";
import { toPointer } from "./pointer.ts";

/** A spec without what has errors, as far as operators can be planned from it. */
export interface SoundPart {
  readonly value: Record<string, unknown>;
  readonly drafts: readonly Draft[];
  readonly graph: Graph;
}

/** An error as far as it matters for what can be planned. */
export interface Located {
  readonly code: string;
  readonly pointer: string;
}

/**
 * The operators without errors, and those that only have a field too many, as long as all they read are among them; null
 * when there is none. Tests keep their places, which their issues are told by; those with errors are empty.
 */
export async function soundPart(
  value: Readonly<Record<string, unknown>>,
  drafts: readonly Draft[],
  graph: Graph,
  errors: readonly Located[],
): Promise<SoundPart | null> {
  const isBroken = (pointer: string): boolean => errorsIn(errors, pointer).length > 0;
  const ids = drafts.map(({ id }) => id);
  const plannable = await Promise.all(
    drafts
      .filter(({ id }) => ids.indexOf(id) === ids.lastIndexOf(id))
      .map(async (draft) => [draft, await plannableDraft(draft, errors)] as const),
  );
  const sound = new Map(plannable.filter((entry): entry is [Draft, Draft] => entry[1] !== null));
  const isConnected = (draft: Draft): boolean =>
    Object.values(graph.inputs.get(draft)!)
      .flat()
      .every(({ operator }) => [...sound.keys()].some(({ id }) => id === operator));
  for (let before = -1; before !== sound.size;) {
    before = sound.size;
    for (const draft of sound.keys()) if (!isConnected(draft)) sound.delete(draft);
  }
  if (sound.size === 0) return null;
  const inputs = new Map([...sound].map(([draft, stripped]) => [stripped, graph.inputs.get(draft)!]));
  const rest = Object.entries(value).filter(([section]) => section !== "tests" && !isBroken(toPointer([section])));
  const tests = testsOf(value["tests"], errors);
  return { value: { ...Object.fromEntries(rest), tests }, drafts: [...sound.values()], graph: { ...graph, inputs } };
}

function testsOf(tests: unknown, errors: readonly Located[]): TestSpec[] {
  if (!Array.isArray(tests) || errors.some(({ pointer }) => pointer === "/tests")) return [];
  const empty = { name: "", given: {}, expect: {} };
  return tests.map(
    (test, index) => (errorsIn(errors, toPointer(["tests", index])).length > 0 ? empty : test) as TestSpec,
  );
}

function errorsIn(errors: readonly Located[], pointer: string): Located[] {
  return errors.filter((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`));
}

/** The operator without fields that it has not; null when it cannot do without them, or has other errors. */
async function plannableDraft(draft: Draft, errors: readonly Located[]): Promise<Draft | null> {
  const own = errorsIn(errors, draft.pointer);
  if (own.length === 0) return draft;
  const extra = new Set(own.filter(({ code }) => code === "unknown-field").map(({ pointer }) => pointer));
  const entries = Object.entries(draft.fields);
  const fields = Object.fromEntries(entries.filter(([name]) => !extra.has(draft.pointer + toPointer([name]))));
  const isOnlyExtra =
    own.every(({ code }) => code === "unknown-field") && entries.length - extra.size === Object.keys(fields).length;
  const hasInput = draft.kind === "source" || fields["from"] !== undefined;
  if (!isOnlyExtra || !hasInput || draft.definition === undefined) return null;
  const parsed = await draft.definition.config.safeParseAsync(ownConfig(draft.kind, fields));
  return parsed.success ? { ...draft, fields } : null;
}
