import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProtocolPoint, readDeadLetters } from "@sferic/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { granules, lightningIn, strayNames, undisturbedRows, visibleRows } from "./lightning.ts";
import { runChild } from "./run-child.ts";

let root: string;
let undisturbed: Awaited<ReturnType<typeof visibleRows>>;
/** A finished run that could not read two of the granules, which are whole by now. */
let base: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-kill-replay-"));
  undisturbed = await undisturbedRows();
  base = join(root, "base");
  const spec = await lightningIn(base, { granules: join(base, "in") });
  await cp(granules, join(base, "in"), { recursive: true });
  const lost = (await readdir(granules)).filter((name) => name.endsWith(".nc")).slice(1, 3);
  for (const name of lost) await writeFile(join(base, "in", name), "cut short");
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, result: { epochs: 7 } });
  expect(await letterCount(base)).toBe(2);
  for (const name of lost) await cp(join(granules, name), join(base, "in", name));
});

afterAll(() => rm(root, { recursive: true, force: true }));

async function letterCount(folder: string): Promise<number> {
  const files = await Array.fromAsync(readDeadLetters(join(folder, "out/.checkpoint")));
  return files.flatMap(({ letters }) => letters).length;
}

const points: [ProtocolPoint, string?][] = [
  ["intent"],
  ["staged"],
  ["prepared"],
  ["published", "csv"],
  ["published", "db"],
  ["committed"],
  ["acknowledged"],
];

test.each(
  points.map(([point, operatorId]) => [[point, operatorId ?? ""].join(" ").trim(), point, operatorId] as const),
)(
  "a replay that is killed at %s is finished by the next run: every row is there once, and no letter",
  async (_, point, operatorId) => {
    const folder = join(root, `${point}-${operatorId ?? ""}`);
    await cp(base, folder, { recursive: true });
    const spec = await lightningIn(folder, { granules: join(folder, "in") });
    const kill = [spec, "7", point, ...(operatorId === undefined ? [] : [operatorId])];
    const ending = await runChild(kill, { program: "replay-child.ts" });
    expect(ending.killed, ending.stderr).toBe(true);
    expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
    expect(await visibleRows(folder)).toEqual(undisturbed);
    expect(await strayNames(folder)).toEqual([]);
    expect(await letterCount(folder)).toBe(0);
    const again = await runChild([spec], { program: "replay-child.ts" });
    expect(again).toMatchObject({ code: 0, result: { epochs: 0 } });
  },
);
