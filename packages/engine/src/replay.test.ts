import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineSource, invalidSchema, type Offset } from "@sferic/operator";
import { beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { inspectCheckpoint } from "./checkpoint/inspect.ts";
import { encodeLetters } from "./checkpoint/letters-text.ts";
import { type DeadLetter, readDeadLetters } from "./dead-letters.ts";
import type { ProtocolPoint, RunEvent } from "./events.ts";
import { type Plan, planPipeline } from "./plan.ts";
import { replayDeadLetters, type ReplayOptions, type ReplayResult, runPlan } from "./run.ts";
import { numbers } from "./testing/number-batches.ts";
import { declared, Recorder } from "./testing/recorder.ts";
import { scratchFolder } from "./testing/scratch.ts";

interface Taken {
  readonly position: number;
  readonly pieces: readonly number[];
}

/** `pieces`: one piece of input for each number of the recorder, which can be read again by its name. */
function pieceSource(recorder: () => Recorder): unknown {
  return defineSource({
    ...declared,
    type: "pieces",
    config: z.strictObject({}),
    output: () => ({ main: numbers, invalid: invalidSchema }),
    create: (_, { operatorId: id }) => {
      const seen = new Set<number>();
      const take = (offset: Offset): readonly number[] => {
        const { pieces } = offset as unknown as Taken;
        for (const piece of pieces) seen.add(piece);
        return pieces;
      };
      return {
        open: async (history) => history.forEach(take),
        latestOffset: async (previous, { rowsPerEpoch = 100 }) => {
          const all = Array.from({ length: recorder().available[id] ?? 0 }, (__, n) => n);
          const pieces = all.filter((n) => !seen.has(n)).slice(0, rowsPerEpoch);
          return pieces.length === 0 ? null : { position: positionOf(previous) + pieces.length, pieces };
        },
        replay: async (lost, previous) => {
          const pieces = lost.map(({ name }) => Number.parseInt(name, 10));
          const there = pieces.filter((piece) => piece < recorder().available[id]!);
          const gone = pieces.flatMap((piece, index) => (there.includes(piece) ? [] : [[index, "gone"] as const]));
          const left = Object.fromEntries(gone);
          if (there.length === 0) return { end: null, left };
          return { end: { position: positionOf(previous) + there.length, pieces: there }, left };
        },
        async *read(_start, end) {
          for (const piece of take(end)) {
            const isBroken = recorder().broken.has(piece);
            if (isBroken) yield { invalid: { name: `${piece}.txt`, reason: "cut short", position: null } };
            else yield recorder().batches.of([piece]);
          }
        },
      };
    },
  });
}

function positionOf(offset: Offset | null): number {
  return (offset as unknown as Taken | null)?.position ?? 0;
}

let recorder: Recorder;
let checkpoint: string;
let plan: Plan;

beforeEach(async () => {
  recorder = new Recorder([pieceSource(() => recorder) as never]);
  recorder.available["source"] = 6;
  for (const piece of [1, 2, 4]) recorder.broken.add(piece);
  const spec = {
    name: "p",
    sources: { source: { type: "pieces", rowsPerEpoch: 3 } },
    sinks: { a: { type: "keeper", from: "source" } },
    run: { trigger: "available-now" },
  };
  plan = (await planPipeline(spec, { registry: recorder.registry })).plan!;
  checkpoint = join(await scratchFolder(), "check");
  expect(await runPlan(plan, { checkpoint })).toMatchObject({ state: "succeeded", epochs: 2 });
  expect(recorder.rows("a")).toEqual([0, 3, 5]);
});

function replay(options: ReplayOptions = {}): Promise<ReplayResult> {
  return replayDeadLetters(plan, { checkpoint, ...options });
}

async function letters(): Promise<string[]> {
  const files = await Array.fromAsync(readDeadLetters(checkpoint));
  return files.flatMap((file) => file.letters.map(({ epoch, name }) => `${epoch} ${name}`));
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

test("input that can be read by now becomes rows, what cannot gets a new letter", async () => {
  recorder.broken.delete(1);
  recorder.broken.delete(4);
  const { result, replayed, failedAgain, left } = await replay();
  expect(result).toMatchObject({ state: "succeeded", epochs: 1, rows: { read: 2, written: 2, invalid: 1 } });
  expect(replayed.map(({ name }) => name)).toEqual(["1.txt", "2.txt", "4.txt"]);
  expect(failedAgain).toMatchObject([{ epoch: 2, name: "2.txt" }]);
  expect(left).toEqual([]);
  expect(recorder.rows("a")).toEqual([0, 1, 3, 4, 5]);
  expect(await letters()).toEqual(["2 2.txt"]);
  recorder.broken.clear();
  expect((await replay()).failedAgain).toEqual([]);
  expect(await letters()).toEqual([]);
  expect((await replay()).result).toMatchObject({ state: "succeeded", epochs: 0 });
});

test("the pipeline goes on after a replay, and reads nothing twice", async () => {
  recorder.broken.clear();
  await replay();
  recorder.available["source"] = 9;
  expect(await runPlan(plan, { checkpoint })).toMatchObject({ state: "succeeded", epochs: 1 });
  expect(recorder.rows("a")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

const points: ProtocolPoint[] = [
  "planned",
  "intent",
  "staged",
  "prepared",
  "published",
  "all-published",
  "committed",
  "acknowledged",
  "cleaned",
];

test.each(points.flatMap((point) => (["replay", "run"] as const).map((next) => [point, next] as const)))(
  "killed at the point %s: a %s finishes it, nothing is lost and nothing doubled",
  async (point, next) => {
    recorder.broken.delete(1);
    recorder.broken.delete(2);
    const onEvent = (event: RunEvent): void => {
      if (event.type === "point" && event.epoch === 2 && event.point === point) throw new Error("killed");
    };
    expect((await replay({ onEvent })).result).toMatchObject({ state: "failed", error: { message: "killed" } });
    if (next === "run") {
      expect(await runPlan(plan, { checkpoint })).toMatchObject({ state: "succeeded" });
      const left = (await letters()).map((letter) => Number.parseInt(letter.split(" ")[1]!, 10));
      // Before its intent was on disk there was no replay.
      expect(sorted(left)).toEqual(point === "planned" ? [1, 2, 4] : [4]);
      expect(sorted([...recorder.rows("a"), ...left])).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect((await replay()).result.state).toBe("succeeded");
    expect(recorder.rows("a")).toEqual([0, 1, 2, 3, 5]);
    expect((await letters()).map((letter) => letter.split(" ")[1])).toEqual(["4.txt"]);
  },
);

test("letters stay whose input is gone, is only a part, or whose source cannot read again", async () => {
  const folder = join(checkpoint, "dead-letters");
  const part: DeadLetter = { epoch: 0, source: "source", name: "0.txt", reason: "line 7", position: 7, isPart: true };
  const other: DeadLetter = { epoch: 0, source: "former", name: "x", reason: "torn", position: null };
  await mkdir(folder, { recursive: true });
  const path = join(folder, "0000000000.jsonl");
  const [, ...lines] = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, `${lines.join("\n")}${JSON.stringify(part)}\n${JSON.stringify(other)}\n`);
  recorder.broken.clear();
  recorder.available["source"] = 4;
  const { replayed, left } = await replay();
  expect(replayed.map(({ name }) => name)).toEqual(["1.txt", "2.txt"]);
  expect(left.map(({ letter, reason }) => `${letter.name}: ${reason}`).toSorted()).toEqual([
    "0.txt: other rows of it went on, and would be doubled",
    "4.txt: gone",
    "x: the spec has no such source, or reads it whole in every epoch",
  ]);
  expect(recorder.rows("a")).toEqual([0, 1, 2, 3, 5]);
  expect((await letters()).toSorted()).toEqual(["0 0.txt", "0 x", "1 4.txt"]);
});

test.each<[what: string, damage: (text: string) => string, reason: RegExp]>([
  ["altered", (text) => text.replace("1.txt", "0.txt"), /do not match their checksum/],
  ["cut off after a line", (text) => text.split("\n").slice(0, 2).join("\n"), /do not match their checksum/],
  ["of another epoch", (text) => text, /belong to epoch 1, not to epoch 0/],
  ["of another checkpoint", ofAnother, /belong to another checkpoint/],
])("letters that are %s are refused, by a replay and by a look at the checkpoint", async (what, damage, reason) => {
  const path = join(checkpoint, "dead-letters", "0000000000.jsonl");
  const from = what === "of another epoch" ? path.replace("0.jsonl", "1.jsonl") : path;
  await writeFile(path, damage(await readFile(from, "utf8")));
  recorder.broken.clear();
  const { result } = await replay();
  expect(result).toMatchObject({ error: { code: "dead-letters-corrupt", message: expect.stringMatching(reason) } });
  expect(recorder.rows("a")).toEqual([0, 3, 5]);
  const { findings } = await inspectCheckpoint(checkpoint);
  expect(findings).toEqual([
    { problem: "dead-letters", severity: "error", path, message: expect.stringMatching(reason) },
  ]);
});

/** The same letters, as another checkpoint would have them. */
function ofAnother(text: string): string {
  const letters = text.trimEnd().split("\n").slice(1);
  return encodeLetters(
    letters.map((letter) => JSON.parse(letter) as object),
    { epoch: 0, lineage: "another" },
  );
}

test("an older copy of letters whose input was read again gives no row", async () => {
  const path = join(checkpoint, "dead-letters", "0000000000.jsonl");
  const before = await readFile(path, "utf8");
  recorder.broken.clear();
  await replay();
  recorder.available["source"] = 7;
  await runPlan(plan, { checkpoint });
  await writeFile(path, before);
  const { replayed, left } = await replay();
  expect([replayed, left.map(({ reason }) => reason)]).toEqual([
    [],
    [expect.stringContaining("older copy"), expect.stringContaining("older copy")],
  ]);
  expect(recorder.rows("a")).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("only the letters of one source", async () => {
  recorder.broken.clear();
  expect((await replay({ source: "other" })).result.epochs).toBe(0);
  expect((await replay({ source: "source" })).replayed).toHaveLength(3);
});

test("the share of bad input that a run bears does not stop a replay", async () => {
  const strict = { ...plan, spec: { ...plan.spec, run: { ...plan.spec.run, invalidRatioMax: 0.1 } } };
  expect((await replayDeadLetters(strict, { checkpoint })).result.state).toBe("succeeded");
});

test("without a checkpoint there is nothing to replay into", async () => {
  const { result } = await replayDeadLetters(plan);
  expect(result.error).toMatchObject({ code: "replay-without-checkpoint" });
});
