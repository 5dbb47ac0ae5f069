import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A pipeline that `sferic init` writes, with a little input to run it on. */
export interface Template {
  readonly name: string;
  readonly summary: string;
  /** Folders of `templates` whose `data` is its input; none for a pipeline that makes its own. */
  readonly data: readonly string[];
  /** What must be there before it can run, as the end of "It needs …". */
  readonly needs?: string;
  /** Whether its input are the granules of the repository, which are not copied into this package. */
  readonly onGranules?: true;
}

const aBroker = "a Kafka broker, whose host:port is in the environment variable KAFKA (127.0.0.1:9092 when not set)";

/** The pipelines there are to begin with. Each is a folder of `templates`. */
export const templates: readonly Template[] = [
  {
    name: "lightning-stream",
    summary: "lightning granules to Parquet, CSV and DuckDB, each granule once",
    data: [],
    onGranules: true,
  },
  {
    name: "lightning-clusters",
    summary: "k-means, silhouette and elbow over flashes, and a report",
    data: [],
    onGranules: true,
  },
  {
    name: "pv-facts",
    summary: "photovoltaic readings joined with their sensors into a fact table",
    data: ["pv-facts"],
  },
  { name: "click-files", summary: "makes a stream of clicks: a JSON file of ten every five seconds", data: [] },
  { name: "clicks-flat", summary: "a stream of nested JSON files flattened to CSV", data: ["clicks"] },
  {
    name: "clicks-windows",
    summary: "a stream of CSV files summed per 30 seconds of event time, to Parquet",
    data: ["clicks-windows"],
  },
  { name: "clicks", summary: "both in one: JSON to CSV, and to windows of 30 seconds in Parquet", data: ["clicks"] },
  {
    name: "clicks-star",
    summary: "clicks as facts with dates and products as dimensions, in DuckDB",
    data: ["clicks", "clicks-star"],
  },
  { name: "clicks-live", summary: "the windows of a stream of clicks, live on the terminal", data: ["clicks"] },
  { name: "satellite-samples", summary: "makes the signals of 1,000 satellites: a folder of CSV for each", data: [] },
  {
    name: "satellite-producer",
    summary: "sends them as FlatBuffers messages to Kafka, as fast as satellites measure or faster",
    data: ["satellite-producer"],
    needs: `the files of satellite-samples, and ${aBroker}`,
  },
  {
    name: "satellite-lake",
    summary: "Kafka to a Delta Lake table every five seconds, each event once",
    data: ["satellite-lake"],
    needs: `the topic of satellite-producer, and ${aBroker}`,
  },
  {
    name: "satellite-means",
    summary: "means per minute and satellite from the Delta table, as Parquet and figures",
    data: [],
    needs: "the table of satellite-lake",
  },
];

const folder = fileURLToPath(new URL("../templates/", import.meta.url));
const granules = fileURLToPath(new URL("../../cases/data/glm/", import.meta.url));

/** The folder that holds a template's spec and sample input. */
export function folderOf(name: string): string {
  return join(folder, name);
}

/** The text of a template's spec. */
export function specOf(name: string): Promise<string> {
  return readFile(join(folderOf(name), "pipeline.json"), "utf8");
}

/** The sample input of a template: bytes by path from the spec. None where the granules of a checkout are not there. */
export async function samplesOf({ data, onGranules }: Template): Promise<Map<string, Buffer>> {
  const places = data.map((name) => ({ from: folderOf(name), pattern: "data/**/*.*", to: "." }));
  if (onGranules === true) places.push({ from: granules, pattern: "*.nc", to: "data/glm" });
  const found = places.filter(({ from }) => existsSync(from)).map(samplesIn);
  return new Map((await Promise.all(found)).flat());
}

async function samplesIn({ from, pattern, to }: { from: string; pattern: string; to: string }): Promise<Sample[]> {
  const names = (await Array.fromAsync(glob(pattern, { cwd: from }))).toSorted();
  return Promise.all(names.map(async (name) => [join(to, name), await readFile(join(from, name))]));
}

type Sample = [path: string, bytes: Buffer];
