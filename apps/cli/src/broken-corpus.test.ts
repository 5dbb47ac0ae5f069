import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { planPipeline } from "@sferic/engine";
import { formatIssue, type Issue } from "@sferic/spec";
import { expect, test } from "vitest";

const full = JSON.parse(await readFile(new URL("./testing/full.json", import.meta.url), "utf8")) as object;

/** Takes away what stands at a pointer. */
const nothing = Symbol("nothing");

type Change = readonly [pointer: string, value: unknown];

/** The complete spec with other values at some pointers. */
function changed(changes: readonly Change[]): string {
  const spec = structuredClone(full) as Record<string, unknown>;
  for (const [pointer, value] of changes) {
    const parts = pointer.slice(1).split("/");
    const holder = parts.slice(0, -1).reduce<Record<string, unknown>>((at, part) => at[part] as typeof at, spec);
    if (value === nothing) delete holder[parts.at(-1)!];
    else holder[parts.at(-1)!] = value;
  }
  return JSON.stringify(spec, null, 2);
}

async function issuesOf(text: string): Promise<Issue[]> {
  const { issues, document } = await planPipeline(text, { registry, environment: {} });
  for (const issue of issues) {
    expect(issue.code).not.toBe("internal-error");
    expect(formatIssue(issue, document)).not.toMatch(/^ +at |node:internal/m);
  }
  return issues.filter(({ severity }) => severity === "error");
}

