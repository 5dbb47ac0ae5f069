import type { Problem } from "./document.ts";
import type { Reference } from "./model.ts";
import type { Draft } from "./operators.ts";
import { isObject, toPointer } from "./pointer.ts";
import { hinted, listed } from "./suggest.ts";

/** What one operator reads, by input name. */
export type Inputs = Record<string, Reference[]>;

/** The edges between operators. */
export interface Graph {
  readonly inputs: ReadonlyMap<Draft, Inputs>;
  readonly problems: readonly Problem[];
}

/** That an operator reads another, and where the spec says so. */
interface Edge {
  readonly to: Draft;
  readonly pointer: string;
}

interface Reading {
  readonly reader: Draft;
  readonly input: string;
  readonly text: string;
  readonly pointer: string;
}

/**
 * Connects operators by their `from`. Problems: `unknown-id`, `unknown-port`, `unknown-input`, `missing-input`,
 * `reads-sink`, `cycle`, and the warning `unused-operator`. Texts whose pointer is in `unresolved` are passed over.
 */
export function readGraph(drafts: readonly Draft[], unresolved: ReadonlySet<string>): Graph {
  const problems: Problem[] = [];
  const inputs = new Map<Draft, Inputs>(drafts.map((draft) => [draft, {}]));
  const edges = new Map<Draft, Edge[]>(drafts.map((draft) => [draft, []]));
  const byId = new Map<string, Draft>();
  for (const draft of drafts) if (!byId.has(draft.id)) byId.set(draft.id, draft);
  const readable = [...byId.values()].filter((draft) => draft.kind !== "sink").map((draft) => draft.id);
  const used = new Set<string>();
  let complete = true;
  for (const reading of drafts.flatMap(readingsOf)) {
    if (unresolved.has(reading.pointer)) complete = false;
    else {
      const reference = splitReference(reading.text);
      used.add(reference.operator);
      const problem = referenceProblem(reading, reference, byId, readable);
      if (problem === undefined) {
        addReference(inputs.get(reading.reader)!, reading.input, reference);
        edges.get(reading.reader)!.push({ to: byId.get(reference.operator)!, pointer: reading.pointer });
      } else {
        complete &&= problem.code !== "unknown-id";
        problems.push(problem);
      }
    }
  }
  problems.push(...drafts.flatMap(inputNameProblems), ...cycleProblems(drafts, edges));
  problems.push(...referenceProblems(drafts));
  if (complete) problems.push(...unusedProblems(drafts, used));
  return { inputs, problems };
}

function addReference(inputs: Inputs, name: string, reference: Reference): void {
  const known = Object.hasOwn(inputs, name) ? inputs[name]! : [];
  inputs[name] = [...known, reference];
}

/** Every text in a `from`, whatever its form. */
function readingsOf(reader: Draft): Reading[] {
  if (reader.kind === "source") return [];
  const from = reader.fields["from"];
  const base = `${reader.pointer}/from`;
  const named: [string, unknown, string][] = isObject(from)
    ? Object.entries(from).map(([input, value]) => [input, value, base + toPointer([input])])
    : takesAny(reader)
      ? listedInputs(from, base)
      : [["main", from, base]];
  return named.flatMap(([input, value, pointer]) => {
    if (typeof value === "string") return [{ reader, input, text: value, pointer }];
    if (!Array.isArray(value)) return [];
    return value.flatMap((text, index) =>
      typeof text === "string" ? [{ reader, input, text, pointer: `${pointer}/${index}` }] : [],
    );
  });
}

function takesAny({ definition }: Draft): boolean {
  return definition?.kind === "transform" && definition.inputs === "any";
}

/** Every text of a `from` as an input that is named by what it reads. */
function listedInputs(from: unknown, base: string): [string, unknown, string][] {
  if (typeof from === "string") return [[from, from, base]];
  if (!Array.isArray(from)) return [];
  return from.map((text: unknown, index) => [String(text), text, `${base}/${index}`]);
}

