import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProtocolPoint } from "@sferic/engine";
import { repeats, uniform } from "@sferic/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lightningIn, strayNames, visibleRows } from "./lightning.ts";
import { runChild } from "./run-child.ts";

/** How many kills at random moments; the seed makes the moments repeatable up to the machine's own timing. */
const randomKills = repeats("SFERIC_KILLS", 20, 100);
const seed = Number(process.env["SFERIC_KILL_SEED"] ?? 1);

const steps: [ProtocolPoint, string?][] = [
  ["planned"],
  ["intent"],
  ["staged"],
  ["prepared"],
  ["published", "geospatial"],
  ["published", "csv"],
  ["published", "db"],
  ["all-published"],
  ["committed"],
  ["acknowledged"],
  ["cleaned"],
];

let root: string;
let undisturbed: Awaited<ReturnType<typeof visibleRows>>;
let seconds: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-kill-"));
  const folder = join(root, "undisturbed");
  const started = performance.now();
  const ending = await runChild([await lightningIn(folder)]);
  seconds = (performance.now() - started) / 1000;
  expect(ending).toMatchObject({ killed: false, code: 0, stderr: "" });
  undisturbed = await visibleRows(folder);
});

afterAll(() => rm(root, { recursive: true, force: true }));

test("the undisturbed run writes every flash of the granules into every sink", () => {
  expect(Object.values(undisturbed).map((rows) => rows.length)).toEqual([1303, 1303, 1303]);
});

test.each(steps)("killed at %s %s, the run resumes to the same rows", async (point, operatorId) => {
  const folder = join(root, `${point}-${operatorId ?? ""}`);
  const spec = await lightningIn(folder);
  const ending = await runChild([spec, "2", point, ...(operatorId === undefined ? [] : [operatorId])]);
  expect(ending.killed, ending.stderr).toBe(true);
  expectPartOfUndisturbed(await visibleRows(folder));
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectUndisturbed(folder);
});

test(`killed at ${randomKills} random moments, runs resume to the same rows`, { timeout: 600_000 }, async () => {
  const random = uniform(seed);
  let kills = 0;
  for (let attempt = 0; kills < randomKills; attempt++) {
    const folder = join(root, `random-${attempt}`);
    const spec = await lightningIn(folder);
    let ending = await runChild([spec], { killAfterMs: random() * seconds * 1000 });
    while (ending.killed) {
      kills += 1;
      expectPartOfUndisturbed(await visibleRows(folder));
      ending = await runChild([spec], { killAfterMs: kills < randomKills ? random() * seconds * 1000 : undefined });
    }
    expect(ending, ending.stderr).toMatchObject({ code: 0 });
    await expectUndisturbed(folder);
    await rm(folder, { recursive: true });
  }
});

async function expectUndisturbed(folder: string): Promise<void> {
  expect(await visibleRows(folder)).toEqual(undisturbed);
  expect(await strayNames(folder)).toEqual([]);
}

/** Every row that is visible belongs there, and none is there twice more than it should be. */
function expectPartOfUndisturbed(visible: typeof undisturbed): void {
  for (const sink of Object.keys(visible) as (keyof typeof visible)[]) {
    const left = new Map<string, number>();
    for (const row of undisturbed[sink]) left.set(row, (left.get(row) ?? 0) + 1);
    for (const row of visible[sink]) left.set(row, (left.get(row) ?? 0) - 1);
    expect([...left].filter(([, count]) => count < 0)).toEqual([]);
  }
}
