import { expect, it } from "vitest";
import { measure } from "./measure.ts";
import type { Contender, Scenario } from "./scenario.ts";
import { result } from "./testing/result.ts";

/** A contender that needs 1 s, 2 s, … by its own account, and says which repetition it was asked for. */
const counting = `
  console.log(JSON.stringify({ versions: { counting: "1.0" }, peakMemoryBytes: 10 }));
  let seconds = 0;
  for await (const line of require("node:readline").createInterface({ input: process.stdin }))
    console.log(JSON.stringify({ seconds: ++seconds, peakMemoryBytes: 10 + seconds, ...JSON.parse(line) }));
`;
const dying = `console.log("{}"); process.stdin.once("data", () => process.exit(3));`;

function contender(name: string, program: string, changes: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, "-e", `(async () => { ${program} })()`], ...changes };
}

function scenario(contenders: readonly Contender[]): Scenario {
  return {
    name: "counting",
    summary: "Counts.",
    repetitions: 3,
    warmUps: 1,
    prepare: async () => ({
      contenders,
      checks: [{ name: "asked", judge: (answers) => ({ holds: true, found: JSON.stringify(answers["a"]) }) }],
      requirements: [
        { name: "a", bound: "at most", limit: 2, unit: "s", measured: (answers) => answers["a"]![2]!.seconds },
      ],
    }),
  };
}

const { machine } = result();

it("what was started for the contenders is ended, also when one of them dies", async () => {
  for (const program of [counting, dying]) {
    let ends = 0;
    const plain = scenario([contender("a", program)]);
    const end = async (): Promise<void> => void (ends += 1);
    const prepare = async (): ReturnType<Scenario["prepare"]> => ({ ...(await plain.prepare("full")), end });
    await measure({ ...plain, prepare }, "full", machine, () => {}).catch(() => {});
    expect(ends).toBe(1);
  }
});

it("contenders take turns; warm-ups do not count; some repeat less often", async () => {
  const said: string[] = [];
  const both = [contender("a", counting), contender("b", counting, { repetitionsMax: 1 })];
  const outcome = await measure(scenario(both), "full", machine, (what) => said.push(what));
  expect(said.slice(1).map((what) => what.slice("counting: ".length))).toEqual([
    "warm-up: a",
    "warm-up: b",
    "1 of 3: a",
    "1 of 3: b",
    "2 of 3: a",
    "3 of 3: a",
  ]);
  expect(outcome.contenders.map(({ seconds }) => seconds.all)).toEqual([[2, 3, 4], [2]]);
  expect(outcome.contenders[0]).toMatchObject({
    versions: { counting: "1.0" },
    peakMemoryBytes: 14,
    readyMemoryBytes: 10,
  });
  expect(outcome.requirements[0]).toMatchObject({ measured: 4, met: false });
  expect(outcome.checks[0]?.found).toContain('"repetition":2');
});

it("an answer counts as it is interpreted", async () => {
  const halved = contender("a", counting, { interpret: (answer) => ({ ...answer, seconds: answer.seconds / 2 }) });
  const outcome = await measure(scenario([halved]), "full", machine, () => {});
  expect(outcome.contenders[0]?.seconds.all).toEqual([1, 1.5, 2]);
});

it("a contender that ends early or cannot be started is named", async () => {
  await expect(measure(scenario([contender("a", dying)]), "full", machine, () => {})).rejects.toThrow(
    '"a" ended before',
  );
  const missing: Contender = { name: "ghost", command: ["no-such-program-anywhere"] };
  await expect(measure(scenario([missing]), "full", machine, () => {})).rejects.toThrow('"ghost" ended before');
});
