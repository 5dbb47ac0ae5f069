import { readdir, readFile } from "node:fs/promises";
import { createContext, runInContext } from "node:vm";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { batches } from "@sferic/bindings/batch";
import { type Batch, type ConfigError, column, type Schema, schema } from "@sferic/operator";
import { cut, epochOf, operatorContext, planContext, streamOf, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { compareNames, type Line, LineCollector, type Lines } from "./report/series.ts";
import { timeTicks } from "./report/series-panels.ts";
import { seriesScript } from "./report/page-series-script.ts";
import { report } from "./report.ts";

const columns = schema([
  column("satellite_name", "utf8", { nullable: true }),
  column("time", "timestamp[us, UTC]", { nullable: true }),
  column("temp_c", "float64", { nullable: true }),
  column("charge", "int32", { unit: "percent" }),
]);

interface Row {
  readonly name: string | null;
  /** Seconds after the beginning of 2026. */
  readonly second: number | null;
  readonly temp: number | null;
}

const startMs = Date.parse("2026-01-01T00:00:00Z");

function batchOf(rows: readonly Row[]): Batch {
  return batches.fromRows(
    columns,
    rows.map(({ name, second, temp }) => ({
      satellite_name: name,
      time: second === null ? null : new Date(startMs + second * 1000).toISOString(),
      temp_c: temp,
      charge: Math.floor(second ?? 0) % 100,
    })),
  );
}

const wanted = { time: "time", by: "satellite_name", values: ["temp_c", "charge"] } as const;

async function collected(parts: readonly (readonly Row[])[], namesMax = 12, samplesMax = 1000): Promise<Lines> {
  const collector = new LineCollector(wanted, { namesMax, samplesMax }, 7);
  for (const rows of parts) {
    const batch = batchOf(rows);
    await collector.add(batch);
    batch.close();
  }
  return collector.finish();
}

function shown({ times, values }: Line): unknown[] {
  return [...times].map((time, index) => [(time - startMs) / 1000, values[0]![index]]);
}

test("rows come by name and time, without those that have no time, and nulls are no numbers", async () => {
  const { byName, nameCount, rowCount, units } = await collected([
    [
      { name: "b", second: 2, temp: 20 },
      { name: "a", second: 1, temp: null },
      { name: "b", second: null, temp: 99 },
    ],
    [
      { name: "b", second: 0.5, temp: -1 },
      { name: null, second: 3, temp: 4 },
    ],
  ]);
  expect([...byName].map(([name, line]) => [name, shown(line)])).toEqual([
    ["a", [[1, NaN]]],
    ["b", [[0.5, -1], [2, 20]]], // prettier-ignore
    ["none", [[3, 4]]],
  ]);
  expect([nameCount, rowCount, units]).toEqual([3, 5, [undefined, "percent"]]);
});

test("of many names the first are kept, whatever comes first, in the order of their numbers", async () => {
  const rows = Array.from({ length: 60 }, (_, index) => ({
    name: `sat${(index * 7) % 30}`,
    second: index,
    temp: index,
  }));
  const { byName, nameCount } = await collected([rows.slice(0, 31), rows.slice(31)], 3);
  expect([...byName.keys()]).toEqual(["sat0", "sat1", "sat2"]);
  expect(nameCount).toBe(30);
  for (const [name, line] of byName) {
    const own = rows.filter((row) => row.name === name).map(({ second, temp }) => [second, temp]);
    expect(shown(line)).toEqual(own);
  }
  expect(["x10", "x9", "x", "x9a", "9"].toSorted(compareNames)).toEqual(["9", "x", "x9", "x9a", "x10"]);
});

test("of many rows a fair sample is kept, the same however they are cut", async () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => ({ name: "a", second: index, temp: index / 200 }));
  const whole = (await collected([rows], 1, 500)).byName.get("a")!;
  const parts = (await collected([rows.slice(0, 7), rows.slice(7, 12_345), rows.slice(12_345)], 1, 500)).byName.get(
    "a",
  )!;
  expect(parts).toEqual(whole);
  expect(whole.times).toHaveLength(500);
  expect(whole.rowCount).toBe(20_000);
  const mean = whole.values[0]!.reduce((sum, value) => sum + value, 0) / 500;
  // Standard error of the mean of 500 uniform values over 100: 1.3.
  expect(Math.abs(mean - 50)).toBeLessThan(5);
});

test("ticks of time are round and few", () => {
  const texts = (from: string, until: string): string[] =>
    timeTicks([Date.parse(from), Date.parse(until)]).map(({ text }) => text);
  expect(texts("2026-01-01T10:00:07Z", "2026-01-01T10:02:30Z")).toEqual(["10:00:30", "10:01:00", "10:01:30", "10:02:00", "10:02:30"]); // prettier-ignore
  expect(texts("2026-01-01T22:00:00Z", "2026-01-02T03:59:00Z")).toEqual(["22:00", "23:00", "00:00", "01:00", "02:00", "03:00"]); // prettier-ignore
  expect(texts("2026-01-30T12:00:00Z", "2026-02-02T12:00:00Z")).toContain("2026-02-01");
});

