import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askSqlite } from "./ask-sqlite.ts";
import { allCases, answerText, type Case, parsedAnswer, recorded } from "./cases.ts";
import {
  type Crash,
  folderOf,
  hasCrashed,
  isPerRow,
  runCase,
  takesManyFiles,
  temporaryRoot,
  tinyBatches,
  type Way,
} from "./run-case.ts";
import { rowTexts, strayFiles, writtenRows } from "./written-rows.ts";

const cases = allCases();
const succeeding = cases.filter(({ fails }) => fails === undefined);
let root: string;

beforeAll(async () => {
  root = await temporaryRoot();
});

afterAll(() => rm(root, { recursive: true, force: true }));

test("there are cases of many rows and cases of none", () => {
  const empty = succeeding.filter((one) => recorded(one) === "");
  expect(cases.length).toBeGreaterThanOrEqual(60);
  expect(empty.length).toBeGreaterThan(0);
  expect(empty.length).toBeLessThan(10);
});

test("every recorded answer is SQLite's", () => {
  const stale = cases.filter((one) => recorded(one) !== answerText(askSqlite(one)));
  expect(stale.map(({ name }) => name)).toEqual([]);
});

describe.each(succeeding.map((one) => [one.name, one] as const))("%s", (_, one) => {
  test("whole", async () => {
    await expectAnswer(one, await folderOf(root, `${one.name}-whole`), {});
  });

  test("in batches of 1, 2, 3 rows", async () => {
    await expectAnswer(one, await folderOf(root, `${one.name}-tiny`), { registry: tinyBatches() });
  });

  test.each(["staged", "prepared", "published"] as const)("stopped at %s and run again", async (point) => {
    const folder = await folderOf(root, `${one.name}-${point}`);
    await expectAnswerAfter({ epoch: 0, point }, one, folder, { durable: true });
  });

  if (!isPerRow(one.spec) || !takesManyFiles(one.spec)) return;

  test.each(["staged", "published"] as const)("one file to an epoch, stopped at %s of the second", async (point) => {
    const folder = await folderOf(root, `${one.name}-second-${point}`);
    await expectAnswerAfter({ epoch: 1, point }, one, folder, { durable: true, filesPerEpoch: 1 });
  });
});

describe.each(cases.flatMap((one) => (one.fails === undefined ? [] : [[one.name, one.fails, one] as const])))(
  "%s ends with %s",
  (_, code, one) => {
    test.each<[string, Way]>([
      ["whole", {}],
      ["tiny", { registry: tinyBatches() }],
      ["durable", { durable: true }],
    ])("%s, and again", async (way, options) => {
      const folder = await folderOf(root, `${one.name}-${way}`);
      for (let attempt = 0; attempt < 2; attempt++) {
        const { state, error } = await runCase(folder, one, options);
        expect([state, error?.code]).toEqual(["failed", code]);
        expect(await writtenRows(folder, one.spec)).toEqual(rowTexts({}, one.spec));
      }
    });
  },
);

/** Runs a case to its end; nothing but the right rows may be left. */
async function expectAnswer(one: Case, folder: string, way: Way): Promise<void> {
  const result = await runCase(folder, one, way);
  expect(result.state, result.error?.message).toBe("succeeded");
  expect(await writtenRows(folder, one.spec)).toEqual(rowTexts(parsedAnswer(recorded(one)), one.spec));
  expect(await strayFiles(folder)).toEqual([]);
}

/** Runs a case into a crash, which finds nothing to interrupt only where there is nothing to publish, and then to its end. */
async function expectAnswerAfter(crash: Crash, one: Case, folder: string, way: Way): Promise<void> {
  const interrupted = await runCase(folder, one, way, crash);
  const mustCrash = crash.point !== "published" || (crash.epoch === 0 && recorded(one) !== "");
  if (mustCrash || interrupted.state !== "succeeded")
    expect(hasCrashed(interrupted), interrupted.error?.message).toBe(true);
  if (crash.epoch === 0 && crash.point !== "published") {
    expect(await writtenRows(folder, one.spec)).toEqual(rowTexts({}, one.spec));
  }
  await expectAnswer(one, folder, way);
}
