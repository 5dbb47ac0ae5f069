import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { registry } from "@sferic/catalog";
import { planPipeline } from "@sferic/engine";
import type { Issue } from "@sferic/spec";
import { describe, expect, test } from "vitest";
import { folderOf, specOf, templates } from "./templates.ts";
import { distance, misspelt, type NamePlace, namePlaces } from "./testing/near-names.ts";

/** Uniform numbers in [0, 1) from a seed: the generator mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Columns of those that are left out are known only when their input is there, or their inputs are named freely.
const unknowable = new Set(["satellite-samples", "satellite-producer", "satellite-means"]);
const knowable = templates.filter(({ name }) => !unknowable.has(name));
const pipelines = await Promise.all(
  knowable.map(async ({ name }) => ({ name, text: await specOf(name), folder: folderOf(name) })),
);
const testing = fileURLToPath(new URL("./testing/", import.meta.url));
const full = { name: "full", text: await readFile(join(testing, "full.json"), "utf8"), folder: testing };

async function issuesOf(text: string, baseDirectory: string): Promise<readonly Issue[]> {
  return (await planPipeline(text, { registry, environment: {}, baseDirectory })).issues;
}

async function errorsOf(spec: object, folder: string): Promise<readonly Issue[]> {
  return (await issuesOf(JSON.stringify(spec, null, 2), folder)).filter(({ severity }) => severity === "error");
}

describe.each([...pipelines, full])("$name", ({ text, folder }) => {
  const spec = JSON.parse(text) as object;

  test("is right as it stands", async () => {
    expect(await issuesOf(text, folder)).toEqual([]);
  });

  test.each([1, 2])("every name with %i edits is told at its place, with a near one", async (edits) => {
    const next = random(edits);
    const places = namePlaces(spec).filter(({ name }) => name.length > 2 * edits);
    const outcomes = await Promise.all(
      places.map((place) => outcomeOf(spec, folder, place, misspelt(place.name, edits, next))),
    );
    expect(outcomes.filter((outcome) => outcome !== null)).toEqual([]);
    expect(places.length).toBeGreaterThan(20);
  });
});

test("three misspelt names are told at once", async () => {
  const spec = JSON.parse(full.text) as Operators;
  const next = random(3);
  const places = namePlaces(spec).filter(({ name, what }) => name.length > 3 && !what.startsWith("value /$schema"));
  const draw = (): NamePlace => places[Math.floor(next() * places.length)]!;
  for (let round = 0; round < 50; round++) {
    const three = apart([draw(), draw(), draw()]).map((place) => ({ place, other: misspelt(place.name, 1, next) }));
    const broken = three.reduce<object>((changing, { place, other }) => place.rename(changing, other), spec);
    const told = (await errorsOf(broken, full.folder)).map(({ pointer }) => pointer);
    for (const { place, other } of three) {
      const alone = (await errorsOf(place.rename(spec, other), full.folder)).find(
        ({ pointer }) => pointer === place.pointer(other),
      );
      const hides = three.some((one) => one.place !== place && mayHide(spec, one.place, place, alone?.code ?? ""));
      if (alone === undefined || hides) continue;
      const all = three.map((one) => `${one.place.what} as "${one.other}"`).join(", ");
      expect(told, all).toContain(place.pointer(other));
    }
  }
});

/** Places of which none is in the value that belongs to the key of another. */
function apart(places: readonly NamePlace[]): NamePlace[] {
  return places.filter(
    ({ place }, index) =>
      !places.some(
        (other, at) => at !== index && (at < index || other.place !== place) && place.startsWith(other.place),
      ),
  );
}

type Operators = Readonly<Record<string, Readonly<Record<string, { readonly from?: unknown }>>>>;

/** Whether nobody can know of one mistake because of the other: of columns, with an operator that has to give them. */
function mayHide(spec: Operators, hiding: NamePlace, hidden: NamePlace, code: string): boolean {
  const [by, of] = [operatorOf(hiding.place), operatorOf(hidden.place)];
  if (hiding.place.endsWith("/type") && by === of) return true;
  const isOfColumns = ["unknown-column", "invalid-expression", "unknown-port"].includes(code);
  if (!isOfColumns) return false;
  // A parameter without a value leaves what it stands in unknown.
  if (of === undefined || hiding.place.startsWith("/parameters/")) return true;
  return by !== undefined && (by === of || upstream(spec, of).has(by));
}

/** Id of the operator that a pointer leads into. */
function operatorOf(pointer: string): string | undefined {
  return /^\/(?:sources|transforms|sinks)\/([^/]+)/.exec(pointer)?.[1];
}

function upstream(spec: Operators, id: string): Set<string> {
  const from = spec["transforms"]?.[id]?.from ?? spec["sinks"]?.[id]?.from;
  const names = [...JSON.stringify(from ?? null).matchAll(/"([A-Za-z]+)(?:\.[a-z]+)?"(?!:)/g)].map(
    (found) => found[1]!,
  );
  return new Set(names.flatMap((name) => [name, ...upstream(spec, name)]));
}

/** What is wrong with the issues for another name; null when nothing is, or when the other name is right as well. */
async function outcomeOf(spec: object, folder: string, place: NamePlace, other: string): Promise<string | null> {
  if (other === place.name) return null;
  const broken = place.rename(spec, other);
  const text = JSON.stringify(broken, null, 2);
  const issues = await errorsOf(broken, folder);
  const own = issues.find(({ pointer }) => pointer === place.pointer(other));
  const told = `${place.what} as "${other}"`;
  if (own === undefined) {
    return `${told}: no issue there but ${JSON.stringify(issues.map(({ message, pointer }) => [pointer, message]))}`;
  }
  const shown = text
    .split("\n")
    [own.line - 1]!.slice(own.column - 1, own.column - 1 + own.length)
    .replaceAll('"', "");
  // Of "operator.port" the wrong half is shown.
  if (shown !== other && !other.split(".").includes(shown)) return `${told}: the place shows ${shown}`;
  return hintProblem(own, place.name, other, shown)
    ? `${told}: ${own.hint ?? "nothing"} is suggested: ${own.message}`
    : null;
}

/** Whether another name than the right one is suggested though it is farther, or none though one is near. */
function hintProblem({ hint }: Issue, name: string, other: string, shown: string): boolean {
  const edits = distance(other, name);
  if (hint === null) return edits <= 2;
  const suggested = /"(.+)"/.exec(hint)?.[1] ?? hint;
  return !name.split(".").includes(suggested) && suggested !== name && distance(shown, suggested) > edits;
}