const two: readonly Row[] = [
  { name: "sat0", second: 0, temp: 0 },
  { name: "sat0", second: 30, temp: 50 },
  { name: "sat0", second: 60, temp: 100 },
  { name: "sat1", second: 0, temp: 100 },
  { name: "</script><b>", second: 60, temp: 25 },
];

async function written(
  folder: string,
  inputs: Readonly<Record<string, Batch>>,
  series: object = wanted,
): Promise<{ page: string; names: string[] }> {
  const sink = report.create(
    report.config.parse({ path: "report.html", title: "Satellites", series }),
    operatorContext({ directory: folder }),
  );
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, rows]) => [name, streamOf(rows.rowCount === 0 ? [] : cut(rows, 1))]),
  );
  const staged = await sink.stage(streamOf([]), epochOf(), given);
  for (const rows of Object.values(inputs)) rows.close();
  await sink.publish(staged!, epochOf());
  return { page: await readFile(`${folder}/report.html`, "utf8"), names: (await readdir(folder)).toSorted() };
}

test("a page of values over time stands alone, with a choice of names and a picture beside it", async () => {
  await using folder = await temporaryFolder();
  const means = batchOf([{ name: "sat0", second: 30, temp: 50 }]);
  const { page, names } = await written(folder.path, { samples: batchOf(two), means });
  expect(names).toEqual(["report-series.png", "report.html"]);
  expect(page).not.toMatch(/https?:|\bsrc=|@import|url\(/);
  expect(page).not.toContain("<b>");
  expect([...page.matchAll(/<option value="(\d)">([^<]+)/g)].map(([, , name]) => name)).toEqual([
    "&lt;/script&gt;&lt;b&gt;",
    "sat0",
    "sat1",
  ]);
  expect([...page.matchAll(/<figure><h3>([^<]+)/g)].map(([, title]) => title)).toEqual(["temp_c", "charge (percent)"]);
  expect(page).not.toContain('id="map"');
  const image = await loadImage(await readFile(`${folder.path}/report-series.png`));
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const dark = Array.from({ length: data.length / 4 }, (_, at) => data[4 * at]! < 60).filter(Boolean);
  // Titles and names; without a font there are none.
  expect(dark.length).toBeGreaterThan(1000);
});

test("the page's script draws the rows of the name that is chosen", async () => {
  await using folder = await temporaryFolder();
  const { page } = await written(folder.path, { samples: batchOf(two) });
  const data = /<script type="application\/json" id="series-data">(.*?)<\/script>/s.exec(page)![1]!;
  const paths = new Map<string, string>();
  const panelOf = (low: string, high: string, index: number): object => ({
    dataset: { low, high },
    addEventListener: () => {},
    parentElement: { querySelector: () => ({ textContent: "" }) },
    querySelector: (selector: string) => ({
      toggleAttribute: () => {},
      setAttribute: (_: string, value: string) => paths.set(`${index}${selector}`, value),
    }),
  });
  const ranges = [...page.matchAll(/data-low="([^"]+)" data-high="([^"]+)"/g)];
  const choice = { value: "1", addEventListener: () => {} };
  const document = {
    getElementById: (id: string) => (id === "series-name" ? choice : { textContent: data }),
    querySelectorAll: () => ranges.map(([, low, high], index) => panelOf(low!, high!, index)),
  };
  runInContext(seriesScript, createContext({ document, atob, Float32Array, Uint8Array }));
  // From the lower left to the upper right of the plotting area, by way of its middle.
  expect(paths.get("0.samples")).toBe("M64.0 224.0L346.0 118.0L628.0 12.0h0");
  expect(paths.get("0.means")).toBe("");
});

test("without rows the page says so, and without names there is no choice", async () => {
  await using folder = await temporaryFolder();
  const empty = await written(folder.path, { samples: batches.concat([], columns) });
  expect(empty.page).toContain("The input had no rows.");
  expect(empty.names).toEqual(["report.html"]);
  const { by: _, ...unnamed } = wanted;
  const { page } = await written(folder.path, { samples: batchOf(two) }, unnamed);
  expect(page).not.toContain("<select");
  expect(page).toContain('id="series-data"');
});

test("names what is wrong with the columns by their places", () => {
  const problems = (inputs: Record<string, Schema>, series: object | undefined): ConfigError["problems"] => {
    const config = report.config.parse({ path: "r.html", ...(series === undefined ? {} : { series }) });
    try {
      void report.accept!(inputs, config, planContext({ directory: "." }));
      return [];
    } catch (thrown) {
      return (thrown as ConfigError).problems;
    }
  };
  expect(problems({ samples: columns, means: columns }, wanted)).toEqual([]);
  const wrong = { time: "charge", by: "satelite_name", values: ["temp_c", "satellite_name"] };
  expect(problems({ samples: columns }, wrong)).toMatchObject([
    { code: "column-type", pointer: "/series/time" },
    { code: "unknown-column", pointer: "/series/by", hint: "satellite_name" },
    { code: "column-type", pointer: "/series/values/1" },
  ]);
  expect(problems({ samples: columns }, undefined)).toMatchObject([{ code: "missing-field" }]);
  expect(problems({ means: columns }, wanted)).toMatchObject([{ code: "missing-input" }, { code: "missing-input" }]);
});
