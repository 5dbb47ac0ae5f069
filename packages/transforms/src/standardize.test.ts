import { describeTransform } from "@sferic/testkit";
import { standardize } from "./standardize.ts";

describeTransform({ definition: standardize });
