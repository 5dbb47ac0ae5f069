import { cp, mkdtemp, readFile, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runPipeline } from "../run.ts";
import { Recorder } from "./recorder.ts";
import { scratchFolder } from "./scratch.ts";

/** A pipeline that makes three epochs of thirty numbers. */
export const threeEpochs = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 10 } },
  sinks: { a: { type: "keeper", from: "numbers" } },
  run: { trigger: "available-now" },
};

/** A checkpoint and the outside world of its runs. */
export interface Ran {
  readonly directory: string;
  readonly recorder: Recorder;
}

let original: Promise<Ran> | undefined;

/** The checkpoint of the three epochs, a copy for each test; they run once in a file. */
export async function ranThreeEpochs(): Promise<Ran> {
  const { directory: from, recorder: before } = await (original ??= run());
  const [directory, recorder] = [join(await scratchFolder(), "check"), new Recorder()];
  await cp(from, directory, { recursive: true });
  Object.assign(recorder.available, before.available);
  for (const [key, rows] of before.visible) recorder.visible.set(key, rows);
  return { directory, recorder };
}

async function run(): Promise<Ran> {
  const [directory, recorder] = [join(await mkdtemp(join(tmpdir(), "sferic-three-")), "check"), new Recorder()];
  recorder.available["numbers"] = 30;
  const { error } = await runPipeline(threeEpochs, { registry: recorder.registry, checkpoint: directory });
  if (error !== undefined) throw error as Error;
  return { directory, recorder };
}

/** Cuts the end off a record, as a power failure may. */
export async function tear(path: string): Promise<void> {
  await truncate(path, (await readFile(path)).length - 3);
}
