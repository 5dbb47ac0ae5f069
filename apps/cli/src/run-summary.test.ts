import { resolve } from "node:path";
import type { RunResult } from "@sferic/engine";
import { asOperatorError } from "@sferic/operator";
import { expect, test } from "vitest";
import type { ToldRun } from "./run-plan.ts";
import { runSummary } from "./run-summary.ts";

const result: RunResult = {
  run: "1",
  pipeline: "p",
  state: "succeeded",
  epochs: 2,
  rows: { read: 1303, written: 1303, late: 2, invalid: 12 },
  operators: {
    flashes: { kind: "source", rowsOut: 1303, bytesRead: 2_891_898, invalid: 12, ports: {} },
    windows: { kind: "transform", rowsIn: 1303, rowsOut: 7, ports: { late: 2 } },
    out: {
      kind: "sink",
      rowsIn: 7,
      delivery: "exactly-once",
      files: [1, 2, 3, 4, 5, 6].map((n) => resolve(`${n}.csv`)),
    },
  },
  watermarks: {},
  seconds: { total: 0.412, plan: 0, read: 0, transform: 0, stage: 0, publish: 0, commit: 0 },
  peakMemoryBytes: 120e6,
  deadLetters: [resolve("dead/0.jsonl")],
  issues: [],
};

function summary(changes: Partial<RunResult>, checkpoint: string | null = null): string {
  const invalid: ToldRun["invalid"] = Array.from({ length: 12 }, (_, index) => {
    return { type: "invalid", epoch: 0, operatorId: "flashes", name: `${index}.nc`, reason: "cut short" };
  });
  return runSummary({ result: { ...result, ...changes }, invalid, checkpoint }, (_, text) => text);
}

test("a run that succeeded", () => {
  expect(summary({})).toBe(`p succeeded in 412 ms, 2 epochs, 120.0 MB of memory at most

operator  kind       rows in  rows out
flashes   source                 1,303  2.9 MB read
windows   transform    1,303         7  late: 2
out       sink             7

out wrote, exactly-once:
  2.csv
  3.csv
  4.csv
  5.csv
  6.csv
  and 1 before these

12 pieces of input could not be read:
${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `  ${n}.nc: cut short`).join("\n")}
  … and 2 more
  listed in dead/0.jsonl

2 rows came too late for their window.`);
});

test("nothing new is no empty table", () => {
  const rows = { read: 0, written: 0, late: 0, invalid: 0 };
  const text = summary({ epochs: 0, rows, operators: {} });
  expect(text).toMatch(/^p succeeded in 412 ms, nothing was new, 120.0 MB of memory at most\n\nNo source had .*\.$/);
});

test("a failure says where, why, and that committed epochs are kept", () => {
  const error = { code: "disk-full", message: "No space.", operatorId: "out" };
  expect(summary({ state: "failed", error }, "/c")).toMatch(
    /\n\nerror\[disk-full\] in operator "out": No space\.\nCommitted epochs are kept/,
  );
  expect(summary({ state: "failed", error })).toMatch(/No space\.$/);
  expect(summary({ state: "failed", error: { code: "checkpoint-locked", message: "In use." } }, "/c")).toMatch(
    /In use\.$/,
  );
});

test("an internal error shows where it happened, when asked", () => {
  const error = asOperatorError(new TypeError("x is not a function"), "out");
  const told: ToldRun = { result: { ...result, state: "failed", error }, invalid: [], checkpoint: null };
  const plain = (_: unknown, text: string): string => text;
  expect(runSummary(told, plain)).toMatch(/x is not a function\nThis looks like a defect.*--verbose/);
  expect(runSummary(told, plain, true)).toMatch(/\nTypeError: x is not a function\n +at .*run-summary\.test\.ts/);
});
