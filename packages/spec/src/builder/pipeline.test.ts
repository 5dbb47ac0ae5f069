import { describe, expect, it } from "vitest";
import { columns, pipeline, type Rows } from "./pipeline.ts";
import { sql } from "./expression.ts";

const readings = { type: "files", url: "./readings/", format: { type: "parquet" } };
const metrics = { type: "files", url: "./metrics.parquet", format: { type: "parquet" }, role: "reference" };

type Reading = {
  readonly metric_id: "int32";
  readonly "measured on": "timestamp[us]";
  readonly value: "float64";
};

it("gives the spec that one would write by hand", () => {
  const facts = pipeline("pv-facts", { run: { trigger: "available-now" } });
  const left = facts.source("readings", readings, columns<Reading>());
  const right = facts.source("metrics", metrics, { metric_id: "int32", sensor: "utf8" });
  left
    .filter("valid", (c) => sql`${c.value} > ${0} AND ${c["measured on"]} IS NOT NULL`)
    .join("joined", right, ["metric_id"])
    .select("chosen", (c) => ({ at: "measured on", sensor: "sensor", kw: sql<"float64">`${c.value} / ${1000}` }))
    .aggregate("sums", ["sensor"], (c) => ({ kw: sql<"float64">`sum(${c.kw})`, rows: sql<"int64">`count(*)` }))
    .to("out", { type: "files", url: "./out/", format: { type: "parquet" } });
  expect(JSON.parse(JSON.stringify(facts))).toEqual({
    name: "pv-facts",
    run: { trigger: "available-now" },
    sources: { readings, metrics },
    transforms: {
      valid: { type: "filter", from: "readings", where: 'value > 0 AND "measured on" IS NOT NULL' },
      joined: { type: "join", from: { left: "valid", right: "metrics" }, on: ["metric_id"], kind: "inner" },
      chosen: {
        type: "select",
        from: "joined",
        columns: { at: '"measured on"', sensor: "sensor", kw: "value / 1000" },
      },
      sums: { type: "aggregate", from: "chosen", groupBy: ["sensor"], measures: { kw: "sum(kw)", rows: "count(*)" } },
    },
    sinks: { out: { type: "files", from: "sums", url: "./out/", format: { type: "parquet" } } },
  });
});

it("puts texts in as literals, whatever stands in them", () => {
  expect(sql`${"it's"} = ${true}`.sql).toBe("'it''s' = true");
});

it("refers to ports and to several inputs", () => {
  const flow = pipeline("p");
  const points = flow.source("points", readings, { x: "float64", y: "float64" });
  const labelled = points.kmeans("clusters", { columns: ["x", "y"], clusterCount: 3 });
  const centroids = labelled.port("centroids", { cluster: "int32", x: "float64" });
  flow.transform("both", { type: "union", missing: "null" }, [labelled, centroids], columns<{ cluster: "int32" }>());
  flow.sink("report", { type: "report", path: "./r.html" }, { points: labelled });
  expect(flow.toJSON().transforms).toMatchObject({
    clusters: { type: "kmeans", from: "points", columns: ["x", "y"], clusterCount: 3 },
    both: { type: "union", from: ["clusters", "clusters.centroids"] },
  });
  expect(flow.toJSON().sinks).toEqual({ report: { type: "report", from: { points: "clusters" }, path: "./r.html" } });
});

it("refuses an id that is taken", () => {
  const flow = pipeline("p");
  flow.source("a", readings, columns<Reading>());
  expect(() => flow.source("a", readings, columns<Reading>())).toThrow('has an operator "a" already');
});

describe("is an error for the compiler", () => {
  const flow = pipeline("p");
  const rows = flow.source("readings", readings, columns<Reading>());

  it("a column that is not there", () => {
    // @ts-expect-error no column "valeu"
    rows.filter("a", (c) => sql`${c.valeu} > 0`);
    // @ts-expect-error no column "metric"
    rows.select("b", { id: "metric" });
    // @ts-expect-error no column "sensor"
    rows.deduplicate("c", ["sensor"]);
    // @ts-expect-error no column "day"
    rows.aggregate("d", ["day"], () => ({ rows: sql<"int64">`count(*)` }));
    expect(Object.keys(flow.toJSON().transforms!)).toEqual(["a", "b", "c", "d"]);
  });

  it("a column that a select took away", () => {
    const kept = rows.select("e", { value: "value" });
    // @ts-expect-error "metric_id" is gone
    expect(kept.deduplicate("f", ["metric_id"]).reference).toBe("f");
  });

  it("a column that is no number where numbers are needed", () => {
    // @ts-expect-error a time is no number
    expect(rows.kmeans("g", { columns: ["measured on"], clusterCount: 2 }).reference).toBe("g");
  });

  it("rows of other columns", () => {
    const takes = (given: Rows<{ readonly value: "float64" }>): string => given.reference;
    // @ts-expect-error the value is an int64
    expect(takes(flow.source("other", readings, { value: "int64" }))).toBe("other");
  });
});
