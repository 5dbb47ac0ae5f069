import { describeTransform } from "@sferic/testkit";
import { select } from "./select.ts";

describeTransform({ definition: select });
