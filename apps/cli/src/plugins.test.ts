import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { main } from "./main.ts";
import { loadPlugin } from "./plugins.ts";
import { recordedTerminal } from "./testing/recorded-terminal.ts";
import { flashesSpec, specFile } from "./testing/specs.ts";

const own = join(import.meta.dirname, "testing/first-batch.ts");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-plugins-"));
  const exported = `{ kind: "transform", type: "hail", config: {}, create() {} }`;
  await mkdir(join(folder, "node_modules/@acme/hail"), { recursive: true });
  const files = {
    "node_modules/@acme/hail/package.json": '{ "type": "module", "exports": "./index.js" }',
    "node_modules/@acme/hail/index.js": `export default [${exported}];`,
    "one.mjs": `const hail = ${exported}; export { hail, hail as alias };`,
    "none.mjs": "export const answer = 42; export default null;",
    "throws.mjs": 'throw new Error("no licence");',
    "broken.mjs": "export const = 1;",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});

test.each(["./one.mjs", "@acme/hail", "file"])("the operators of %s", async (name) => {
  const place = name === "file" ? pathToFileURL(join(folder, "one.mjs")).href : name;
  expect(await loadPlugin(place, folder)).toMatchObject([{ kind: "transform", type: "hail" }]);
});

test.each([
  ["./two.mjs", "there is no file"],
  ["one.mjs", 'write "./one.mjs"'],
  ["@acme/rain", 'there is no package "@acme/rain"'],
  ["./none.mjs", "exports no operator"],
  ["./throws.mjs", "no licence"],
  ["./broken.mjs", ""],
  ["./", ""],
])("%s is no plugin", async (name, message) => {
  await expect(loadPlugin(name, folder)).rejects.toThrow(message);
});

test("check, explain, preview and run know the operators of a spec's plugins", async () => {
  const spec = {
    ...flashesSpec,
    plugins: [own],
    transforms: { ...flashesSpec.transforms, first: { type: "first-batch", from: "strong" } },
    sinks: { csv: { ...flashesSpec.sinks.csv, from: "first" } },
  };
  const path = await specFile(spec);
  for (const args of [
    ["check", path],
    ["explain", path],
    ["preview", path, "first"],
    ["run", path],
  ]) {
    const { terminal, err } = recordedTerminal();
    expect(await main(args, terminal), `${args[0]}: ${err.text}`).toBe(0);
  }
  const { terminal, out } = recordedTerminal();
  expect(await main(["check", await specFile({ ...spec, plugins: ["./none.ts"] })], terminal)).toBe(2);
  expect(out.text).toMatch(/error\[plugin-unavailable\].*"\.\/none\.ts".*there is no file/);
  expect(out.text).toMatch(/error\[unknown-operator\].*"first-batch"/);
});
