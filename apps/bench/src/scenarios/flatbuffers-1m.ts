import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { atMostSeconds, sameNumber } from "../judge.ts";
import { kernelExample, library, ours, root, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";
import { kernelItself } from "./kernel-itself.ts";

const oneCore = "Sferic, one core";
const all = "Sferic";
const kernel = "kernel-formats, one core";
const flatbuffersJs = "flatbuffers (JavaScript)";

/** Events that one core has to decode in a second. */
const perSecondMin = 5_000_000;

/** Messages to Arrow. */
export const flatbuffers1m: Scenario = {
  name: "flatbuffers-1m",
  summary:
    "1,000,000 FlatBuffers events of the satellites, 8 fields each, in memory, to columns. Sferic verifies each; the library trusts them.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const count = size === "full" ? 1_000_000 : 50_000;
    const folder = join(workDirectory, "flatbuffers");
    const file = join(folder, `${count}.fb`);
    await mkdir(folder, { recursive: true });
    await runCommand(library("flatbuffers-js", "make", file, String(count)));
    const schema = join(root, "apps/cli/templates/satellite-lake/data/event.fbs");
    const decode = ours("flatbuffers", file, schema);
    const alone = [kernelExample("kernel-formats", "flatbuffers"), schema, file, "temp_c", "1"];
    return {
      contenders: [
        { name: oneCore, command: ["taskset", "-c", "0", ...decode] },
        { name: all, command: decode },
        kernelItself(kernel, alone),
        { name: flatbuffersJs, command: library("flatbuffers-js", "decode", file) },
      ],
      checks: [
        sameNumber("rows", [oneCore, all, kernel, flatbuffersJs]),
        sameNumber("sum", [oneCore, all, kernel, flatbuffersJs], 1e-9),
      ],
      requirements: [kernel, oneCore].map((contender) => atMostSeconds(contender, count / perSecondMin)),
    };
  },
};
