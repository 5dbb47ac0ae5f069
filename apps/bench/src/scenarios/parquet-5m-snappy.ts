import type { Scenario } from "../scenario.ts";
import { parquetScenario } from "./parquet.ts";

/** Parquet with snappy. */
export const parquet5mSnappy: Scenario = parquetScenario("parquet-5m-snappy", "snappy");
