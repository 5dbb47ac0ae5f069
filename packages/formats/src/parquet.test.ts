import { describeFormat, sampleTypes } from "@sferic/testkit";
import { parquet } from "./parquet.ts";

describeFormat({ definition: parquet, types: sampleTypes });
