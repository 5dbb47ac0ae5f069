import { describeTransform } from "@sferic/testkit";
import { kmeans } from "./kmeans.ts";

describeTransform({ definition: kmeans });
