import { expect, test } from "vitest";
import { addonUses, deadFiles, machinePlaces } from "./files.ts";
import { checkout, madeUp } from "./tree.ts";

test("no dead files", () => {
  expect(deadFiles(checkout())).toEqual([]);
});

test("a file that nothing uses is found", () => {
  const tree = madeUp({
    "packages/engine/src/index.ts": 'export * from "./run.ts";',
    "packages/engine/src/run.ts": "",
    "packages/engine/src/runner.ts": "// run.ts",
    "packages/engine/src/runner.test.ts": 'import "./runner.ts";',
    "native/crates/kernel-a/src/lib.rs": "mod tree;\npub(crate) mod leaf;",
    "native/crates/kernel-a/src/tree.rs": "",
    "native/crates/kernel-a/src/leaf/mod.rs": "",
    "native/crates/kernel-a/src/root.rs": "",
  });
  expect(deadFiles(tree)).toEqual([
    "packages/engine/src/runner.ts: nothing uses this file",
    "native/crates/kernel-a/src/root.rs: no module declares this file",
  ]);
});

test("no machine's paths and no registry hosts", () => {
  expect(machinePlaces(checkout())).toEqual([]);
});

test("a machine's path and a registry's host are found", () => {
  const home = ["", "home", "ada", "data"].join("/");
  const host = ["registry", "example", "org"].join(".");
  const tree = madeUp({
    "a.md": `x\n\`${home}\``,
    "b.json": `"https://${host}/x"`,
    "c.ts": '"./work/x"; "/api/v1/root/x"',
  });
  expect(machinePlaces(tree)).toEqual([
    `a.md:2: a path of one machine: ${home.replace("/data", "")}`,
    `b.json:1: a package registry's host: ${host}`,
  ]);
});

test("only bindings loads the addon", () => {
  expect(addonUses(checkout())).toEqual([]);
});

test("an addon loaded elsewhere is found", () => {
  const tree = madeUp({
    "packages/bindings/src/addon.ts": 'import "@sferic/native";',
    "packages/engine/src/a.ts": 'import "@sferic/native";',
    "packages/engine/src/b.ts": 'require("./sferic.linux-x64-gnu.node")',
  });
  expect(addonUses(tree)).toEqual([
    "packages/engine/src/a.ts:1: only packages/bindings loads the addon",
    "packages/engine/src/b.ts:1: only packages/bindings loads the addon",
  ]);
});
