import { expect, it } from "vitest";
import { inBuild, isOurs } from "./against.ts";
import { type Comparison, keepsSpeed } from "./compare.ts";
import { kernel, library, ours, peer, sferic, wholeProcess } from "./places.ts";

const other = { commit: "0123", checkout: "/other", kernels: "/other/kernels" };

function contender(command: readonly string[]): { name: string; command: readonly string[] } {
  return { name: "a", command };
}

it("contenders of Sferic are ours, peers are not", () => {
  const own = [ours("glm"), wholeProcess("", kernel("kernel-netcdf")), wholeProcess("", [...sferic, "run"])];
  const peers = [library("h5wasm"), peer("glm"), wholeProcess("", peer("streams"))];
  expect(own.map((command) => isOurs(contender(command)))).toEqual([true, true, true]);
  expect(peers.map((command) => isOurs(contender(command)))).toEqual([false, false, false]);
});

it("another build runs its own programs and kernels", () => {
  const [, , , program, kernelProgram] = [
    ...inBuild(contender(wholeProcess("", [sferic[1]!])), other).command,
    ...inBuild(contender(kernel("kernel-netcdf")), other).command,
  ];
  expect([program, kernelProgram]).toEqual(["/other/apps/cli/bin/sferic.js", "/other/kernels/kernel-netcdf-bench"]);
});

it("a build keeps its speed within 3 %, or where the interval holds 1", () => {
  const comparison = (ratio: number, low: number, high: number): Comparison => ({
    scenario: "s",
    contender: "c",
    loadBefore: 0,
    seconds: [ratio, 1],
    ratio,
    interval: [low, high],
  });
  expect(keepsSpeed(comparison(1.03, 1.02, 1.04))).toBe(true);
  expect(keepsSpeed(comparison(1.05, 0.99, 1.1))).toBe(true);
  expect(keepsSpeed(comparison(1.05, 1.01, 1.1))).toBe(false);
});
