import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { atMostSeconds, sameNumber } from "../judge.ts";
import { ours, root, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const oneCore = "Sferic, one core";
const all = "Sferic";
const library = "flatbuffers (JavaScript)";

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
    await runCommand(ours("flatbuffers-js", "make", file, String(count)));
    const decode = ours("flatbuffers", file, join(root, "apps/cli/templates/satellite-lake/data/event.fbs"));
    return {
      contenders: [
        { name: oneCore, command: ["taskset", "-c", "0", ...decode] },
        { name: all, command: decode },
        { name: library, command: ours("flatbuffers-js", "decode", file) },
      ],
      checks: [sameNumber("rows", [oneCore, all, library]), sameNumber("sum", [oneCore, all, library], 1e-12)],
      requirements: [atMostSeconds(oneCore, count / perSecondMin)],
    };
  },
};
