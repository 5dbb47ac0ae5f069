import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "./commands.ts";
import { cacheDirectory, kernel, root } from "./places.ts";

const crates = ["kernel-netcdf", "kernel-cluster", "kernel-formats"] as const;

const target = process.env["CARGO_TARGET_DIR"] ?? join(cacheDirectory, "target");

/** Builds the kernels' benchmark examples. They share a name, so each is copied away before the next is built. */
export async function buildKernels(): Promise<void> {
  for (const crate of crates) {
    await runCommand(["cargo", "build", "--release", "--quiet", "--locked", "-p", crate, "--example", "bench"], {
      cwd: join(root, "native"),
      env: { CARGO_TARGET_DIR: target },
    });
    const [copy = ""] = kernel(crate);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(target, "release/examples/bench"), copy);
  }
}
