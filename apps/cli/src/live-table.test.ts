import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { sferic } from "./testing/sferic.ts";

const clear = "\u001B[0J";
const { isTTY } = process.stdout;
let printed = "";

beforeEach(() => {
  printed = "";
  vi.stubEnv("CI", "");
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("TERM", "xterm");
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  process.stdout.isTTY = isTTY;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

let folder: string;

/** What the template `clicks-live` prints in three epochs. */
async function printedBy(terminal: boolean): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), "sferic-live-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "live.json");
  await sferic("init", "clicks-live", "--out", path);
  process.stdout.isTTY = terminal;
  const { code } = await sferic("run", path, "--trigger", "available-now", "--max-epochs", "3");
  expect(code).toBe(0);
  return printed;
}

test("on a terminal the windows of a stream are redrawn, with the watermark of the epoch", async () => {
  const drawings = (await printedBy(true)).split(clear);
  expect(drawings).toHaveLength(3);
  expect(drawings.map((drawing) => drawing.split("\n")[0])).toEqual(await expectedTitles());
});

/** What the rules of event time make of the files, five to an epoch, in windows of 30 seconds with a delay of ten. */
async function expectedTitles(): Promise<string[]> {
  const data = join(folder, "data/json_files");
  const names = (await readdir(data)).toSorted();
  const files = await Promise.all(names.map(async (name) => timesIn(await readFile(join(data, name), "utf8"))));
  let [nowMs, lateMs, newest] = [0, 0, 0];
  const ends = new Set<number>();
  return [0, 1, 2].map((epoch) => {
    [lateMs, nowMs] = [nowMs, Math.max(0, newest - 10_000)];
    const times = files.slice(5 * epoch, 5 * epoch + 5).flat();
    const own = times.map((time) => (Math.floor(time / 30_000) + 1) * 30_000).filter((end) => end > lateMs);
    for (const end of own) ends.add(end);
    newest = Math.max(newest, ...times);
    const open = [...ends].filter((end) => end > nowMs).length;
    const watermark = new Date(nowMs).toISOString().replace(".000Z", "Z");
    return `live, epoch ${epoch}, ${ends.size} rows, ${open} open window${open === 1 ? "" : "s"}, watermark ${watermark}`;
  });
}

function timesIn(text: string): number[] {
  return (JSON.parse(text) as { datetime: string }[]).map(({ datetime }) => Date.parse(`${datetime}Z`));
}

test("elsewhere every epoch is below the one before", async () => {
  const text = await printedBy(false);
  expect(text).not.toContain(clear);
  expect(text.match(/^live, epoch \d: \d rows$/gm)).toHaveLength(3);
});
