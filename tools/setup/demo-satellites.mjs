/** `npm run demo:satellites`: everything from a clone to a Delta table that a Kafka topic fills. */
import { join } from "node:path";
import { fail } from "./fail.mjs";
import { handOver } from "./phases.mjs";
import { root } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { requireNode } from "./prerequisites.mjs";

await prepare().catch(fail);
process.exitCode = await handOver(requireNode(), [
  "--conditions=@sferic/source",
  "--disable-warning=ExperimentalWarning",
  join(root, "tools/demo-satellites/main.ts"),
  ...process.argv.slice(2),
]);
