import { readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { ConfigProblem, PlanContext, SinkDefinition, SinkOutput } from "@sferic/operator";
import type { PlannedOperator } from "./plan.ts";

/** As many links as systems follow. */
const linksMax = 40;

interface Written extends SinkOutput {
  readonly sink: PlannedOperator;
  /** Equal for two outputs that are one. */
  readonly identity: string;
}

/** What is wrong with sinks that write to one output which cannot hold the rows of both; at the later one. */
export async function sharedOutputProblems(
  operators: readonly PlannedOperator[],
  context: Pick<PlanContext, "resolvePath">,
): Promise<ConfigProblem[]> {
  const first = new Map<string, Written>();
  const problems: ConfigProblem[] = [];
  for (const output of (await Promise.all(operators.map((sink) => outputsOf(sink, context)))).flat()) {
    const other = first.get(output.identity);
    if (other === undefined) first.set(output.identity, output);
    else if (output.sink !== other.sink && !isShared(output, other)) problems.push(problemOf(output, other));
  }
  // Two that share several files share them for one reason.
  return problems.filter(({ pointer }, index) => problems.findIndex((one) => one.pointer === pointer) === index);
}

function isShared(one: SinkOutput, other: SinkOutput): boolean {
  return one.sharedBy !== undefined && one.sharedBy === other.sharedBy;
}

function problemOf({ sink, path, part, pointer }: Written, { sink: other }: Written): ConfigProblem {
  const place = part === undefined ? path : `${path}#${part}`;
  const message = `"${other.node.id}" writes to ${place}, too, which cannot hold the rows of both; give each an output of its own, or write both with one sink ("from": ["…", "…"])`;
  return { code: "output-conflict", message, pointer: sink.node.pointer + pointer };
}

async function outputsOf(sink: PlannedOperator, context: Pick<PlanContext, "resolvePath">): Promise<Written[]> {
  const named = namedOutputs(sink, context).map(async (output) => {
    const { path, part = "" } = output;
    return { ...output, sink, identity: JSON.stringify([await identityOf(path), part]) };
  });
  return Promise.all(named);
}

function namedOutputs(
  { definition, config }: PlannedOperator,
  context: Pick<PlanContext, "resolvePath">,
): readonly SinkOutput[] {
  try {
    return (definition as SinkDefinition).outputs?.(config, context) ?? [];
  } catch {
    // A place that cannot be written to is an issue of its own.
    return [];
  }
}

/** Equal for paths that lead to one file or folder, also where it is not there yet. */
async function identityOf(path: string, links = 0): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  if (found !== null) return `${found.dev}:${found.ino}`;
  const above = dirname(path);
  const target = links < linksMax ? await readlink(path).catch(() => null) : null;
  if (target !== null) return identityOf(resolve(await realpath(above).catch(() => above), target), links + 1);
  return above === path ? path : join(await identityOf(above, links), basename(path));
}
