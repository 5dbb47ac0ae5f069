import { describeFormat, granuleFolder, smallGranule } from "@sferic/testkit";
import { glm } from "./glm.ts";

describeFormat({ definition: glm, types: [], sample: `${granuleFolder}${smallGranule}` });
