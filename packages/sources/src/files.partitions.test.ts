import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { csv } from "@sferic/formats/csv";
import { glm } from "@sferic/formats/glm";
import { type Batch, ConfigError, type InvalidInput, type ReadRequest, type Schema } from "@sferic/operator";
import { epochOf, operatorContext, planContext, rowTexts, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { files } from "./files.ts";

interface Outcome {
  schema: Schema | null;
  rows: string[];
  invalid: InvalidInput["invalid"][];
  bytesRead: number;
}

/** What a source reads of CSV files in folders; `ask` makes the request of the planned columns. */
async function read(
  content: Readonly<Record<string, string>>,
  config: object,
  ask: (schema: Schema) => ReadRequest = (schema) => ({ schema, conditions: [] }),
): Promise<Outcome> {
  await using folder = await temporaryFolder();
  for (const [name, text] of Object.entries(content)) {
    await mkdir(dirname(folder.file(name)), { recursive: true });
    await writeFile(folder.file(name), text);
  }
  const surroundings = { directory: folder.path, formats: [csv] };
  const checked = files.config.parse({ url: "in/", format: { type: "csv" }, ...config });
  const schema = (await files.output(checked, planContext(surroundings)))["main"] ?? null;
  const request = schema === null ? {} : { request: ask(schema) };
  const source = files.create(checked, { ...operatorContext(surroundings), ...request });
  const outcome: Outcome = { schema, rows: [], invalid: [], bytesRead: 0 };
  await source.open?.([]);
  const end = await source.latestOffset(null, {});
  if (end === null) return outcome;
  for await (const output of source.read(null, end, epochOf())) {
    if ("invalid" in output) outcome.invalid.push(output.invalid);
    else if ("bytesRead" in output) outcome.bytesRead += output.bytesRead;
    else {
      outcome.rows.push(...rowTexts(output as Batch));
      (output as Batch).close();
    }
  }
  return outcome;
}

const days = {
  "in/year=2018/month=01/site=A%20B/a.csv": "x\n1\n",
  "in/year=2018/month=02/site=__HIVE_DEFAULT_PARTITION__/a.csv": "x\n2\n",
  "in/year=2019/month=01/site=C/a.csv": "x\n3\n",
};

test("folders are columns of their own types, after those of the files", async () => {
  const { schema, rows } = await read(days, { partitions: "hive" });
  expect(schema!.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    "x int64",
    "year int64",
    "month int64",
    "site utf8",
  ]);
  expect(rows).toEqual(['1|2018|1|"A B"', "2|2018|2|null", '3|2019|1|"C"']);
});

test.each(["2018-13-01", "2018-02-30", "2018-00-10"])("a folder of %s, which is no day, is text", async (day) => {
  const { schema, rows } = await read({ [`in/date=${day}/a.csv`]: "x\n1\n" }, { partitions: "hive" });
  expect(schema!.column("date")!.type).toBe("utf8");
  expect(rows).toEqual([`1|"${day}"`]);
});

test("without the field folders mean nothing", async () => {
  expect((await read(days, {})).schema!.names).toEqual(["x"]);
});

test("a range of days takes only their files", async () => {
  const { rows } = await read(days, { partitions: { range: ["2018-02-01", "2018-12-31"] } });
  expect(rows).toHaveLength(1);
});

test("a pattern of folders means the files below them", async () => {
  const { rows } = await read(days, { url: "in/year=2018/month=*/", partitions: "hive" });
  expect(rows).toHaveLength(2);
});

test("files whose folders rule out a condition are not opened", async () => {
  const isFirst = { column: "month", comparison: "in", values: ["1"] } as const;
  const { rows, bytesRead } = await read(days, { partitions: "hive" }, (schema) => ({
    schema,
    columns: ["x"],
    conditions: [isFirst],
  }));
  expect(rows).toEqual(["1", "3"]);
  expect(bytesRead).toBe(8);
});

test("a value that is not of the type planned makes its file invalid", async () => {
  const declared = { type: "csv", schema: { x: "int64", month: "int64" } };
  const odd = { ...days, "in/year=2018/month=March/site=D/a.csv": "x\n4\n" };
  const { rows, invalid } = await read(odd, { format: declared, partitions: "hive" });
  expect(rows).toHaveLength(3);
  expect(invalid).toMatchObject([{ name: "a.csv", reason: expect.stringContaining("March") as string }]);
});

test("a format that reads no folders says so when the plan is made", async () => {
  const context = planContext({ directory: "/", formats: [glm] });
  const config = files.config.parse({ url: "in/", format: { type: "glm" }, partitions: "hive" });
  await expect(files.output(config, context)).rejects.toThrow(ConfigError);
});
