import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { UsageError } from "./arguments.ts";
import { buildKernels } from "./build-kernels.ts";
import { runCommand } from "./commands.ts";
import { cacheDirectory, isThere, kernelDirectory, ourPrograms, root } from "./places.ts";
import type { Contender } from "./scenario.ts";

/** Another commit of this repository, checked out and built. */
export interface OtherBuild {
  /** Its full hash. */
  readonly commit: string;
  readonly checkout: string;
  /** Its kernels' examples. */
  readonly kernels: string;
}

/**
 * Checks out a commit into the cache folder and builds it there, unless both are done. Takes some minutes the first time:
 * its compiled Rust is apart from that of this checkout. Throws {@link UsageError} when there is no such commit.
 */
export async function buildCommit(name: string): Promise<OtherBuild> {
  const commit = hashOf(name);
  const cache = join(cacheDirectory, "against");
  const checkout = join(cache, commit);
  if (!isThere(checkout)) {
    await runCommand(["git", "clone", "--quiet", "--no-checkout", root, checkout]);
    await runCommand(["git", "checkout", "--quiet", commit], { cwd: checkout });
  }
  const env = { SFERIC_CACHE_DIR: cache };
  await runCommand([process.execPath, join(checkout, "tools/setup/build.mjs")], { cwd: checkout, env });
  const kernels = join(checkout, "node_modules/.cache/sferic/kernels");
  await buildKernels({ checkout, target: join(cache, "target"), directory: kernels });
  return { commit, checkout, kernels };
}

function hashOf(name: string): string {
  try {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  } catch {
    throw new UsageError(`--against takes a commit of this repository; "${name}" is none.`);
  }
}

/** Whether a contender runs something of this checkout that another build has too, and not just once. */
export function isOurs({ command, repetitionsMax }: Contender): boolean {
  return repetitionsMax === undefined && command.some((word) => ourPrograms.some((place) => word.includes(place)));
}

/** The same contender, as the other build runs it on the same data. */
export function inBuild(contender: Contender, { checkout, kernels }: OtherBuild): Contender {
  const command = contender.command.map((word) =>
    word.replaceAll(kernelDirectory, kernels).replaceAll(`${root}/`, `${checkout}/`),
  );
  return { ...contender, command };
}
