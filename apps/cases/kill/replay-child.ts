/** As child.ts, but replays the dead letters of the pipeline's checkpoint. */
import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { planPipeline, replayDeadLetters } from "@sferic/engine";

const [file, epoch, point, operatorId] = process.argv.slice(2) as [string, string?, string?, string?];
const { plan, issues } = await planPipeline(await readFile(file, "utf8"), { registry, file, probe: true });
if (plan === null) throw new Error(JSON.stringify(issues));
const { result } = await replayDeadLetters(plan, {
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
