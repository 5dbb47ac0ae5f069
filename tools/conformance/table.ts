import type { Input } from "./inputs.ts";
import type { Verdict } from "./reference.ts";

/** How an input below a folder was read. */
export interface Outcome {
  readonly input: Input;
  readonly folder: string;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
}

const columns: Readonly<Record<Verdict, string>> = {
  equal: "equal",
  reported: "reported",
  "only-sferic": "only Sferic",
  "refused-by-both": "refused, peers too",
  refused: "refused, peers read",
  wrong: "wrong",
};

/** Whether an outcome is one to look at. */
export function isListed({ verdict }: Outcome): boolean {
  return verdict !== "equal" && verdict !== "refused-by-both";
}

/** Counts by format and folder, as a table of Markdown. */
export function table(outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, ({ input, folder }) => `${input.format} | ${folder}`);
  const verdicts = Object.keys(columns) as Verdict[];
  const line = (group: readonly Outcome[]): string =>
    [group.length, ...verdicts.map((one) => group.filter(({ verdict }) => verdict === one).length)].join(" | ");
  return [
    `| format | folder | read | ${Object.values(columns).join(" | ")} |`,
    `|---|---|${"---|".repeat(verdicts.length + 1)}`,
    ...[...groups].map(([name, group]) => `| ${name} | ${line(group)} |`),
  ].join("\n");
}
