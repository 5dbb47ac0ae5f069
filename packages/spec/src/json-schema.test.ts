import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { FieldSchema } from "./field-schema.ts";
import { jsonSchema } from "./json-schema.ts";
import { pipelines } from "./testing/pipelines.ts";
import { definitions, doubles } from "./testing/registry.ts";

const schema = (await jsonSchema(doubles())) as FieldSchema;
const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);

describe("jsonSchema", () => {
  it.each(Object.entries(pipelines))("takes %s", (_, text) => {
    expect(validator.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  it.each([
    ["an unknown field of the spec", '"name"', '"nmae"'],
    ["an unknown field of an operator", '"seed": 60', '"sede": 60'],
    ["an unknown operator", '"kmeans"', '"kmaens"'],
    ["an operator of another kind", '"kmeans"', '"duckdb"'],
    ["an unknown format", '"glm"', '"gml"'],
    ["an unknown field of a format", '"type": "parquet" }', '"type": "parquet", "compresion": "zstd" }'],
    ["a wrong type", '"initializations": 10', '"initializations": "ten"'],
    ["a value out of range", '"clusterCount": 12', '"clusterCount": 0'],
    ["a missing input", '"points": "clusters", ', ""],
    ["an unknown input", '"points": "clusters", ', '"points": "clusters", "more": "clusters", '],
  ])("refuses %s", (_, right, wrong) => {
    const text = pipelines["lightning-clusters"]!;
    expect(text).toContain(right);
    expect(validator.safeParse(JSON.parse(text.replace(right, wrong))).success).toBe(false);
  });

  it("takes a placeholder where a number stands", () => {
    const text = pipelines["lightning-clusters"]!.replace('"clusterCount": 12', '"clusterCount": "${param:k}"');
    expect(validator.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  it("has every operator, with descriptions", () => {
    const names = definitions.map((definition) => `${definition.kind}.${definition.type}`);
    expect(Object.keys(schema.$defs!)).toEqual(expect.arrayContaining(names));
    const kmeans = schema.$defs!["transform.kmeans"]!;
    expect(kmeans.description).toBe("Transform kmeans.");
    expect(kmeans.properties!["clusterCount"]!.description).toBe("Number of clusters.");
    expect(kmeans.properties!["columns"]!.description).toBe("Numeric columns.");
  });

  it("resolves every reference", () => {
    const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map((match) => match[1]!);
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((name) => !Object.hasOwn(schema.$defs!, name))).toEqual([]);
  });
});
