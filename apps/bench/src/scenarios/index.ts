/** Every scenario, in the order in which they run. */
import type { Scenario } from "../scenario.ts";
import { checkCold } from "./check-cold.ts";
import { clicks10m } from "./clicks-10m.ts";
import { clickstream10m } from "./clickstream-10m.ts";
import { csvReading } from "./csv-reading.ts";
import { epoch100 } from "./epoch-100.ts";
import { epochs400 } from "./epochs-400.ts";
import { flatbuffers1m } from "./flatbuffers-1m.ts";
import { glmAll } from "./glm-all.ts";
import { glmFlashes } from "./glm-flashes.ts";
import { granules180Process } from "./granules-180-process.ts";
import { granules180 } from "./granules-180.ts";
import { jsonReading } from "./json-reading.ts";
import { kafkaProduce } from "./kafka-produce.ts";
import { kafkaRead } from "./kafka-read.ts";
import { kmeans1m } from "./kmeans-1m.ts";
import { parquet5mSnappy } from "./parquet-5m-snappy.ts";
import { parquet5mZstd } from "./parquet-5m-zstd.ts";
import { photovoltaics365 } from "./photovoltaics-365.ts";
import { satellites1m } from "./satellites-1m.ts";
import { silhouette100k } from "./silhouette-100k.ts";
import { silhouette40k } from "./silhouette-40k.ts";
import { spill50m } from "./spill-50m.ts";
import { sweep20k } from "./sweep-20k.ts";
import { windowState1m } from "./window-state-1m.ts";

export const scenarios: readonly Scenario[] = [
  glmFlashes,
  glmAll,
  granules180,
  granules180Process,
  kmeans1m,
  sweep20k,
  silhouette40k,
  silhouette100k,
  parquet5mZstd,
  parquet5mSnappy,
  photovoltaics365,
  clicks10m,
  clickstream10m,
  csvReading,
  jsonReading,
  flatbuffers1m,
  kafkaRead,
  kafkaProduce,
  epoch100,
  spill50m,
  epochs400,
  windowState1m,
  satellites1m,
  checkCold,
];
