import { describeTransform } from "@sferic/testkit";
import { selectK } from "./select-k.ts";

describeTransform({ definition: selectK });
