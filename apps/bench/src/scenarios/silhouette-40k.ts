import type { Scenario } from "../scenario.ts";
import { silhouetteScenario } from "./silhouette.ts";

/** Silhouette of a size that Python does in ten seconds. */
export const silhouette40k: Scenario = silhouetteScenario("silhouette-40k", 40_000, 3);
