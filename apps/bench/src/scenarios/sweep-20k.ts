import { answersOf, sameNumber, timesFaster } from "../judge.ts";
import { ours, peer } from "../places.ts";
import { pointSet } from "../point-set.ts";
import type { Answers, Check, Scenario } from "../scenario.ts";
import { kernelCluster } from "./kernel-itself.ts";

const node = "Sferic";
const inRust = "kernel-cluster";
const peerName = "scikit-learn";

/** How many clusters? */
export const sweep20k: Scenario = {
  name: "sweep-20k",
  summary: "Elbow for k = 1 to 23 and silhouette for k = 2 to 23, ten starts each, 20,000 points.",
  repetitions: 5,
  warmUps: 0,
  prepare: async (size) => {
    const file = await pointSet(size === "full" ? 20_000 : 2000);
    return {
      contenders: [
        { name: node, command: ours("cluster", "sweep", file) },
        kernelCluster(inRust, "sweep-20k", file),
        { name: peerName, command: peer("cluster", "sweep", file), repetitionsMax: 2 },
      ],
      checks: [sameNumber("rows", [node, inRust, peerName]), inertiasAlike, silhouettesAlike],
      requirements: [timesFaster(node, peerName, 50), timesFaster(inRust, peerName, 50)],
    };
  },
};

/** Every k ends in a local minimum of its own; over all k the difference must vanish. */
const inertiasAlike: Check = {
  name: "inertia equal or better",
  judge: (answers) => {
    const [own, theirs] = firstLists(answers, "inertias");
    const ratios = own.map((inertia, index) => inertia / theirs[index]!);
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    const worst = Math.max(...ratios);
    const found = `ratio over all k, first seed: mean ${mean.toFixed(5)} (at most 1.001), worst ${worst.toFixed(5)} (at most 1.02)`;
    return { holds: mean <= 1.001 && worst <= 1.02, found };
  },
};

/** Silhouettes of the fits; they are exact, but the fits are not the same. */
const silhouettesAlike: Check = {
  name: "silhouette alike",
  judge: (answers) => {
    const [own, theirs] = firstLists(answers, "silhouettes");
    const mean = own.reduce((sum, value, index) => sum + value - theirs[index]!, 0) / own.length;
    return {
      holds: Math.abs(mean) <= 0.01,
      found: `mean difference over all k, first seed: ${mean.toFixed(4)} (within 0.01)`,
    };
  },
};

function firstLists(answers: Answers, value: string): [number[], number[]] {
  const first = (contender: string): number[] => answersOf(answers, contender)[0]![value] as number[];
  return [first(node), first(peerName)];
}
