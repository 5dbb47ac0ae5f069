/**
 * Runs a pipeline to its end and prints the result as JSON: `child.ts <spec> [<epoch> <protocol point> [<operator>]]`.
 * With a point given, the process kills itself with SIGKILL when the run gets there. Exits with 1 when the run failed,
 * telling why on stderr.
 */
import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { killAt, tell } from "./victim.ts";

const [file = "", ...point] = process.argv.slice(2);
tell(await runPipeline(await readFile(file, "utf8"), { registry, file, onEvent: killAt(point) }));
