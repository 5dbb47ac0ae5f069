/** From a clone to something that runs. */
import { installPackages } from "./install.mjs";
import { buildNative } from "./native.mjs";
import { run } from "./phases.mjs";
import { requireCompilers, requireNode } from "./prerequisites.mjs";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.mjs";

/** Installs packages, builds the native core and the `sferic` command; each only as far as something changed. */
export async function prepare() {
  // Told first, not after a minute of downloads.
  if (!existsSync(join(root, "node_modules"))) requireCompilers();
  await installPackages();
  requireNode();
  await buildNative();
  await run("TypeScript", "tsc", ["-b", "apps/cli"]);
}
