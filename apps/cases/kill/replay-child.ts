/** As child.ts, but replays the dead letters of the pipeline's checkpoint. */
import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { planPipeline, replayDeadLetters } from "@sferic/engine";
import { killAt, tell } from "./victim.ts";

const [file = "", ...point] = process.argv.slice(2);
const { plan, issues } = await planPipeline(await readFile(file, "utf8"), { registry, file, probe: true });
if (plan === null) throw new Error(JSON.stringify(issues));
tell((await replayDeadLetters(plan, { onEvent: killAt(point) })).result);
