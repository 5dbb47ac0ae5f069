import type { Scenario } from "../scenario.ts";
import { parquetScenario } from "./parquet.ts";

/** Parquet with zstd. */
export const parquet5mZstd: Scenario = parquetScenario("parquet-5m-zstd", "zstd");
