/**
 * Runs a pipeline to its end and prints the result as JSON: `child.ts <spec> [<epoch> <protocol point> [<operator>]]`.
 * With a point given, the process kills itself with SIGKILL when the run gets there. Exits with 1 when the run failed,
 * telling why on stderr.
 */
import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";

const [file, epoch, point, operatorId] = process.argv.slice(2) as [string, string?, string?, string?];
const result = await runPipeline(await readFile(file, "utf8"), {
  registry,
  file,
  onEvent: (event) => {
    if (event.type !== "point" || event.epoch !== Number(epoch) || event.point !== point) return;
    if (operatorId === undefined || event.operatorId === operatorId) process.kill(process.pid, "SIGKILL");
  },
});
console.log(JSON.stringify(result));
if (result.state === "failed") {
  console.error(JSON.stringify(result.error));
  process.exitCode = 1;
}
