import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./commands.ts";
import { cacheDirectory, kernelDirectory, kernelExample, root } from "./places.ts";

const examples = [
  { crate: "kernel-netcdf", example: "bench" },
  { crate: "kernel-cluster", example: "bench" },
  { crate: "kernel-formats", example: "bench" },
  { crate: "kernel-formats", example: "flatbuffers" },
] as const;

/** A checkout whose kernels are built. */
export interface KernelPlaces {
  /** Its root folder. */
  readonly checkout: string;
  /** Cargo's target folder for it. */
  readonly target: string;
  /** Where the examples are copied to. */
  readonly directory: string;
}

const here: KernelPlaces = {
  checkout: root,
  target: process.env["CARGO_TARGET_DIR"] ?? join(cacheDirectory, "target"),
  directory: kernelDirectory,
};

/** Builds the kernels' benchmark examples. Some share a name, so each is copied away before the next is built. */
export async function buildKernels({ checkout, target, directory } = here): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const { crate, example } of examples) {
    await runCommand(["cargo", "build", "--release", "--quiet", "--locked", "-p", crate, "--example", example], {
      cwd: join(checkout, "native"),
      env: { CARGO_TARGET_DIR: target },
    });
    await copyFile(join(target, "release/examples", example), kernelExample(crate, example, directory));
  }
}
