import { readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { planPipeline } from "@sferic/engine";
import type { Issue } from "@sferic/spec";
import { describe, expect, test } from "vitest";
import { missingOperators, specOf, templates } from "./templates.ts";
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

const texts = await Promise.all(templates.map(async ({ name }) => ({ name, text: await specOf(name) })));
const pipelines = texts.filter(({ text }) => missingOperators(text, registry).length === 0);
const full = { name: "full", text: await readFile(new URL("./testing/full.json", import.meta.url), "utf8") };

async function issuesOf(text: string): Promise<readonly Issue[]> {
  return (await planPipeline(text, { registry, environment: {} })).issues;
}

describe.each([...pipelines, full])("$name", ({ text }) => {
  test("is right as it stands", async () => {
    expect(await issuesOf(text)).toEqual([]);
  });

  test.each([1, 2])("every name with %i edits is told at its place, with a near one", async (edits) => {
    const next = random(edits);
    const places = namePlaces(JSON.parse(text) as object).filter(({ name }) => name.length > 2 * edits);
    const outcomes = await Promise.all(places.map((place) => outcomeOf(place, misspelt(place.name, edits, next))));
    expect(outcomes.filter((outcome) => outcome !== null)).toEqual([]);
    expect(places.length).toBeGreaterThan(20);
  });
});

/** What is wrong with the issues for another name; null when nothing is, or when the other name is right as well. */
async function outcomeOf(place: NamePlace, other: string): Promise<string | null> {
  if (other === place.name) return null;
  const text = place.withName(other);
  const issues = (await issuesOf(text)).filter(({ severity }) => severity === "error");
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