/** What is changed, and every error that has to come: code, pointer, and the name that is suggested. */
const corpus: [what: string, changes: Change[], errors: string[]][] = [
  ["a name with capitals", [["/name", "Full"]], ["invalid-value /name"]],
  ["a name that is a number", [["/name", 7]], ["invalid-value /name"]],
  ["no name", [["/name", nothing]], ["missing-field "]],
  ["a section nobody knows", [["/sink", {}]], ["unknown-field /sink"]],
  [
    "a section in the singular",
    [
      ["/test", []],
      ["/tests", nothing],
    ],
    ["unknown-field /test tests"],
  ],
  ["no sinks", [["/sinks", {}]], ["no-sink /sinks"]],
  [
    "sources as a list",
    [["/sources", []]],
    [
      "invalid-value /sources",
      "unknown-id /transforms/strong/from",
      "unknown-id /transforms/sums/from",
      "unknown-id /transforms/flat/from",
      "unknown-id /transforms/joined/from/right",
      "unknown-id /tests/0/given/flashes",
    ],
  ],
  ["an operator that is text", [["/sinks/table", "sums"]], ["invalid-value /sinks/table"]],
  ["an id with a space", [["/sinks/my table", { type: "console", from: "sums" }]], ["invalid-id /sinks/my table"]],
  ["an id that is taken", [["/sinks/sums", { type: "console", from: "sums" }]], ["duplicate-id /sinks/sums"]],
  ["a type of another kind", [["/transforms/strong/type", "duckdb"]], ["unknown-operator /transforms/strong/type"]],
  ["a format as an operator", [["/sinks/table/type", "csv"]], ["unknown-operator /sinks/table/type"]],
  ["a type that is null", [["/sinks/table/type", null]], ["invalid-value /sinks/table/type"]],
  ["a sink without from", [["/sinks/table/from", nothing]], ["missing-field /sinks/table"]],
  ["a from that is a number", [["/sinks/table/from", 3]], ["invalid-value /sinks/table/from"]],
  ["an empty list to read from", [["/sinks/table/from", []]], ["invalid-value /sinks/table/from"]],
  ["a sink that is read", [["/sinks/table/from", "parquet"]], ["reads-sink /sinks/table/from"]],
  ["an operator that reads itself", [["/transforms/once/from", "once"]], ["cycle /transforms/once/from"]],
  ["a circle of two", [["/transforms/strong/from", "bright"]], ["cycle /transforms/strong/from"]],
  ["a circle of four", [["/transforms/strong/from", "clusters"]], ["cycle /transforms/strong/from"]],
  ["a port that is not there", [["/sinks/table/from", ["sums.missing"]]], ["unknown-port /sinks/table/from/0"]],
  ["one input where there are two", [["/sinks/report/from", "clusters"]], ["missing-input /sinks/report/from"]],
  ["named inputs where there is one", [["/sinks/table/from", { main: "sums" }]], ["unknown-input /sinks/table/from"]],
  [
    "a required field missing",
    [["/transforms/clusters/clusterCount", nothing]],
    ["missing-field /transforms/clusters"],
  ],
  [
    "a count of nothing",
    [["/transforms/clusters/clusterCount", 0]],
    ["invalid-value /transforms/clusters/clusterCount"],
  ],
  [
    "a count and a half",
    [["/transforms/clusters/clusterCount", 1.5]],
    ["invalid-value /transforms/clusters/clusterCount"],
  ],
  [
    "a count as text",
    [["/transforms/clusters/clusterCount", "4"]],
    ["invalid-value /transforms/clusters/clusterCount"],
  ],
  ["no columns", [["/transforms/clusters/columns", []]], ["invalid-value /transforms/clusters/columns"]],
  [
    "columns that are one text",
    [["/transforms/clusters/columns", "flash_lon"]],
    ["invalid-value /transforms/clusters/columns"],
  ],
  [
    "columns without numbers",
    [["/transforms/scaled/columns", ["satellite", "flash_time"]]],
    ["column-type /transforms/scaled/columns/0", "column-type /transforms/scaled/columns/1"],
  ],
  [
    "two columns that are not there",
    [["/transforms/scaled/columns", ["flash_lonn", "flsh_lat"]]],
    ["unknown-column /transforms/scaled/columns/0 flash_lon", "unknown-column /transforms/scaled/columns/1 flash_lat"],
  ],
  [
    "half a condition",
    [["/transforms/strong/where", "flash_energy >"]],
    ["invalid-expression /transforms/strong/where"],
  ],
  [
    "a condition that is a number",
    [["/transforms/strong/where", "flash_area"]],
    ["expression-type /transforms/strong/where"],
  ],
  ["an empty condition", [["/transforms/strong/where", ""]], ["invalid-value /transforms/strong/where"]],
  [
    "a statement",
    [["/transforms/strong/where", "true; DROP TABLE x"]],
    ["invalid-expression /transforms/strong/where"],
  ],
  [
    "a file read by an expression",
    [["/transforms/strong/where", "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0"]],
    ["invalid-expression /transforms/strong/where"],
  ],
  [
    "two columns that are not there in one expression",
    [["/transforms/strong/where", "flash_enrgy > 1 AND (flash_enrgy < 2 OR flsh_area > 2)"]],
    ["unknown-column /transforms/strong/where flash_energy", "unknown-column /transforms/strong/where flash_area"],
  ],
  [
    "a field too many, and a column, in one operator",
    [["/transforms/strong", { type: "filter", from: "flashes", where: "flash_enrgy > ${param:energy}", limit: 3 }]],
    ["unknown-column /transforms/strong/where flash_energy", "unknown-field /transforms/strong/limit"],
  ],
  [
    "two expressions wrong",
    [
      ["/transforms/shaped/columns/lat", "flash_latt"],
      ["/transforms/shaped/columns/lon", "flash_lon +"],
    ],
    ["unknown-column /transforms/shaped/columns/lat flash_lat", "invalid-expression /transforms/shaped/columns/lon"],
  ],
  [
    "an aggregate in a select",
    [["/transforms/shaped/columns/lat", "max(flash_lat)"]],
    ["invalid-expression /transforms/shaped/columns/lat"],
  ],
  [
    "no aggregate in a measure",
    [["/transforms/sums/measures/power", "power"]],
    ["invalid-expression /transforms/sums/measures/power"],
  ],
  [
    "a group and a measure wrong",
    [
      ["/transforms/sums/groupBy/0", "statoin"],
      ["/transforms/sums/measures/newest", "max(takn)"],
    ],
    ["unknown-column /transforms/sums/groupBy/0 station", "unknown-column /transforms/sums/measures/newest taken"],
  ],
  ["a key that is not there", [["/transforms/once/keys/1", "labl"]], ["unknown-column /transforms/once/keys/1 label"]],
  [
    "a compression nobody has",
    [["/sinks/parquet/format/compression", "zst"]],
    ["invalid-value /sinks/parquet/format/compression zstd"],
  ],
  ["a way to write nobody has", [["/sinks/table/write", "replce"]], ["invalid-value /sinks/table/write replace"]],
  ["a table name with quotes", [["/sinks/table/table", 'a"b']], ["invalid-value /sinks/table/table"]],
  ["modes of one result that differ", [["/sinks/table/outputMode", "complete"]], ["output-mode /transforms/sums"]],
  ["a format without a type", [["/sinks/centroids/format", {}]], ["missing-field /sinks/centroids/format"]],
  ["a format that is text", [["/sinks/centroids/format", "csv"]], ["invalid-value /sinks/centroids/format"]],
  [
    "a format that cannot write",
    [["/sinks/centroids/format", { type: "glm" }]],
    ["format-not-writable /sinks/centroids/format/type"],
  ],
  [
    "a table of the granule that is none",
    [["/sources/flashes/format/table", "flash"]],
    ["invalid-value /sources/flashes/format/table flashes"],
  ],
  [
    "a column type that is none",
    [["/sources/readings/format/schema/power", "flaot64"]],
    ["invalid-value /sources/readings/format/schema/power float64"],
  ],
  ["a bucket", [["/sources/flashes/url", "s3://bucket/a/"]], ["unsupported-url /sources/flashes/url"]],
  ["another host's file", [["/sinks/centroids/url", "file://host/a"]], ["invalid-url /sinks/centroids/url"]],
  ["bounds of nothing", [["/sources/flashes/filesPerEpoch", 0]], ["invalid-value /sources/flashes/filesPerEpoch"]],
  [
    "a parameter that is not declared",
    [["/sources/flashes/url", "${param:huor}"]],
    ["unknown-parameter /sources/flashes/url hour"],
  ],
  [
    "a pattern of a number",
    [["/sources/flashes/url", "${param:energy|%Y}"]],
    ["invalid-placeholder /sources/flashes/url"],
  ],
  [
    "a placeholder that never ends",
    [["/sources/flashes/url", "${param:hour"]],
    ["invalid-placeholder /sources/flashes/url"],
  ],
  [
    "a variable that is not set",
    [["/sources/flashes/url", "${env:NO_SUCH}"]],
    ["missing-variable /sources/flashes/url"],
  ],
  ["a default of another type", [["/parameters/energy/default", "much"]], ["invalid-value /parameters/energy/default"]],
  [
    "a parameter type that is none",
    [["/parameters/hour/type", "timestmp"]],
    ["invalid-value /parameters/hour/type timestamp"],
  ],
  ["a trigger that is none", [["/run/trigger", "available"]], ["invalid-value /run/trigger"]],
  ["a trigger of no time", [["/run/trigger", { everyMs: 0 }]], ["invalid-value /run/trigger/everyMs"]],
  [
    "a trigger with another unit",
    [["/run/trigger", { everySeconds: 5 }]],
    ["missing-field /run/trigger", "unknown-field /run/trigger/everySeconds"],
  ],
  ["more than all of the input", [["/run/invalidRatioMax", 2]], ["invalid-value /run/invalidRatioMax"]],
  [
    "a watermark of no duration",
    [["/transforms/strong/watermark", { column: "flash_time", delay: "10 sec" }]],
    ["invalid-value /transforms/strong/watermark/delay"],
  ],
  [
    "a duration without a unit",
    [["/transforms/strong/watermark", { column: "flash_time", delay: "10" }]],
    ["invalid-value /transforms/strong/watermark/delay"],
  ],
  ["a minute too late", [["/schedule/cron", "60 * * * *"]], ["invalid-cron /schedule/cron"]],
  ["a time zone that is none", [["/schedule/timeZone", "Europe/Berln"]], ["invalid-value /schedule/timeZone"]],
  ["a plugin that is not there", [["/plugins", [3]]], ["invalid-value /plugins/0"]],
  ["a test without a name", [["/tests/0/name", nothing]], ["missing-field /tests/0"]],
  ["a test of rows that are none", [["/tests/0/given/flashes", [7]]], ["invalid-value /tests/0/given/flashes/0"]],
  [
    "a test with a value of another type",
    [["/tests/0/given/flashes/0/flash_energy", "much"]],
    ["invalid-value /tests/0/given/flashes/0/flash_energy"],
  ],
  [
    "a test of a port that is none",
    [["/tests/0/expect/clusters.centrods", []]],
    ["unknown-port /tests/0/expect/clusters.centrods clusters.centroids"],
  ],
  [
    "a mistake in each section",
    [
      ["/name", "Full!"],
      ["/sources/flashes/fromat", 1],
      ["/transforms/strong/where", "flash_enrgy > 1"],
      ["/transforms/clusters/clusterCount", "4"],
      ["/sinks/table/write", "repalce"],
      ["/run/sed", 1],
      ["/schedule/cron", "x"],
      ["/tests/0/given/reading", []],
    ],
    [
      "invalid-value /name",
      "unknown-field /sources/flashes/fromat",
      "unknown-column /transforms/strong/where flash_energy",
      "invalid-value /transforms/clusters/clusterCount",
      "invalid-value /sinks/table/write replace",
      "unknown-field /run/sed",
      "invalid-cron /schedule/cron",
      "unknown-id /tests/0/given/reading readings",
    ],
  ],
];

