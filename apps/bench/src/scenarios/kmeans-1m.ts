import { answersOf, sameNumber, timesFaster } from "../judge.ts";
import { ours, peer } from "../places.ts";
import { pointSet } from "../point-set.ts";
import type { Answers, Check, Scenario } from "../scenario.ts";
import { mean, standardErrorOfDifference } from "../statistics.ts";
import { kernelCluster } from "./kernel-itself.ts";

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

/**
 * Both end in local minima that depend on the seed, so means over the seeds are compared: ours may be 0.1 % larger, or as
 * much as chance explains (two standard errors of the difference).
 */
const equalOrBetterInertia: Check = {
  name: "inertia equal or better",
  judge: (answers) => {
    const [own, theirs] = [inertias(answers, node), inertias(answers, peerName)];
    const more = mean(own) / mean(theirs) - 1;
    const chance = (2 * standardErrorOfDifference(own, theirs)) / mean(theirs);
    const found =
      `best of ten starts, mean over ${own.length} seeds: ${mean(own).toPrecision(6)} against ${mean(theirs).toPrecision(6)}, ` +
      `${percent(more)} more; least ${Math.min(...own).toPrecision(6)} against ${Math.min(...theirs).toPrecision(6)}; ` +
      `at most 0.1 % or chance, ${percent(chance)}`;
    return { holds: more <= Math.max(0.001, chance), found };
  },
};

function inertias(answers: Answers, contender: string): number[] {
  return answersOf(answers, contender).map(({ inertia }) => Number(inertia));
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} %`;
}
