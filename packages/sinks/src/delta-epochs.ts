import { join } from "node:path";
import type { OperatorContext } from "@sferic/operator";
import { namesIn, textOf } from "@sferic/operator/durable-files";

/**
 * The newest epoch of each lineage of a sink in the log of a Delta table, as the transactions in its commits say; those that a
 * checkpoint of the log has replaced are not looked at. Stops at the newest commit of the lineage at hand.
 */
export async function publishedEpochs(
  table: string,
  { pipeline, operatorId, history }: Pick<OperatorContext, "pipeline" | "operatorId" | "history">,
): Promise<Map<string, number>> {
  const log = join(table, "_delta_log");
  const commits = (await namesIn(log)).filter((name) => /^\d{20}\.json$/.test(name)).toReversed();
  const epochs = new Map<string, number>();
  for (const name of commits) {
    for (const line of ((await textOf(join(log, name))) ?? "").split("\n")) {
      const transaction = transactionIn(line);
      if (transaction === undefined) continue;
      const lineage = lineageIn(transaction.appId, pipeline, operatorId);
      if (lineage !== undefined && !epochs.has(lineage)) epochs.set(lineage, transaction.version);
    }
    if (epochs.has(history)) break;
  }
  return epochs;
}

interface Transaction {
  readonly appId: string;
  readonly version: number;
}

/** The transaction of a line of a commit, if it is one. */
function transactionIn(line: string): Transaction | undefined {
  if (!line.startsWith('{"txn"')) return undefined;
  try {
    return (JSON.parse(line) as { txn?: Transaction }).txn;
  } catch {
    // What is wrong with the log is said by whoever reads the table.
    return undefined;
  }
}

/** `<pipeline>@<lineage>/<sink>`, as the sink names its transactions. */
function lineageIn(appId: unknown, pipeline: string, sink: string): string | undefined {
  const [prefix, suffix] = [`${pipeline}@`, `/${sink}`];
  if (typeof appId !== "string" || !appId.startsWith(prefix) || !appId.endsWith(suffix)) return undefined;
  return appId.slice(prefix.length, appId.length - suffix.length);
}
