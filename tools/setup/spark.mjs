/** `npm run test:spark`: the checks that ask Delta Lake on Spark, in a Python environment of their own. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { countVitest, keepCounts, summaryLine } from "./counts.mjs";
import { fail } from "./fail.mjs";
import { handOver } from "./phases.mjs";
import { notes, root } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { requireNode } from "./prerequisites.mjs";

const report = join(notes, "spark.json");

await prepare().catch(fail);
mkdirSync(notes, { recursive: true });
rmSync(report, { force: true });
const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`];
const config = ["--config", join(root, "apps/cases/spark/vitest.config.ts")];
process.exitCode = await handOver(requireNode(), [
  join(root, "node_modules/vitest/vitest.mjs"),
  "run",
  ...config,
  ...reporters,
  ...process.argv.slice(2),
]);
const counts = countVitest(existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined);
keepCounts("test-spark", counts);
console.log(summaryLine(counts));
