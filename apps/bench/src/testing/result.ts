import type { ScenarioResult } from "../measure.ts";

/** A made-up outcome of a full run, with whatever a test wants different. */
export function result(changes: Partial<ScenarioResult> = {}): ScenarioResult {
  return {
    name: "kmeans-1m",
    summary: "k-means of made-up points.",
    size: "full",
    finished: "2026-11-21T12:00:00.000Z",
    machine: {
      cpu: "Some CPU @ 3 GHz",
      cores: 2,
      memoryGiB: 24,
      system: "linux x64",
      node: "24.21.0",
      rust: "1.95.0",
    },
    loadBefore: 0.25,
    contenders: [
      {
        name: "Sferic",
        versions: {},
        seconds: { count: 3, min: 0.1, median: 0.2, max: 0.4, all: [0.1, 0.4, 0.2] },
        peakMemoryBytes: 64 * 2 ** 20,
        readyMemoryBytes: 2 ** 20,
      },
      {
        name: "scikit-learn",
        versions: { "scikit-learn": "1.9.1" },
        seconds: { count: 1, min: 3.5, median: 3.5, max: 3.5, all: [3.5] },
        peakMemoryBytes: 2 ** 30,
        readyMemoryBytes: 2 ** 20,
      },
    ],
    checks: [{ name: "inertia equal", holds: true, found: "0.99" }],
    requirements: [
      { name: "Sferic against scikit-learn", bound: "at least", limit: 10, unit: "×", measured: 17.5, met: true },
    ],
    ...changes,
  };
}
