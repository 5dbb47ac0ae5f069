import { readFile, writeFile } from "node:fs/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { MessageSet } from "@sferic/bindings/kafka";
import { type Batch, type InvalidInput, isBatch, rowsOf, type Schema } from "@sferic/operator";
import {
  dataSet,
  describeFormat,
  duckdbRows,
  fileAt,
  fileOf,
  sampleTypes,
  temporaryFolder,
  typedRows,
  uniform,
} from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import { declaredSchema } from "./declared-schema.ts";
import { json } from "./json.ts";

describeFormat({
  definition: json,
  types: sampleTypes.filter((type) => !/^(float|time64|dictionary)/.test(type)),
  readConfig: ({ columns }) => ({ schema: Object.fromEntries(columns.map(({ name, type }) => [name, type])) }),
  readsAnything: true,
  refusesRows: true,
});

const clicks = [
  '{"datetime": "2026-01-01T00:00:00.500Z", "sales": {"quantity": 2, "total_price": 19.9}, "analytics": {"clicks": 3, "impressions": 40}}',
  '{"datetime": "2026-01-01T00:00:31Z", "sales": {"quantity": 1, "total_price": 5}, "analytics": {"clicks": 0, "impressions": 7}}',
];

const clickSchema = {
  datetime: "timestamp",
  sales: { quantity: "int32", total_price: "float64" },
  analytics: { clicks: "int32", impressions: "int32" },
};

interface Decoded {
  readonly rows: Record<string, unknown>[];
  readonly schema: Schema | undefined;
  readonly invalid: InvalidInput["invalid"][];
}

async function decode(config: object, ...files: [name: string, content: string | Uint8Array][]): Promise<Decoded> {
  const format = json.create(json.config.parse(config));
  const contents = files.map(([name, content]) => fileOf(name, Buffer.from(content)));
  const rows: Record<string, unknown>[] = [];
  const invalid: InvalidInput["invalid"][] = [];
  let schema: Schema | undefined;
  for await (const decoded of format.decode!(contents, new AbortController().signal)) {
    if (isBatch(decoded)) {
      schema = decoded.schema;
      rows.push(...plainRows(decoded));
      decoded.close();
    } else invalid.push(decoded.invalid);
  }
  return { rows, schema, invalid };
}

function plainRows(batch: Batch): Record<string, unknown>[] {
  return batch
    .toArrow()
    .toArray()
    .map((row) => JSON.parse(JSON.stringify(row, (_, value) => (typeof value === "bigint" ? Number(value) : value))));
}

