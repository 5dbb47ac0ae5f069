import { expect, test } from "vitest";
import { manifests, readmes } from "./packages.ts";
import { checkout, madeUp } from "./tree.ts";

test("every package says what it is", () => {
  expect(readmes(checkout())).toEqual([]);
});

test("a missing, an endless and an empty README are found", () => {
  const tree = madeUp({
    "packages/a/package.json": '{ "name": "a" }',
    "packages/b/package.json": '{ "name": "b" }',
    "packages/b/README.md": "b\n".repeat(100),
    "packages/c/package.json": '{ "name": "c" }',
    "packages/c/README.md": "The file to read first is `run.ts`.",
    "packages/c/src/run.ts": "",
    "native/crates/k/Cargo.toml": "",
    "native/crates/k/README.md": "**The file to read first** is `src/gone.rs`.",
  });
  expect(readmes(tree)).toEqual([
    "packages/a/README.md: is missing",
    "packages/b/README.md: is longer than a page (60 lines)",
    "packages/b/README.md: does not name the file to read first, or it does not exist",
    "native/crates/k/README.md: does not name the file to read first, or it does not exist",
  ]);
});

test("manifests agree", () => {
  expect(manifests(checkout())).toEqual([]);
});

test("manifests that disagree are found", () => {
  const tree = madeUp({
    "package.json":
      '{ "version": "0.1.0", "license": "Apache-2.0", "type": "module", "devDependencies": { "x": "^1.0.0" } }',
    "packages/a/package.json": '{ "name": "a", "version": "0.2.0", "license": "Apache-2.0", "type": "module" }',
  });
  expect(manifests(tree)).toEqual([
    "package.json: x has no exact version (^1.0.0)",
    "packages/a/package.json: version differs from the root's",
  ]);
});
