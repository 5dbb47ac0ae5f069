/** `npm run demo`: everything from a clone to lightning on a map. */
import { join } from "node:path";
import { fail } from "./fail.mjs";
import { handOver } from "./phases.mjs";
import { root } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { requireNode } from "./prerequisites.mjs";

await prepare().catch(fail);
process.exitCode = await handOver(requireNode(), [
  join(root, "apps/cli/bin/sferic.js"),
  "demo",
  ...process.argv.slice(2),
]);
