import { answersOf, sameNumber, timesFaster } from "../judge.ts";
import { ours, peer } from "../places.ts";
import { pointSet } from "../point-set.ts";
import type { Answers, Check, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { kernelCluster } from "./kernel-cluster.ts";

const node = "Sferic";
const inRust = "kernel-cluster";
const peerName = "scikit-learn";

/** k-means on many points. */
export const kmeans1m: Scenario = {
  name: "kmeans-1m",
  summary: "k-means, k = 12, ten starts, 1,000,000 points of two dimensions.",
  repetitions: 7,
  warmUps: 1,
  prepare: async (size) => {
    const file = await pointSet(size === "full" ? 1_000_000 : 100_000);
    return {
      contenders: [
        { name: node, command: ours("cluster", "kmeans", file) },
        kernelCluster(inRust, "kmeans-1m", file),
        { name: peerName, command: peer("cluster", "kmeans", file) },
      ],
      checks: [sameNumber("rows", [node, inRust, peerName]), equalOrBetterInertia],
      requirements: [timesFaster(node, peerName, 10), timesFaster(inRust, peerName, 10)],
    };
  },
};

/** Both ended in local minima that depend on the seed, so medians over the seeds are compared. */
const equalOrBetterInertia: Check = {
  name: "inertia equal or better",
  judge: (answers) => {
    const [own, theirs] = [medianInertia(answers, node), medianInertia(answers, peerName)];
    const seedCount = answersOf(answers, node).length;
    const found = `median over ${seedCount} seeds of the best of ten starts: ${own.toFixed(0)} against ${theirs.toFixed(0)} (${(own / theirs).toFixed(5)}, at most 1.001)`;
    return { holds: own <= theirs * 1.001, found };
  },
};

function medianInertia(answers: Answers, contender: string): number {
  return median(answersOf(answers, contender).map(({ inertia }) => Number(inertia)));
}