function splitReference(text: string): Reference {
  const dot = text.indexOf(".");
  return dot < 0 ? { operator: text, port: "main" } : { operator: text.slice(0, dot), port: text.slice(dot + 1) };
}

function referenceProblem(
  reading: Reading,
  { operator, port }: Reference,
  byId: ReadonlyMap<string, Draft>,
  readable: readonly string[],
): Problem | undefined {
  const { pointer, reader, text } = reading;
  const read = byId.get(operator);
  const idPlace = text.includes(".") ? { pointer, offset: 0, length: operator.length } : { pointer };
  if (read === undefined) {
    const message = `there is no source or transform "${operator}"; there are ${listed(readable) || "none"}`;
    // Without a dot an id with its port may be meant.
    const ports = text.includes(".") ? [] : [...byId.values()].flatMap(portReferences);
    const hint = hinted(operator, [...readable, ...ports], reader.id);
    return { code: "unknown-id", message, ...idPlace, ...replacing(hint, text.includes(".")) };
  }
  if (read.kind === "sink") {
    return {
      code: "reads-sink",
      message: `"${operator}" is a sink; only sources and transforms can be read`,
      ...idPlace,
    };
  }
  if (read === reader) return { code: "cycle", message: `"${operator}" reads from itself`, ...idPlace };
  const ports = portsOf(read);
  if (ports === undefined || ports.includes(port)) return undefined;
  const message = `"${operator}" has no port "${port}"; it has ${listed(ports)}`;
  const place = { pointer, offset: operator.length + 1, length: port.length };
  return { code: "unknown-port", message, ...place, ...replacing(hinted(port, ports), true) };
}

/** The hint, also as the replacement of a part of a text. */
function replacing(hint: { hint?: string }, partOfText: boolean): { hint?: string; replace?: string } {
  if (hint.hint === undefined || !partOfText) return hint;
  return { ...hint, replace: JSON.stringify(hint.hint).slice(1, -1) };
}

/** References to the ports of an operator other than `main`. */
function portReferences(draft: Draft): string[] {
  const ports = draft.kind === "sink" ? [] : (portsOf(draft) ?? []);
  return ports.filter((port) => port !== "main").map((port) => `${draft.id}.${port}`);
}

/** Output ports of an operator; undefined when its type is unknown. */
function portsOf(draft: Draft): string[] | undefined {
  if (draft.kind === "source") return ["main", "invalid"];
  if (draft.definition?.kind !== "transform") return undefined;
  const own = ["main", ...Object.keys(draft.definition.ports ?? {})];
  return refusesFuture(draft) && !own.includes("invalid") ? [...own, "invalid"] : own;
}

/** Whether rows can be too far ahead of the clock for an operator. */
function refusesFuture({ fields }: Draft): boolean {
  const watermark = fields["watermark"];
  return isObject(watermark) && watermark["futureSkewMax"] !== undefined;
}

function inputNameProblems(draft: Draft): Problem[] {
  const { definition, fields, pointer } = draft;
  if (definition === undefined || definition.kind === "source" || definition.kind === "format") return [];
  const from = fields["from"];
  if (definition.inputs === "any") return [];
  const names = Object.keys(definition.inputs ?? {});
  const owner = `the ${draft.kind} "${draft.type}"`;
  const place = { pointer: `${pointer}/from`, keyRange: true };
  if (names.length === 0) {
    if (!isObject(from)) return [];
    const message = `${owner} has one unnamed input, not named ones; write "from": "id"`;
    return [{ code: "unknown-input", message, ...place }];
  }
  const form = `write "from": { ${names.map((name) => `"${name}": …`).join(", ")} }`;
  if (!isObject(from)) {
    const given = typeof from === "string" || Array.isArray(from);
    return given ? [{ code: "missing-input", message: `${owner} has named inputs; ${form}`, ...place }] : [];
  }
  const unknown = Object.keys(from).filter((name) => !names.includes(name));
  const absent = names.filter((name) => !Object.hasOwn(from, name));
  const required = names.filter((name) => definition.optionalInputs?.includes(name) !== true);
  const missing = required.filter((name) => !Object.hasOwn(from, name));
  return [
    ...unknown.map((name) => ({
      code: "unknown-input",
      message: `${owner} has no input "${name}"; it has ${listed(names)}`,
      pointer: `${pointer}/from${toPointer([name])}`,
      keyRange: true,
      ...hinted(name, absent),
    })),
    ...missing.map((name) => ({
      code: "missing-input",
      message: `the input "${name}" of ${owner} is missing`,
      ...place,
      hint: form,
    })),
  ];
}

