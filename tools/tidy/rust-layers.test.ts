import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CargoMetadata, rustLayers } from "./rust-layers.ts";
import { root } from "./tree.ts";

test("kernels stand alone and only binding knows Node", () => {
  const args = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
  const metadata = JSON.parse(
    execFileSync("cargo", args, { cwd: join(root, "native"), encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }),
  ) as CargoMetadata;
  expect(metadata.packages.map((crate) => crate.name)).toContain("binding");
  expect(rustLayers(metadata)).toEqual([]);
});

test("a kernel that uses another kernel or napi is found", () => {
  const metadata = {
    packages: [
      {
        name: "binding",
        dependencies: [
          { name: "napi", kind: null },
          { name: "kernel-a", kind: null },
        ],
      },
      {
        name: "kernel-a",
        dependencies: [
          { name: "kernel-b", kind: "dev" },
          { name: "napi-derive", kind: null },
        ],
      },
    ],
  };
  expect(rustLayers(metadata)).toEqual([
    "kernel-a: kernels do not depend on kernel-b",
    "kernel-a: only the crate binding may depend on napi-derive",
  ]);
});
