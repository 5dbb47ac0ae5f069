import { answersOf, sameNumber, timesFaster } from "../judge.ts";
import { ours, peer } from "../places.ts";
import { pointSet } from "../point-set.ts";
import type { Requirement, Scenario } from "../scenario.ts";
import { kernelCluster } from "./kernel-itself.ts";

const clusterCount = 12;
const node = "Sferic";
const inRust = "kernel-cluster";
const peerName = "scikit-learn";

/** The exact silhouette of `rows` labelled points. */
export function silhouetteScenario(name: string, rows: number, peerRepetitionsMax: number): Scenario {
  return {
    name,
    summary: `Exact silhouette, ${clusterCount} clusters, ${rows.toLocaleString("en")} points, the same labels for all.`,
    repetitions: 7,
    warmUps: 0,
    prepare: async (size) => {
      const rowCount = size === "full" ? rows : rows / 10;
      const file = await pointSet(rowCount);
      return {
        contenders: [
          { name: node, command: ours("cluster", "silhouette", file) },
          kernelCluster(inRust, name, file),
          { name: peerName, command: peer("cluster", "silhouette", file), repetitionsMax: peerRepetitionsMax },
        ],
        checks: [
          sameNumber("rows", [node, inRust, peerName]),
          sameNumber("silhouette", [node, inRust, peerName], 1e-9),
        ],
        requirements: [timesFaster(node, peerName, 15), timesFaster(inRust, peerName, 15), linearMemory(rowCount)],
      };
    },
  };
}

/** The kernel's whole process, program and points included, stays within 64 MiB and eight float64 per row and cluster. */
function linearMemory(rows: number): Requirement {
  return {
    name: `${inRust}, peak memory, O(n k): 64 MiB + 64 bytes per row and cluster`,
    bound: "at most",
    limit: 64 * 2 ** 20 + rows * clusterCount * 64,
    unit: "bytes",
    measured: (answers) => Math.max(...answersOf(answers, inRust).map(({ peakMemoryBytes }) => peakMemoryBytes)),
  };
}