test.each(corpus)("%s: all errors, each at its place", async (_, changes, errors) => {
  const found = await issuesOf(changed(changes));
  const told = found.map(({ code, pointer, hint }, index) => {
    const wanted = errors[index]?.split(" ").at(-1) ?? "";
    const isNamed = errors[index]?.startsWith(`${code} ${pointer} `) === true && hint?.includes(wanted) === true;
    return `${code} ${pointer}${isNamed ? ` ${wanted}` : ""}`;
  });
  expect(told).toEqual(errors);
});

test("anything taken away or of another type is an issue near its place, never a defect", async () => {
  const others: readonly unknown[] = [nothing, null, -1, "x", [], {}, [[]], { type: {} }];
  const pointers = [...pointersOf(full, "")].filter((pointer) => pointer !== "");
  let broken = 0;
  for (const [index, pointer] of pointers.entries()) {
    const value = others[index % others.length];
    const errors = await issuesOf(changed([[pointer, value]]));
    broken += Number(errors.length > 0);
    const holder = pointer.slice(0, pointer.lastIndexOf("/"));
    // What is gone is missed where it is read.
    const isNear = errors.some(
      (one) => one.pointer.startsWith(holder) || holder.startsWith(one.pointer) || one.code.startsWith("unknown-"),
    );
    expect(errors.length === 0 || isNear, `${pointer} as ${String(value)}: ${JSON.stringify(errors)}`).toBe(true);
  }
  expect(broken).toBeGreaterThan(100);
});

function* pointersOf(value: unknown, pointer: string): Generator<string> {
  yield pointer;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* pointersOf(inner, `${pointer}/${key}`);
}
