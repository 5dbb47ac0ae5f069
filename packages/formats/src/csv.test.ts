import { describeFormat, sampleTypes } from "@sferic/testkit";
import { csv } from "./csv.ts";

describeFormat({
  definition: csv,
  types: sampleTypes.filter((type) => !/^(binary|time64|list|struct|dictionary)/.test(type)),
  readConfig: ({ columns }) => ({ schema: Object.fromEntries(columns.map(({ name, type }) => [name, type])) }),
  readsAnything: true,
});
