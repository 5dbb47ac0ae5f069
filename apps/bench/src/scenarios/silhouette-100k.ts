import type { Scenario } from "../scenario.ts";
import { silhouetteScenario } from "./silhouette.ts";

/** Silhouette of a size that Python does in a minute. */
export const silhouette100k: Scenario = silhouetteScenario("silhouette-100k", 100_000, 2);