describe("json", () => {
  it.each(["lines", "array"])("reads nested objects by a nested schema, as %s", async (layout) => {
    const text = layout === "lines" ? clicks.join("\n") : `[${clicks.join(",\n")}]`;
    const { rows, schema, invalid } = await decode({ layout, schema: clickSchema }, ["clicks.json", text]);
    expect(invalid).toEqual([]);
    expect(schema!.columns.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      "datetime: timestamp[us, UTC]",
      "sales: struct<quantity: int32, total_price: float64>",
      "analytics: struct<clicks: int32, impressions: int32>",
    ]);
    expect(rows.map(({ sales, analytics }) => ({ sales, analytics }))).toEqual([
      { sales: { quantity: 2, total_price: 19.9 }, analytics: { clicks: 3, impressions: 40 } },
      { sales: { quantity: 1, total_price: 5 }, analytics: { clicks: 0, impressions: 7 } },
    ]);
  });

  it("finds gzip and zstd by their first bytes", async () => {
    const text = `${clicks.join("\n")}\n`;
    const plain = await decode({}, ["a.json", text]);
    expect(plain.rows).toHaveLength(2);
    for (const compress of [gzipSync, zstdCompressSync]) {
      expect(await decode({}, ["a.json", compress(text)])).toEqual(plain);
    }
  });

  it("tells each bad line with its number and reads the others", async () => {
    const text = [clicks[0], '{"datetime": 7}', "", '{"datetime": ', clicks[1]].join("\n");
    const { rows, invalid } = await decode({ schema: clickSchema }, ["bad.json", text]);
    expect(rows).toHaveLength(2);
    expect(invalid.map(({ name, position }) => [name, position])).toEqual([
      ["bad.json", 2],
      ["bad.json", 4],
    ]);
    expect(invalid[0]!.reason).toContain("bad.json, line 2, character 14: datetime is not a time (RFC 3339)");
  });

  it("gives no row of an array that is cut short, and the rows of the other files", async () => {
    const [whole, cut] = [`[${clicks.join(",")}]`, `[${clicks.join(",")}`];
    const config = { layout: "array", schema: clickSchema };
    const { rows, invalid } = await decode(config, ["1.json", whole], ["2.json", cut], ["3.json", whole]);
    expect(rows).toHaveLength(4);
    expect(invalid).toEqual([
      {
        name: "2.json",
        reason: expect.stringContaining("the file ends before the array is closed"),
        position: cut.length,
      },
    ]);
  });

  it("takes the columns of the first file for all, and reads an empty file as no rows", async () => {
    const { rows, schema } = await decode({}, ["0", ""], ["1", '{"a": 1}'], ["2", '{"b": 2, "a": 3}']);
    expect(schema!.names).toEqual(["a"]);
    expect(rows).toEqual([{ a: 1 }, { a: 3 }]);
  });

  it("keeps names that a type text would be taken apart by", async () => {
    const { rows, schema } = await decode({}, ["odd.json", '{"s": {"a, b: <": 1, "\\"": [true]}}']);
    expect(schema!.columns[0]!.type).toBe('struct<"a, b: <": int64, """": list<bool>>');
    expect(rows).toEqual([{ s: { "a, b: <": 1, '"': [true] } }]);
  });

  it.each([
    ["lines", "none", "json"],
    ["array", "gzip", "json.gz"],
    ["lines", "zstd", "json.zst"],
  ])("writes %s with compression %s for others to read", async (layout, compression, ending) => {
    await using folder = await temporaryFolder();
    const format = json.create(json.config.parse({ layout, compression }));
    expect(format.ending).toBe(ending);
    const path = folder.file(`flashes.${ending}`);
    const flashes = await dataSet("glm-minute");
    const writer = await format.createWriter!(path, flashes.schema);
    await writer.write(flashes);
    await writer.finish();
    const read = `read_json('${path}', format = '${layout === "lines" ? "newline_delimited" : "array"}')`;
    const columns =
      "count(*)::INT AS rows, sum(flash_energy) AS energy, epoch_ms(min(flash_time::TIMESTAMP))::DOUBLE AS first";
    const [found] = await duckdbRows(`SELECT ${columns} FROM ${read}`);
    const energies = Array.from(flashes.toArrow().getChild("flash_energy")!.toArray() as Float64Array);
    const times = Array.from(flashes.toArrow().getChild("flash_time")!.toArray() as BigInt64Array);
    expect(found).toEqual({
      rows: 853,
      energy: expect.closeTo(
        energies.reduce((sum, energy) => sum + energy),
        20,
      ),
      first: Number(times.reduce((first, time) => (time < first ? time : first)) / 1_000_000n),
    });
    flashes.close();
  });

  it("reads the rows that DuckDB reads", async () => {
    await using folder = await temporaryFolder();
    const random = uniform(3);
    const whole = (limit: number): number => Math.floor(random() * limit);
    const text = Array.from({ length: 5000 }, (_, row) => {
      const price = row % 7 === 0 ? "null" : random() * 10 ** (whole(40) - 20);
      const sales = `{"total_price": ${price}, "unknown": [{}], "quantity": ${whole(2 ** 31) - 2 ** 30}}`;
      const time = new Date(whole(4e12)).toISOString();
      return `{"analytics":{"clicks":${whole(100)}},"sales":${sales},"datetime":"${time}","note":"é\\n\\"${row}"}`;
    });
    await writeFile(folder.file("rows.json"), text.join("\n"));
    const theirs = await duckdbRows(
      `SELECT epoch_ms(datetime::TIMESTAMP)::DOUBLE AS time, sales.quantity::INT AS quantity,
         sales.total_price::DOUBLE AS price, analytics.clicks::INT AS clicks, note
       FROM read_json('${folder.file("rows.json")}')`,
    );
    const { rows, invalid } = await decode({ schema: { ...clickSchema, note: "utf8" } }, [
      "rows.json",
      text.join("\n"),
    ]);
    const ours = rows.map(({ datetime, sales, analytics, note }) => ({
      time: datetime,
      quantity: (sales as Record<string, number>)["quantity"],
      price: (sales as Record<string, number>)["total_price"],
      clicks: (analytics as Record<string, number>)["clicks"],
      note,
    }));
    expect(invalid).toEqual([]);
    expect(ours).toEqual(theirs);
  });

  it("writes what JSON.parse takes", async () => {
    await using folder = await temporaryFolder();
    for (const type of sampleTypes.filter((sample) => !sample.startsWith("time64"))) {
      const rows = typedRows(type);
      const format = json.create(json.config.parse({ layout: "array" }));
      const writer = await format.createWriter!(folder.file("rows.json"), rows.schema);
      await writer.write(rows);
      await writer.finish();
      rows.close();
      const parsed = JSON.parse(await readFile(folder.file("rows.json"), "utf8")) as Record<string, unknown>[];
      expect(parsed.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4]);
      expect(parsed[2]!["value"]).toBeNull();
    }
  });

  it("probes the first rows of a file", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("clicks.json"), clicks.join("\n"));
    const format = json.create(json.config.parse({}));
    const { columns } = await format.probe!(await fileAt(folder.file("clicks.json")));
    expect(columns.map(({ type }) => type)).toEqual([
      "timestamp[us, UTC]",
      "struct<quantity: int64, total_price: float64>",
      "struct<clicks: int64, impressions: int64>",
    ]);
  });
});

describe("messages of JSON", () => {
  it("are decoded with a declared schema, in either layout, and not without one", async () => {
    const create = (config: object) => json.create(json.config.parse(config));
    for (const layout of ["lines", "array"]) {
      const value = Buffer.from('{\n"a": [{"b": "x"}]}');
      using messages = MessageSet.of(0, [{ offset: 0n, timestampMs: 0n, key: null, value, headers: [] }], 1n);
      const format = create({ layout, schema: { a: [{ b: "utf8" }] } });
      const { rows, taken } = await format.decodeMessages!(messages, new AbortController().signal);
      expect([rowsOf(rows), taken]).toEqual([[{ a: [{ b: "x" }] }], undefined]);
      rows.close();
    }
    expect(create({}).decodeMessages).toBeUndefined();
  });
});

describe("a declared schema", () => {
  it("may nest objects and lists, as objects or as text", () => {
    const { columns } = declaredSchema({
      a: "timestamp",
      b: { "odd, name": "list<timestamp>", timestamp: [{ c: "timestamp[ms]" }] },
    });
    expect(columns.map(({ type }) => type)).toEqual([
      "timestamp[us, UTC]",
      'struct<"odd, name": list<timestamp[us, UTC]>, timestamp: list<struct<c: timestamp[ms]>>>',
    ]);
  });
});
