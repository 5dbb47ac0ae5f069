/** `npm run bench`: Sferic and its peers side by side. Exit code 0, 1 when a check or threshold does not hold, 2 for a wrong call. */
import { buildCommit } from "./against.ts";
import { readArguments, UsageError, type Wanted } from "./arguments.ts";
import { buildKernels } from "./build-kernels.ts";
import { type Amount, type Comparison, compare, comparisonText, keepsSpeed } from "./compare.ts";
import { thisMachine } from "./machine.ts";
import { measure, type ScenarioResult } from "./measure.ts";
import { installPeers } from "./peers.ts";
import { saveResults } from "./results.ts";
import { scenarios } from "./scenarios/index.ts";
import { text } from "./tables.ts";

const help = `npm run bench -- [scenario…] [--quick] [--against <commit> [--pairs <count>]]

Times Sferic and its peers on the same data in the same run. A full run of everything takes about 30 minutes and writes
results/ and RESULTS.md; the first one installs the peers' Python packages into the cache folder.

  scenario   a name, or how names begin; all when left out
  --quick    small data and two repetitions; judges nothing and writes nothing
  --list     says what the scenarios do
  --against  compares with the build of another commit, in pairs, instead of with the peers; writes nothing. Ends with 1
             when a median is more than 3 % slower and its 95 % interval does not hold 1. Builds the commit first
  --pairs    how many pairs, 15 at least and by default
`;

async function run({ names, quick }: Wanted): Promise<number> {
  await installPeers();
  await buildKernels();
  const machine = thisMachine();
  const outcomes: ScenarioResult[] = [];
  for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
    const outcome = await measure(scenario, quick ? "quick" : "full", machine, (what) => console.error(what));
    console.log(text(outcome));
    outcomes.push(outcome);
    // After each, so that an interrupted run keeps what it has.
    await saveResults([outcome]);
  }
  return outcomes.every(passed) ? 0 : 1;
}

async function runAgainst(commit: string, { names, quick, pairs }: Wanted): Promise<number> {
  const other = await buildCommit(commit);
  await installPeers();
  await buildKernels();
  const amount: Amount = quick ? { size: "quick", pairs: 2 } : { size: "full", pairs };
  const comparisons: Comparison[] = [];
  for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
    const found = await compare(scenario, other, amount, (what) => console.error(what));
    for (const one of found) console.log(comparisonText(one));
    comparisons.push(...found);
  }
  return quick || comparisons.every(keepsSpeed) ? 0 : 1;
}

function passed({ size, checks, requirements }: ScenarioResult): boolean {
  return size === "quick" || (checks.every(({ holds }) => holds) && requirements.every(({ met }) => met));
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = readArguments(
    args,
    scenarios.map(({ name }) => name),
  );
  if (wanted.help) console.log(help);
  else if (wanted.list) for (const { name, summary } of scenarios) console.log(`${name.padEnd(22)}${summary}`);
  else if (wanted.against !== undefined) return runAgainst(wanted.against, wanted);
  else return run(wanted);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  console.error(thrown.message);
  process.exitCode = 2;
}
