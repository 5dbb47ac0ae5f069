import type { Condition, ReadRequest, Schema, TransformDefinition } from "@sferic/operator";
import type { Reference } from "@sferic/spec";
import type { PlannedOperator } from "./plan.ts";

/** Names of columns; null for all there are. */
type Wanted = ReadonlySet<string> | null;

/**
 * What the pipeline needs of each source, by its id: worked out from the sinks backwards, as far as the transforms
 * between say what they read. `shown` is read in full, as if by a sink.
 */
export function readRequests(
  operators: readonly PlannedOperator[],
  shown: readonly Reference[] = [],
): ReadonlyMap<string, ReadRequest> {
  const wanted = new Map<string, Wanted>();
  const want = ({ operator, port }: Reference, columns: Wanted): void => {
    const key = `${operator}.${port}`;
    const before = wanted.get(key);
    wanted.set(key, before === null || columns === null ? null : new Set([...(before ?? []), ...columns]));
  };
  for (const reference of shown) want(reference, null);
  for (const operator of operators.toReversed()) {
    const needed = neededInputs(operator, (port) => wanted.get(`${operator.node.id}.${port}`));
    for (const [input, references] of Object.entries(operator.node.inputs)) {
      for (const reference of references) want(reference, needed[input] ?? null);
    }
  }
  const sources = operators.filter(({ node }) => node.kind === "source");
  return new Map(
    sources.map((source) => {
      const columns = wanted.get(`${source.node.id}.main`) ?? null;
      return [source.node.id, requestOf(source, columns, conditionsBelow(source, operators, shown))];
    }),
  );
}

/** Columns per input; an input that is not in it is read in full. */
function neededInputs(
  { node, definition, config, inputs, outputs }: PlannedOperator,
  wantedOf: (port: string) => Wanted | undefined,
): Readonly<Record<string, ReadonlySet<string>>> {
  const { reads, ports = {} } = definition as TransformDefinition;
  const known = Object.values(inputs).every((schema) => schema !== null);
  const others = Object.keys(ports).some((port) => wantedOf(port) !== undefined);
  if (definition.kind !== "transform" || reads === undefined || !known || others) return {};
  const wanted = wantedOf("main");
  const names = wanted === undefined ? [] : (wanted?.values().toArray() ?? outputs["main"]?.names);
  if (names === undefined) return {};
  const needed = reads(inputs as Record<string, Schema>, config, names);
  const late = node.watermark === undefined ? [] : [node.watermark.column];
  return Object.fromEntries(Object.entries(needed).map(([input, columns]) => [input, new Set([...columns, ...late])]));
}

function requestOf({ node, outputs }: PlannedOperator, wanted: Wanted, conditions: Condition[]): ReadRequest {
  const schema = outputs["main"] ?? undefined;
  if (schema === undefined) return { conditions: [] };
  const isWanted = (name: string): boolean => wanted === null || wanted.has(name) || name === node.watermark?.column;
  const columns = schema.names.filter(isWanted);
  if (columns.length === schema.columns.length) return { schema, conditions };
  // Rows without a column have no number.
  return { schema, columns: columns.length === 0 ? [narrowest(schema)] : columns, conditions };
}

function narrowest({ columns }: Schema): string {
  const isFixed = (type: string): boolean => /^(bool|u?int|float|date|timestamp)/.test(type);
  return (columns.find(({ type }) => isFixed(type)) ?? columns[0]!).name;
}

/** The conditions of the filters that follow one another directly below a source that nobody else reads. */
function conditionsBelow(
  source: PlannedOperator,
  operators: readonly PlannedOperator[],
  shown: readonly Reference[],
): Condition[] {
  const conditions: Condition[] = [];
  for (let above = source; ;) {
    const { id, watermark } = above.node;
    const isAbove = ({ operator, port }: Reference): boolean => operator === id && port === "main";
    const readers = operators.filter(({ node }) => Object.values(node.inputs).flat().some(isAbove));
    const [only] = readers;
    // What a watermark has seen decides which rows are late, so it must see them all.
    if (readers.length !== 1 || shown.some(isAbove) || watermark !== undefined) return conditions;
    const { keeps } = only!.definition as TransformDefinition;
    const isAlone = Object.keys(only!.inputs).length === 1 && only!.inputs["main"] != null;
    if (only!.definition.kind !== "transform" || keeps === undefined || !isAlone) return conditions;
    if (only!.node.inputs["main"]!.length !== 1) return conditions;
    conditions.push(...keeps(only!.inputs as Record<string, Schema>, only!.config));
    above = only!;
  }
}
