import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "./commands.ts";
import { cacheDirectory, kernelExample, root } from "./places.ts";

const examples = [
  { crate: "kernel-netcdf", example: "bench" },
  { crate: "kernel-cluster", example: "bench" },
  { crate: "kernel-formats", example: "bench" },
  { crate: "kernel-formats", example: "flatbuffers" },
] as const;

const target = process.env["CARGO_TARGET_DIR"] ?? join(cacheDirectory, "target");

/** Builds the kernels' benchmark examples. Some share a name, so each is copied away before the next is built. */
export async function buildKernels(): Promise<void> {
  for (const { crate, example } of examples) {
    await runCommand(["cargo", "build", "--release", "--quiet", "--locked", "-p", crate, "--example", example], {
      cwd: join(root, "native"),
      env: { CARGO_TARGET_DIR: target },
    });
    const copy = kernelExample(crate, example);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(target, "release/examples", example), copy);
  }
}
