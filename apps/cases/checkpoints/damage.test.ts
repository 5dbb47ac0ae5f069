import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectCheckpoint } from "@sferic/engine";
import { repeats } from "@sferic/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { damage, damageText, type Damage, drawDamage, randomOf } from "./damage.ts";
import { families, type Family, replay, run, runUntil, type Stop, stops, writeInput } from "./families.ts";
import { type Outputs, outputsIn } from "./outputs.ts";

/** Each damages one file of one checkpoint. */
const tries = repeats("SFERIC_CHECKPOINT_TRIES", 40, 400);
const seed = Number(process.env["SFERIC_CHECKPOINT_SEED"] ?? 1);

/** Long chains of records, and pages to draw, take their time. */
const names = Object.keys(families).filter((name) => tries > 100 || !["packs", "report"].includes(name));

/** How a run may end that found the damage. */
const foundCodes = new Set([
  "checkpoint-corrupt",
  "checkpoint-mismatch",
  "checkpoint-locked",
  "dead-letters-corrupt",
  "staged-missing",
  "output-conflict",
  "fenced",
]);

/** A checkpoint to damage, and older copies of it. */
interface Base {
  readonly folder: string;
  readonly older: readonly string[];
  /** Lines on the console so far. */
  readonly printed: readonly string[];
}

let root: string;
let written: MockInstance<typeof process.stdout.write>;
let printed: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-damage-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(() => {
  const real = process.stdout.write.bind(process.stdout);
  written = vi.spyOn(process.stdout, "write").mockImplementation((text, ...rest) => {
    if (!String(text).startsWith('{"sink"')) return real(text, ...(rest as []));
    printed.push(...String(text).trimEnd().split("\n"));
    return true;
  });
});

afterEach(() => written.mockRestore());

const bases = new Map<string, Promise<Base>>();
const wholes = new Map<string, Promise<Outputs>>();

function cached<T>(all: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  if (!all.has(key)) all.set(key, make());
  return all.get(key)!;
}

/** The first epoch is run with another spec, so that `pipeline.json` has an older copy. */
async function baseOf(name: string, stop: Stop): Promise<Base> {
  const family = families[name]!;
  const folder = await mkdtemp(join(root, `${name}-`));
  await writeInput(folder, family);
  printed = [];
  const { run: settings, ...spec } = family.spec as { run: object };
  const other = { ...family, spec: { ...spec, run: { ...settings, invalidRatioMax: 0.9 } } };
  expect(await run(folder, other, { maxEpochs: 1 })).toMatchObject({ state: "succeeded" });
  const older = [await copyOf(folder)];
  if (family.epochs > 2) await run(folder, family, { maxEpochs: family.epochs - 2 });
  if (family.epochs > 2) older.push(await copyOf(folder));
  if (family.epochs > 1) await run(folder, family, { maxEpochs: 1 });
  older.push(await copyOf(folder));
  await runUntil(folder, { ...family, epochs: 0 }, stop);
  return { folder, older, printed };
}

async function copyOf(folder: string): Promise<string> {
  const copy = await mkdtemp(join(root, "copy-"));
  await cp(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** What a family has written when nothing disturbed it; dead letters are replayed. */
async function wholeOf(name: string): Promise<Outputs> {
  const family = families[name]!;
  const folder = await mkdtemp(join(root, "whole-"));
  await writeInput(folder, family);
  return finish(folder, { ...family, spec: family.whole ?? family.spec }, []);
}

/** Runs to the end, and replays; throws why a run ended otherwise. */
async function finish(folder: string, family: Family, before: readonly string[]): Promise<Outputs> {
  printed = [...before];
  const { error } = await run(folder, family);
  if (error !== undefined) throw error;
  if (family.input !== undefined) {
    await writeInput(folder, family, true);
    const { result } = await replay(folder, family);
    if (result.error !== undefined) throw result.error;
  }
  return seenIn(folder);
}

/** What is printed may be there twice: that is at least once. */
async function seenIn(folder: string): Promise<Outputs> {
  const lines = [...new Set(printed)].toSorted();
  return { ...(await outputsIn(folder)), ...(lines.length === 0 ? {} : { console: lines }) };
}

/** Rows that are in `some` more often than in `all`. */
function beyond(some: Outputs, all: Outputs): string[] {
  return Object.entries(some).flatMap(([key, rows]) => {
    const left = [...(all[key] ?? [])];
    return rows.filter((row) => {
      const at = left.indexOf(row);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  });
}

/** Whether letters are gone: with them goes what a replay would read, and no row that was there. */
function losesLetters({ file }: Damage): boolean {
  return file.startsWith("cp/dead-letters/");
}

async function outcomeOf(name: string, stop: Stop, random: (end: number) => number): Promise<[string, string]> {
  const base = await cached(bases, `${name} ${stop}`, () => baseOf(name, stop));
  const whole = await cached(wholes, name, () => wholeOf(name));
  const folder = await copyOf(base.folder);
  const done = await drawDamage(folder, base.older, random);
  const text = `${name} at ${stop}: ${damageText(done)}`;
  await damage(folder, done);
  try {
    const findings = await inspectCheckpoint(join(folder, "cp")).then((report) => report.findings.length);
    const seen = await finish(folder, families[name]!, base.printed);
    const lost = losesLetters(done) ? [] : beyond(whole, seen);
    const rows = [...beyond(seen, whole), ...lost];
    return [
      rows.length > 0 ? "wrong" : findings > 0 ? "found" : "harmless",
      `${text}: ${rows.join(" ").slice(0, 200)}`,
    ];
  } catch (thrown) {
    const { code = "", message } = thrown as { code?: string; message: string };
    // A page of an epoch before is not in the last one.
    const rows = name === "report" ? [] : beyond(await seenIn(folder), whole);
    const isFound = foundCodes.has(code === "spec-invalid" ? (/\[([a-z-]+)\]/.exec(message)?.[1] ?? "") : code);
    return [
      isFound && rows.length === 0 ? "found" : "wrong",
      `${text}: ${code} ${message} ${rows.join(" ").slice(0, 200)}`,
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

test(
  `${tries} times one file of a checkpoint is damaged, and it is found or harmless`,
  { timeout: 3_600_000 },
  async () => {
    const random = randomOf(seed);
    const outcomes: Record<string, number> = { found: 0, harmless: 0, wrong: 0 };
    const wrong: string[] = [];
    for (let count = 0; count < tries; count++) {
      const name = names[count % names.length]!;
      const [outcome, text] = await outcomeOf(name, stops[random(stops.length)]!, random);
      outcomes[outcome]! += 1;
      if (outcome === "wrong") wrong.push(text);
      if (tries > 100 && (count + 1) % 100 === 0) process.stderr.write(`${count + 1} ${JSON.stringify(outcomes)}\n`);
    }
    if (tries > 100) process.stderr.write(`${JSON.stringify({ tries, seed, ...outcomes })}\n`);
    expect(wrong).toEqual([]);
  },
);
