import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { type Batch, type ColumnValues, ConfigError, column, type Epoch, type Inputs, Schema } from "@sferic/operator";
import { tableFromArrays } from "apache-arrow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PointCollector, type Points } from "./report/points.ts";
import { report } from "./report.ts";

const hourNs = 3_600_000_000_000n;
/** 2018-07-02T04:00:00Z, an hour of one of the shared granules. */
const startNs = 1_530_504_000_000_000_000n;

const pointSchema = new Schema([
  column("flash_lon", "float64"),
  column("flash_lat", "float64"),
  column("cluster", "int32", { nullable: true }),
  column("flash_time", "timestamp[ns, UTC]"),
]);

class FakeBatch implements Batch {
  readonly schema: Schema;
  readonly rowCount: number;
  readonly byteLength = 0;
  readonly #columns: Record<string, { values: ColumnValues; validity?: Uint8Array }>;
  isClosed = false;

  constructor(schema: Schema, rowCount: number, columns: FakeBatch["columns"]) {
    this.schema = schema;
    this.rowCount = rowCount;
    this.#columns = columns;
  }

  get columns(): Record<string, { values: ColumnValues; validity?: Uint8Array }> {
    return this.#columns;
  }

  column(name: string): { values: ColumnValues; validity?: Uint8Array } {
    return this.#columns[name]!;
  }

  toArrow(): ReturnType<Batch["toArrow"]> {
    throw new Error("points must be read by column");
  }

  share(): Batch {
    return this;
  }

  close(): void {
    this.isClosed = true;
  }
}

type Row = readonly [longitude: number, latitude: number, label: number | null, hour?: number];

function pointsOf(rows: readonly Row[]): FakeBatch {
  return new FakeBatch(pointSchema, rows.length, {
    flash_lon: { values: Float64Array.from(rows, ([longitude]) => longitude) },
    flash_lat: { values: Float64Array.from(rows, ([, latitude]) => latitude) },
    cluster: {
      values: Int32Array.from(rows, ([, , label]) => label ?? 0),
      validity: Uint8Array.from(rows, ([, , label]) => (label === null ? 0 : 1)),
    },
    flash_time: { values: BigInt64Array.from(rows, ([, , , hour]) => startNs + BigInt(hour ?? 0) * hourNs) },
  });
}

const choiceSchema = new Schema([
  column("k", "int32"),
  column("inertia", "float64"),
  column("silhouette", "float64", { nullable: true }),
  column("iterations", "int32"),
  column("best", "bool"),
  column("knee", "bool"),
]);

function choiceOf(): Batch {
  const table = tableFromArrays({
    k: Int32Array.of(2, 3, 4),
    inertia: Float64Array.of(900, 400, 350),
    silhouette: Float64Array.of(0.5, 0.72, 0.6),
    iterations: Int32Array.of(4, 5, 6),
    best: [false, true, false],
    knee: [false, true, false],
  });
  const batch = new FakeBatch(choiceSchema, 3, {});
  batch.toArrow = () => table as ReturnType<Batch["toArrow"]>;
  return batch;
}

async function* stream(...batches: Batch[]): AsyncGenerator<Batch> {
  yield* batches;
}

function epoch(id = 0, signal = new AbortController().signal): Epoch {
  return { id, timeMs: 0, seed: 0, signal };
}

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-report-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sinkIn(target: string, config: Record<string, unknown> = {}): ReturnType<typeof report.create> {
  return report.create(report.config.parse({ path: "report.html", ...config }), {
    pipeline: "storm-clusters",
    history: "test",
    operatorId: "report",
    durable: true,
    scratchDirectory: "",
    resolvePath: (path) => join(target, path),
    format: () => Promise.reject(new Error("a report needs no format")),
  });
}

async function written(inputs: Inputs, config: Record<string, unknown> = {}): Promise<string> {
  const sink = sinkIn(folder, config);
  const staged = await sink.stage(stream(), epoch(), inputs);
  await sink.publish(staged!, epoch());
  return readFile(join(folder, "report.html"), "utf8");
}

const twoStorms: readonly Row[] = [
  [-97, 35, 0, 0],
  [-96.5, 35.5, 0, 0],
  [-80, 26, 1, 1],
  [-80.5, 25.5, null, 1],
];

