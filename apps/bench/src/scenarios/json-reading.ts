import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { sameNumber, timesFaster } from "../judge.ts";
import { ours, peer, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const peers = ["DuckDB", "Polars", "pyarrow"] as const;

/** One JSON file to rows in memory. */
export const jsonReading: Scenario = {
  name: "json-reading",
  summary:
    "One JSON file of 2,000,000 click events, objects and lists nested in each, about 530 MB of lines, declared types, to rows in memory.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const rows = size === "full" ? 2_000_000 : 200_000;
    const folder = join(workDirectory, "json");
    const file = join(folder, `${rows}.json`);
    await mkdir(folder, { recursive: true });
    await runCommand(peer("json_reading", "make", file, String(rows)));
    return {
      contenders: [
        { name: node, command: ours("reading", "json", file) },
        ...peers.map((one) => ({ name: one, command: peer("json_reading", one.toLowerCase(), file) })),
      ],
      checks: [sameNumber("rows", [node, ...peers])],
      requirements: [timesFaster(node, "DuckDB", 1 / 1.3)],
    };
  },
};
