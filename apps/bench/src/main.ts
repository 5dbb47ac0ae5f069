/** `npm run bench`: Sferic and its peers side by side. Exit code 0, 1 when a check or threshold does not hold, 2 for a wrong call. */
import { readArguments, UsageError, type Wanted } from "./arguments.ts";
import { buildKernels } from "./build-kernels.ts";
import { thisMachine } from "./machine.ts";
import { measure, type ScenarioResult } from "./measure.ts";
import { installPeers } from "./peers.ts";
import { saveResults } from "./results.ts";
import { scenarios } from "./scenarios/index.ts";
import { text } from "./tables.ts";

const help = `npm run bench -- [scenario…] [--quick]

Times Sferic and its peers on the same data in the same run. A full run of everything takes about 30 minutes and writes
results/ and RESULTS.md; the first one installs the peers' Python packages into the cache folder.

  scenario   a name, or how names begin; all when left out
  --quick    small data and two repetitions; judges nothing and writes nothing
  --list     says what the scenarios do
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