/**
 * Operators that wait for nothing but each other, as circles. Circles that share operators give one problem; the others
 * show once it is solved.
 */
function cycleProblems(drafts: readonly Draft[], edges: ReadonlyMap<Draft, readonly Edge[]>): Problem[] {
  const left = withoutAcyclic(drafts, edges);
  const problems: Problem[] = [];
  const seen = new Set<Draft>();
  for (const start of left) {
    const path: { draft: Draft; pointer: string }[] = [];
    let at: Draft | undefined = start;
    while (at !== undefined && !seen.has(at)) {
      const edge: Edge | undefined = edges.get(at)!.find(({ to }) => left.has(to));
      seen.add(at);
      if (edge !== undefined) path.push({ draft: at, pointer: edge.pointer });
      at = edge?.to;
    }
    const first = path.findIndex(({ draft }) => draft === at);
    if (first >= 0) problems.push(cycleProblem(path.slice(first)));
  }
  return problems;
}

function cycleProblem(circle: readonly { draft: Draft; pointer: string }[]): Problem {
  const ids = [...circle, circle[0]!].map(({ draft }) => draft.id).toReversed();
  const names = ids.length > 12 ? [...ids.slice(0, 6), "…", ...ids.slice(-6)] : ids;
  const message = `operators read from each other in a circle: ${names.join(" → ")}`;
  return { code: "cycle", message, pointer: circle[0]!.pointer };
}

/** Takes away, again and again, operators all of whose inputs are taken away. */
function withoutAcyclic(drafts: readonly Draft[], edges: ReadonlyMap<Draft, readonly Edge[]>): Set<Draft> {
  const left = new Set(drafts);
  const waiting = new Map(drafts.map((draft) => [draft, edges.get(draft)!.length]));
  const readers = new Map<Draft, Draft[]>(drafts.map((draft) => [draft, []]));
  for (const draft of drafts) for (const { to } of edges.get(draft)!) readers.get(to)!.push(draft);
  const free = drafts.filter((draft) => waiting.get(draft) === 0);
  for (let draft = free.pop(); draft !== undefined; draft = free.pop()) {
    left.delete(draft);
    for (const reader of readers.get(draft)!) {
      const still = waiting.get(reader)! - 1;
      waiting.set(reader, still);
      if (still === 0) free.push(reader);
    }
  }
  return left;
}

/** References are read when something else brings rows. */
function referenceProblems(drafts: readonly Draft[]): Problem[] {
  const sources = drafts.filter(({ kind }) => kind === "source");
  const [first] = sources;
  if (first === undefined || sources.some(({ fields }) => fields["role"] !== "reference")) return [];
  const message = "every source is a reference, so nothing would ever begin an epoch; leave out the role of one";
  return [{ code: "only-references", message, pointer: `${first.pointer}/role` }];
}

function unusedProblems(drafts: readonly Draft[], used: ReadonlySet<string>): Problem[] {
  return drafts
    .filter((draft) => draft.kind !== "sink" && !used.has(draft.id))
    .map((draft) => ({
      code: "unused-operator",
      severity: "warning" as const,
      message: `nothing reads the ${draft.kind} "${draft.id}"`,
      pointer: draft.pointer,
      keyRange: true,
    }));
}
