/** `npm run bench`: everything from a clone to Sferic and its peers side by side. */
import { join } from "node:path";
import { fail } from "./fail.mjs";
import { claimTargetDirectory } from "./native.mjs";
import { handOver } from "./phases.mjs";
import { root } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { requireNode } from "./prerequisites.mjs";

await prepare().catch(fail);
process.exitCode = await handOver(requireNode(), [join(root, "apps/bench/src/main.ts"), ...process.argv.slice(2)], {
  CARGO_TARGET_DIR: claimTargetDirectory(),
});
