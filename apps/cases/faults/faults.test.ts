import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allFaults, comparable, seen } from "./fault.ts";

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "sferic-faults-"));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

test("rows are compared to the last digit", () => {
  const rows = (id: bigint) => comparable({ rows: [{ id }] });
  expect(rows(9007199254740993n)).not.toEqual(rows(9007199254740992n));
});

test.each(allFaults().map((fault) => [fault.name, fault] as const))("%s", async (_, fault) => {
  expect(await seen(fault, scratch)).toEqual(comparable(fault.expected));
});
