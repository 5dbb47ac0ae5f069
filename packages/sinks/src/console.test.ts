import { mkdir } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { type Batch, column, schema } from "@sferic/operator";
import { cut, describeSink, epochOf, operatorContext, streamOf, temporaryFolder } from "@sferic/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { console } from "./console.ts";

let printed = "";

beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describeSink({
  arrange: () => {
    printed = "";
    return Promise.resolve();
  },
  definition: console,
  config: { format: { type: "json" } },
  visible: () => Promise.resolve(printed.split("\n").filter((line) => line !== "")),
});

/** What is printed for the rows of one epoch. */
async function printedFor(rows: Batch, config: object = {}): Promise<string> {
  await using folder = await temporaryFolder();
  const context = operatorContext({ directory: folder.path, operatorId: "show" });
  await mkdir(context.scratchDirectory);
  const sink = console.create(console.config.parse(config), context);
  const staged = await sink.stage(streamOf(cut(rows, 2)), epochOf(3), {});
  rows.close();
  expect(printed).toBe("");
  await sink.publish(staged!, epochOf(3));
  return printed;
}

const columns = schema([
  column("name", "utf8", { nullable: true }),
  column("n", "int64", { nullable: true }),
  column("x", "float64", { nullable: true }),
  column("ok", "bool", { nullable: true }),
]);

const people = (): Batch =>
  batches.fromRows(columns, [
    { name: "Zoë δ⚡", n: 1, x: 0.5, ok: true },
    { name: null, n: null, x: null, ok: null },
    { name: 'a "b"\nc', n: 9_007_199_254_740_993n, x: Number.NaN, ok: false },
  ]);

describe("as a table", () => {
  it("aligns columns, numbers to the right, nulls as words", async () => {
    const numbers = batches.fromRows(schema([column("name", "utf8", { nullable: true }), column("n", "int64")]), [
      { name: "Zoë", n: 1 },
      { name: null, n: -1234 },
    ]);
    expect(await printedFor(numbers)).toBe(
      ["show, epoch 3: 2 rows", "name      n", "────  ─────", "Zoë       1", "null  -1234", "", ""].join("\n"),
    );
  });

  it("keeps a row on its line", async () => {
    const lines = (await printedFor(people())).trimEnd().split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[5]).toContain(String.raw`a "b"\u000ac`);
  });

  it("keeps control characters of the rows from the terminal", async () => {
    const rows = batches.fromRows(schema([column("a\tb", "utf8")]), [{ "a\tb": "\u001b[2J\u009b\u0007\u202e" }]);
    const lines = (await printedFor(rows)).split("\n");
    expect([lines[1], lines[3]]).toEqual([String.raw`a\u0009b`, String.raw`\u001b[2J\u009b\u0007\u202e`]);
  });

  it("cuts what is wider than 40 characters", async () => {
    const wide = batches.fromRows(schema([column("text", "utf8")]), [
      { text: "w".repeat(41) },
      { text: "w".repeat(40) },
    ]);
    const lines = (await printedFor(wide)).split("\n");
    expect(lines.slice(3, 5)).toEqual([`${"w".repeat(39)}…`, "w".repeat(40)]);
  });

  it("prints 20 rows unless told, and says how many are left", async () => {
    const many = (): Batch =>
      batches.fromRows(
        schema([column("n", "int32")]),
        Array.from({ length: 50 }, (_, n) => ({ n })),
      );
    const lines = (await printedFor(many())).trimEnd().split("\n");
    expect(lines.slice(-2)).toEqual(["19", "… and 30 more"]);
    expect(lines[0]).toBe("show, epoch 3: 50 rows");
    printed = "";
    expect((await printedFor(many(), { rowsMax: 2 })).trimEnd().split("\n").slice(-2)).toEqual(["1", "… and 48 more"]);
  });
});

describe("as JSON", () => {
  it("prints one line per row, exact and with nulls", async () => {
    const lines = (await printedFor(people(), { format: { type: "json" } })).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { sink: "show", epoch: 3, row: { name: "Zoë δ⚡", n: 1, x: 0.5, ok: true } },
      { sink: "show", epoch: 3, row: { name: null, n: null, x: null, ok: null } },
      { sink: "show", epoch: 3, row: { name: 'a "b"\nc', n: "9007199254740993", x: "NaN", ok: false } },
    ]);
  });

  it("keeps control characters of the rows from the terminal, and their meaning", async () => {
    const text = "\u009B2J\u202E\u2028\u{E0041}\u007F";
    const rows = batches.fromRows(schema([column("a\u009B", "utf8")]), [{ "a\u009B": text }]);
    const line = (await printedFor(rows, { format: { type: "json" } })).trimEnd();
    expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\u{E0041}]/u);
    expect(JSON.parse(line)).toMatchObject({ row: { "a\u009B": text } });
  });

  it("prints all rows unless told", async () => {
    const many = batches.fromRows(
      schema([column("n", "int32")]),
      Array.from({ length: 50 }, (_, n) => ({ n })),
    );
    expect((await printedFor(many, { format: { type: "json" } })).trimEnd().split("\n")).toHaveLength(50);
  });
});
