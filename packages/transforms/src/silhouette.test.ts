import { describeTransform } from "@sferic/testkit";
import { silhouette } from "./silhouette.ts";

describeTransform({ definition: silhouette });
