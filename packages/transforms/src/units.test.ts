import { type Column, column, ConfigError, Schema, type TransformDefinition } from "@sferic/operator";
import { planContext } from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { filter } from "./filter.ts";
import { select } from "./select.ts";

const power = new Schema([
  column("dc", "float64", { unit: "W" }),
  column("ac", "float64", { unit: "W" }),
  column("rated", "float64", { unit: "kW" }),
]);

function output(definition: unknown, config: object): readonly Column[] {
  const { output, config: fields } = definition as TransformDefinition;
  const ports = output({ main: power }, fields.parse(config), planContext({ directory: "." })) as { main: Schema };
  return ports.main.columns;
}

function problems(definition: unknown, config: object): ConfigError["problems"] {
  try {
    output(definition, config);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe("values in W and in kW cannot be", () => {
  it.each([
    ["added", select, { columns: { x: "dc + rated" } }, "/columns/x", 3],
    ["compared", filter, { where: "dc > rated" }, "/where", 3],
    ["summed together", aggregate, { measures: { x: "sum(dc) - sum(rated)" } }, "/measures/x", 8],
  ])("%s", (_, definition, config, pointer, offset) => {
    expect(problems(definition, config)).toMatchObject([
      { code: "unit-mismatch", pointer, offset, message: expect.stringMatching(/in W and in kW/) },
    ]);
  });
});

it("a result has the unit of what it is computed from", () => {
  const columns = output(select, { columns: { loss: "dc - ac", ratio: "ac / dc", same: "rated" } });
  expect(columns.map(({ name, unit }) => [name, unit])).toEqual([
    ["loss", "W"],
    ["ratio", undefined],
    ["same", "kW"],
  ]);
  expect(output(aggregate, { measures: { mean: "avg(dc)", rows: "count(*)" } }).map(({ unit }) => unit)).toEqual([
    "W",
    undefined,
  ]);
});
