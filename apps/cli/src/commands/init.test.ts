import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { specOf, templates } from "../templates.ts";
import { sferic } from "../testing/sferic.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-init-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** Some templates run until they are stopped. */
const bounded = ["--trigger", "available-now", "--max-epochs", "20"];

/** Some make more than a test needs. */
const smaller: Readonly<Record<string, readonly string[]>> = {
  "satellite-samples": ["--param", "rows=1000", "--param", "samples=50"],
};

/** Those that make their own input. */
const inventive = new Set(["click-files", "satellite-samples"]);

/** The others are run by the tests of the tutorial of satellites. */
const alone = templates.filter(({ needs }) => needs === undefined).map(({ name }) => name);

describe.each(alone)("%s", (name) => {
  test("is written, checked, tested and run at once", async () => {
    const path = join(folder, `${name}.json`);
    const init = await sferic("init", name, "--out", path);
    expect(init).toMatchObject({ code: 0, err: "" });
    expect(init.out).toContain(`${name}.json: no issues${inventive.has(name) ? "\n" : ", and "}`);
    expect((await sferic("check", "--level", "sample", path)).out).toContain("no issues");
    expect((await sferic("test", path)).code).toBe(0);
    const { code, out } = await sferic("run", path, "--json", ...bounded, ...(smaller[name] ?? []));
    expect(code).toBe(0);
    const { operators } = JSON.parse(out) as { operators: Record<string, { kind: string; rowsIn: number }> };
    // Of the little there is, nothing may be late.
    const sinks = Object.entries(operators).filter(([id, { kind }]) => kind === "sink" && id !== "late");
    for (const [id, { rowsIn }] of sinks) expect(rowsIn, id).toBeGreaterThan(0);
  });
});

test("a template that needs more than itself says what", async () => {
  const { code, out } = await sferic("init", "satellite-producer", "--out", join(folder, "producer.json"));
  expect(code).toBe(0);
  expect(out).toContain("It needs the files of satellite-samples, and a Kafka broker, whose host:port is in");
});

test("the click stream's CSV files are those that its JSON files become", async () => {
  const [flat, windows] = [join(folder, "a", "flat.json"), join(folder, "b", "windows.json")];
  expect((await sferic("init", "clicks-flat", "--out", flat)).code).toBe(0);
  expect((await sferic("init", "clicks-windows", "--out", windows)).code).toBe(0);
  expect((await sferic("run", flat, "--json")).code).toBe(0);
  const [made, sampled] = [join(folder, "a/data/csv_files"), join(folder, "b/data/csv_files")];
  const names = (await readdir(sampled)).toSorted();
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) expect(await readFile(join(made, name))).toEqual(await readFile(join(sampled, name)));
});

test("the click stream's products are those that its clicks are of", async () => {
  const star = join(folder, "star.json");
  expect((await sferic("init", "clicks-star", "--out", star)).code).toBe(0);
  const products = (await readFile(join(folder, "data/products.csv"), "utf8")).trimEnd().split("\n").slice(1);
  const sold = new Set<string>();
  const clicks = join(folder, "data/json_files");
  for (const name of await readdir(clicks)) {
    const rows = JSON.parse(await readFile(join(clicks, name), "utf8")) as { product_id: number }[];
    for (const { product_id: product } of rows) sold.add(String(product));
  }
  expect(products.map((line) => line.split(",")[0])).toEqual([...sold].toSorted());
});

test("without a name all are listed", async () => {
  const { templates: listed } = JSON.parse((await sferic("init", "--json")).out) as { templates: { name: string }[] };
  expect(listed.map(({ name }) => name)).toEqual(templates.map(({ name }) => name));
  const { out } = await sferic("init");
  for (const { name } of templates) expect(out).toContain(`\n${name} `);
});

test("nothing is overwritten without --force, and what is the same is no conflict", async () => {
  const path = join(folder, "mine.json");
  expect((await sferic("init", "lightning-stream", "--out", path)).code).toBe(0);
  expect((await sferic("init", "lightning-stream", "--out", path)).code).toBe(0);
  await writeFile(path, "{}");
  const refused = await sferic("init", "lightning-clusters", "--out", path);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("mine.json: there is another file already.");
  expect(await readFile(path, "utf8")).toBe("{}");
  expect((await sferic("init", "lightning-clusters", "--out", path, "--force")).code).toBe(0);
  expect(await readFile(path, "utf8")).toBe(await specOf("lightning-clusters"));
});

test("sample input of someone else is not overwritten either", async () => {
  const path = join(folder, "a.json");
  const { out } = await sferic("init", "lightning-stream", "--out", path, "--json");
  expect(JSON.parse(out)).toMatchObject({ template: "lightning-stream", spec: path, issues: [] });
  const [granule] = await sampleNames(path);
  await writeFile(granule!, "mine");
  expect(await sferic("init", "lightning-stream", "--out", path)).toMatchObject({ code: 2 });
  expect(await readFile(granule!, "utf8")).toBe("mine");
});

async function sampleNames(path: string): Promise<string[]> {
  const data = join(dirname(path), "data", "glm");
  return (await readdir(data)).map((name) => join(data, name));
}

test("a name that is nearly right gets a suggestion", async () => {
  const { code, err } = await sferic("init", "lightning-steam");
  expect(code).toBe(2);
  expect(err).toContain('did you mean "lightning-stream"?');
});