describe("protocol", () => {
  it("shows nothing before publish, everything after, and leaves no staging folder", async () => {
    const sink = sinkIn(folder);
    const points = pointsOf(twoStorms);
    const staged = await sink.stage(stream(), epoch(), { points: stream(points), choice: stream(choiceOf()) });
    expect(staged).toMatchObject({ rows: 4 });
    expect(points.isClosed).toBe(true);
    expect(await readdir(folder)).toEqual([".sferic-staging"]);
    const published = await sink.publish(JSON.parse(JSON.stringify(staged)), epoch());
    const names = ["report-elbow.png", "report-map.png", "report-silhouette.png", "report.gif", "report.html"];
    expect((await readdir(folder)).toSorted()).toEqual(names);
    expect([...published.files].toSorted()).toEqual(names.map((name) => join(folder, name)));
  });

  it("publishes again without harm, also in another process", async () => {
    const sink = sinkIn(folder);
    const staged = (await sink.stage(stream(), epoch(), { points: stream(pointsOf(twoStorms)) }))!;
    await sink.publish(staged, epoch());
    const page = await readFile(join(folder, "report.html"));
    await sinkIn(folder).publish(staged, epoch());
    expect(await readFile(join(folder, "report.html"))).toEqual(page);
  });

  it("fails with staged-missing when neither the staged nor the published file is there", async () => {
    const sink = sinkIn(folder);
    const staged = (await sink.stage(stream(), epoch(), { points: stream(pointsOf(twoStorms)) }))!;
    await sink.discard!(0);
    await expect(sink.publish(staged, epoch())).rejects.toMatchObject({ code: "staged-missing" });
  });

  it("discards what was staged, but not the epochs of other sinks", async () => {
    const sink = sinkIn(folder);
    await sink.stage(stream(), epoch(), { points: stream(pointsOf(twoStorms)) });
    await sink.discard!(0);
    await sink.discard!(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it("stages again over what a crash left", async () => {
    const sink = sinkIn(folder);
    await sink.stage(stream(), epoch(), { points: stream(pointsOf(twoStorms)) });
    const staged = (await sink.stage(stream(), epoch(), { points: stream(pointsOf(twoStorms.slice(0, 2))) }))!;
    await sink.publish(staged, epoch());
    expect((await readdir(folder)).toSorted()).toEqual(["report-map.png", "report.html"]);
  });

  it("removes pictures of an earlier report that the new one does not have", async () => {
    await written({ points: stream(pointsOf(twoStorms)), choice: stream(choiceOf()) });
    await writeFile(join(folder, "other-map.png"), "");
    await written({ points: stream(pointsOf(twoStorms.slice(0, 2))) });
    expect((await readdir(folder)).toSorted()).toEqual(["other-map.png", "report-map.png", "report.html"]);
  });

  it("writes an honest page for an empty first epoch, and keeps the last report after an empty later one", async () => {
    expect(await written({ points: stream() })).toContain("The input had no rows.");
    expect(await readdir(folder)).toEqual(["report.html"]);
    expect(await sinkIn(folder).stage(stream(), epoch(1), { points: stream() })).toBeNull();
    expect(await readdir(folder)).toEqual(["report.html"]);
  });

  it("stops when aborted and closes the batch at hand", async () => {
    const points = pointsOf(twoStorms);
    const staging = sinkIn(folder).stage(stream(), epoch(0, AbortSignal.abort()), { points: stream(points) });
    await expect(staging).rejects.toThrow("abort");
    expect(points.isClosed).toBe(true);
  });
});

describe("accept", () => {
  const config = report.config.parse({ path: "report.html" });
  const context = { probe: false, resolvePath: (path: string) => path, format: () => Promise.reject(new Error()) };
  const problems = (inputs: Record<string, Schema>, settings = config): ConfigError["problems"] => {
    try {
      void report.accept!(inputs, settings, context);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };

  it("takes what kmeans and select-k give, with or without a time", () => {
    expect(problems({ points: pointSchema, choice: choiceSchema })).toEqual([]);
    expect(problems({ points: new Schema(pointSchema.columns.slice(0, 3)) })).toEqual([]);
  });

  it("names every wrong column at its field", () => {
    const wrong = report.config.parse({ path: "r.html", longitude: "flash_lom", label: "flash_lat", time: "cluster" });
    expect(problems({ points: pointSchema }, wrong)).toMatchObject([
      { code: "unknown-column", pointer: "/longitude", hint: "flash_lon" },
      { code: "column-type", pointer: "/label" },
      { code: "column-type", pointer: "/time" },
    ]);
    expect(problems({ points: pointSchema, choice: pointSchema }).map(({ pointer }) => pointer)).toContain(
      "/from/choice",
    );
    expect(problems({})).toMatchObject([{ code: "missing-input" }]);
  });

  it("refuses unknown fields and a path that is not a page", () => {
    expect(report.config.safeParse({ path: "report.html", colour: "red" }).success).toBe(false);
    expect(report.config.safeParse({ path: "report.pdf" }).success).toBe(false);
  });
});

describe("points", () => {
  const columns = { longitude: "flash_lon", latitude: "flash_lat", label: "cluster", time: "flash_time" };
  const collected = (batches: readonly Batch[], pointsMax = 1000): Points => {
    const collector = new PointCollector(columns, pointsMax, 7);
    for (const batch of batches) collector.add(batch);
    return collector.finish();
  };

  it("averages a cluster across the date line, also with longitudes past 180", () => {
    const [wrapped] = collected([pointsOf([[179, 10, 0], [-179, 12, 0]])]).clusters; // prettier-ignore
    expect(wrapped).toEqual({ label: 0, size: 2, longitude: -180, latitude: 11 });
    const [unwrapped] = collected([pointsOf([[179, 10, 0], [183, 12, 0]])]).clusters; // prettier-ignore
    expect(unwrapped).toEqual({ label: 0, size: 2, longitude: -179, latitude: 11 });
  });

  it("groups by label with the unlabelled last, and leaves out rows without a place", () => {
    const points = collected([pointsOf([[1, 1, 9], [2, 2, null], [NaN, 3, 9], [4, 91, 9], [5, 5, 2], [6, 6, 9]])]); // prettier-ignore
    expect(points.clusters.map(({ label, size }) => [label, size])).toEqual([[2, 1], [9, 2], [null, 1]]); // prettier-ignore
    expect([...points.longitudes]).toEqual([5, 1, 6, 2]);
    expect([...points.offsets]).toEqual([0, 1, 3, 4]);
    expect([points.rowCount, points.misplacedCount]).toEqual([6, 2]);
  });

  it("counts hours from nanoseconds", () => {
    const { hours, times } = collected([pointsOf(twoStorms)]);
    const first = Date.parse("2018-07-02T04:00:00Z");
    expect([...hours]).toEqual([[first / 3_600_000, 2], [first / 3_600_000 + 1, 2]]); // prettier-ignore
    expect(times![0]).toBe(first);
  });

  it("samples evenly, the same however rows are cut into batches, while sums count every row", () => {
    const rows = Array.from({ length: 20_000 }, (_, index): Row => [(index / 20_000) * 100, 0, index % 2]);
    const whole = collected([pointsOf(rows)]);
    const cut = collected([pointsOf(rows.slice(0, 3)), pointsOf(rows.slice(3, 15_001)), pointsOf(rows.slice(15_001))]);
    expect(cut.longitudes).toEqual(whole.longitudes);
    expect(whole.longitudes).toHaveLength(1000);
    expect(whole.clusters.map(({ size }) => size)).toEqual([10_000, 10_000]);
    const mean = whole.longitudes.reduce((sum, value) => sum + value, 0) / 1000;
    // Standard error of the mean of 1,000 uniform values over 100: 0.91.
    expect(Math.abs(mean - 50)).toBeLessThan(3.5);
  });
});

interface Embedded {
  longitudes: string;
  latitudes: string;
  offsets: string;
  clusters: { label: number | null; size: number }[];
  steps: unknown[];
  time: { origin: number; unit: number; values: string };
}

function embedded(page: string): Embedded {
  return JSON.parse(/<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page)![1]!) as Embedded;
}

function floats(base64: string): number[] {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return [...new Float32Array(bytes.buffer)];
}

describe("page", () => {
  it("holds every point in compact form", async () => {
    const data = embedded(await written({ points: stream(pointsOf(twoStorms)) }));
    expect(floats(data.longitudes)).toEqual([-97, -96.5, -80, -80.5]);
    expect(floats(data.latitudes)).toEqual([35, 35.5, 26, 25.5]);
    expect(data.clusters.map(({ label, size }) => [label, size])).toEqual([[0, 2], [1, 1], [null, 1]]); // prettier-ignore
    expect(data.steps).toHaveLength(2);
    expect(data.time.origin).toBe(Date.parse("2018-07-02T04:00:00Z"));
  });

  it("names no address outside itself and forbids loading", async () => {
    const page = await written({ points: stream(pointsOf(twoStorms)), choice: stream(choiceOf()) });
    expect(page).not.toMatch(/https?:|\bsrc=|@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  it("escapes the title everywhere", async () => {
    const page = await written({ points: stream(pointsOf(twoStorms)) }, { title: "</script><b>A & B" });
    expect(page).not.toContain("<b>");
    expect(page).toContain("&lt;/script&gt;&lt;b&gt;A &amp; B");
  });

  it("has scripts that compile", async () => {
    const page = await written({ points: stream(pointsOf(twoStorms)) });
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, code]) => code!);
    expect(scripts).toHaveLength(1);
    expect(() => new Script(scripts[0]!)).not.toThrow();
  });

  it("marks the chosen k, and leaves the curves out without a choice", async () => {
    const page = await written({ points: stream(pointsOf(twoStorms)), choice: stream(choiceOf()) });
    expect(page).toContain("chosen: best silhouette and knee, k = 3");
    expect(page).toContain("on the map, k = 2");
    expect(await written({ points: stream(pointsOf(twoStorms)) })).not.toContain('<svg class="curve"');
  });

  it("says how many points are drawn when there are more", async () => {
    const page = await written({ points: stream(pointsOf(twoStorms)) }, { pointsMax: 3 });
    expect(page).toContain("Drawn: a random sample of 3 of 4 points");
    expect(floats(embedded(page).longitudes)).toHaveLength(3);
  });
});

describe("pictures", () => {
  it("show each cluster in its own colour, and text in the bundled font", async () => {
    await written({ points: stream(pointsOf(twoStorms)) });
    const pixels = await pixelsOf(await readFile(join(folder, "report-map.png")));
    expect(pixels.width).toBe(1600);
    const { clusters } = embedded(await readFile(join(folder, "report.html"), "utf8")) as unknown as {
      clusters: { colour: string }[];
    };
    for (const { colour } of clusters) expect(pixels.count(colour)).toBeGreaterThan(80);
    // The title alone has thousands of dark pixels; without a font there are none.
    expect(pixels.count("#1c2733")).toBeGreaterThan(1000);
  });

  it("animate one picture per hour that has points", async () => {
    await written({ points: stream(pointsOf([...twoStorms, [-90, 30, 1, 5]])) });
    const gif = await readFile(join(folder, "report.gif"));
    expect(gif.subarray(0, 6).toString("latin1")).toBe("GIF89a");
    expect(frameDelays(gif)).toEqual([700, 700, 1800]);
    expect((await pixelsOf(gif)).count("#eef3f7")).toBeGreaterThan(10_000);
  });

  it("are drawn for a single point", async () => {
    await written({ points: stream(pointsOf([[12.5, 41.9, 3]])) });
    expect((await pixelsOf(await readFile(join(folder, "report-map.png")))).width).toBe(1600);
  });
});

async function pixelsOf(file: Buffer): Promise<{ width: number; count(colour: string): number }> {
  const image = await loadImage(file);
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  return {
    width: image.width,
    count: (colour) => {
      const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      // Blending with 90 % opacity moves a channel by a few steps.
      const near = (word: number, shift: number, value: number): boolean =>
        Math.abs(((word >>> shift) & 255) - value) <= 26;
      return words.filter((word) => near(word, 0, red!) && near(word, 8, green!) && near(word, 16, blue!)).length;
    },
  };
}

/** Milliseconds per picture, from the graphic control blocks (GIF89a specification, section 23). */
function frameDelays(gif: Buffer): number[] {
  const delays: number[] = [];
  let at = 13 + 3 * 2 ** ((gif[10]! & 7) + 1);
  while (gif[at] !== 0x3b) {
    const isImage = gif[at] === 0x2c;
    if (gif[at + 1] === 0xf9 && !isImage) delays.push(gif.readUInt16LE(at + 4) * 10);
    at += isImage ? 11 : 2;
    while (gif[at] !== 0) at += gif[at]! + 1;
    at += 1;
  }
  return delays;
}
