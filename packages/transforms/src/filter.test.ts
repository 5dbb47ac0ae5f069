import { describeTransform } from "@sferic/testkit";
import { filter } from "./filter.ts";

describeTransform({ definition: filter });
