import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, specFile } from "../testing/specs.ts";

const bright = { flash_id: 1, flash_energy: 2e-13, flash_time: "2018-07-02T04:33:00Z" };
const dim = { flash_id: 2, flash_energy: 1e-14 };

/** The spec of the command's tests with tests of its own, and a transform with arithmetic. */
function specWith(...tests: object[]): object {
  const femto = { type: "select", from: "strong", columns: { id: "flash_id", energy_fj: "flash_energy * 1e15" } };
  return { ...flashesSpec, transforms: { ...flashesSpec.transforms, femto }, tests };
}

const passing = {
  name: "dim flashes go",
  given: { flashes: [dim, bright] },
  expect: {
    strong: [bright],
    "strong.main": [{ flash_id: 1, flash_time: "2018-07-02T06:33:00+02:00" }],
    femto: [{ id: 1, energy_fj: 200 }],
    csv: [{ flash_id: 1 }],
  },
};

const failing = {
  name: "All stay",
  given: { flashes: [dim, bright] },
  expect: { strong: [bright, dim], femto: [{ id: 1, energy_fj: 201 }] },
};

test("tests pass on given rows, of a source that has no files, and nothing is left", async () => {
  const path = await specFile(specWith(passing, { name: "no rows", given: {}, expect: { strong: [] } }));
  const { code, out, err } = await sferic("test", path);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out.replaceAll(/\([^)]*\)/g, "(time)")).toBe(
    "✓ dim flashes go (time)\n✓ no rows (time)\n\n2 tests: 2 passed\n",
  );
  expect(await readdir(dirname(path))).toEqual(["pipeline.json"]);
});

test("a failing test shows the rows that are missing and those that are not expected", async () => {
  const path = await specFile(specWith(passing, failing));
  const { code, out } = await sferic("test", path, "--filter", "all stay");
  expect(code).toBe(1);
  expect(out.replaceAll(/\(\d[^)]*\)/g, "(time)")).toBe(`✗ All stay (time)
  strong: 1 row missing, 1 as expected
               flash_id  flash_time  flash_energy
    - missing         2        null         1e-14
  femto: 1 row missing, 1 unexpected
                  id  energy_fj
    - missing      1        201
    + unexpected   1        200

1 test: 0 passed, 1 failed
`);
});

test("--json gives the same as data", async () => {
  const path = await specFile(specWith(passing, failing));
  const { code, out } = await sferic("test", path, "--json");
  expect(code).toBe(1);
  const { tests } = JSON.parse(out) as { tests: unknown[] };
  expect(tests).toMatchObject([
    { name: "dim flashes go", passed: true, differences: [] },
    {
      name: "All stay",
      passed: false,
      differences: [
        { target: "strong", missing: [{ flash_id: 2 }], unexpected: [], matching: 1 },
        { target: "femto", missing: [{ energy_fj: 201 }], unexpected: [{ energy_fj: 200 }], matching: 0 },
      ],
    },
  ]);
});

test("mistakes in tests are issues with a place and a suggestion", async () => {
  const path = await specFile(
    specWith({
      name: "wrong",
      given: { flashs: [{ flash_enrgy: 1 }, { flash_id: "one" }] },
      expect: { "strng.mian": [], femto: [{ energy_f: 1 }] },
    }),
  );
  const { code, out } = await sferic("check", path, "--json");
  expect(code).toBe(2);
  const first = (JSON.parse(out) as { issues: { pointer: string; hint: string; code: string }[] }).issues;
  expect(first.filter(({ code }) => code !== "unused-operator").map(({ pointer, hint }) => [pointer, hint])).toEqual([
    ["/tests/0/given/flashs", "flashes"],
    ["/tests/0/expect/strng.mian", "strong"],
  ]);
  expect((await sferic("check", path, "--fix")).code).toBe(2);
  const { tests } = JSON.parse(await readFile(path, "utf8")) as { tests: object };
  expect(tests).toMatchObject([
    { given: { flashes: [{ flash_energy: 1 }, {}] }, expect: { "strong.main": [], femto: [{ energy_fj: 1 }] } },
  ]);
  const { issues } = JSON.parse((await sferic("test", path, "--json")).out) as { issues: { severity: string }[] };
  expect(issues.filter(({ severity }) => severity === "error")).toMatchObject([
    { pointer: "/tests/0/given/flashes/1/flash_id", message: '"one" is not a whole number of 32 bits without a sign' },
  ]);
});

test("a pipeline that fails on the rows of a test fails that test, and says why", async () => {
  const kmeans = { type: "kmeans", from: "strong", columns: ["flash_lon", "flash_lat"], clusterCount: 3 };
  const spec = {
    ...flashesSpec,
    transforms: { ...flashesSpec.transforms, kmeans },
    tests: [
      { name: "too few", given: { flashes: [{ ...bright, flash_lon: 1, flash_lat: 2 }] }, expect: { kmeans: [] } },
    ],
  };
  const { code, out } = await sferic("test", await specFile(spec));
  expect(code).toBe(1);
  expect(out).toMatch(/✗ too few .*\n {2}error\[cluster-count-exceeds-rows\] in operator "kmeans": /);
});

test.each([
  ["a spec without tests", flashesSpec, [], "The spec has no tests."],
  ["a filter that nothing matches", specWith(passing), ["--filter", "x"], 'No test has "x" in its name'],
])("%s is told apart from success", async (_, spec, options, message) => {
  const { code, err } = await sferic("test", await specFile(spec), ...options);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

test("columns that nothing declares and no file shows cannot be given rows", async () => {
  const spec = {
    name: "p",
    sources: { a: { type: "files", url: "./none/*.csv", format: { type: "csv" } } },
    sinks: { b: { type: "console", from: "a" } },
    tests: [{ name: "t", given: { a: [{ n: 1 }] }, expect: { a: [{ n: 1 }] } }],
  };
  const { code, out } = await sferic("test", await specFile(spec));
  expect(code).toBe(1);
  expect(out).toContain('error[unknown-schema] in operator "a": The columns of the source "a" are not known');
});
