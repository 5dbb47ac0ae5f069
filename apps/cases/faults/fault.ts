import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { RunResult } from "@sferic/engine";
import { exactJson, filesOf, rowsOf, type Cells } from "../pipelines/written-rows.ts";

/** The answer of a fault, in its `expected.json`; what is absent is not compared. */
export interface Expectation {
  /** Rows of the only sink of type `files`, or of each by its id; their order does not matter. */
  readonly rows?: readonly Cells[] | Readonly<Record<string, readonly Cells[]>>;
  /** The error the run ends with. */
  readonly error?: { readonly code: string };
  /** Exit code of `sferic run`; without it 0, or any other where `error` is given. */
  readonly exit?: number;
  /** Pieces of input that the run reports as invalid. */
  readonly invalid?: number;
  /** Codes of the issues of `sferic check`, in order. */
  readonly check?: { readonly codes: readonly string[] };
}

/** A folder next to this file: an input on which Sferic failed, and the right answer. */
export interface Fault {
  readonly name: string;
  readonly expected: Expectation;
}

const folder = import.meta.dirname;
const command = fileURLToPath(new URL("../../cli/bin/sferic.js", import.meta.url));

/** What {@link seen} and {@link comparable} return: equal when the fault is mended. */
export type Comparable = Readonly<Record<string, unknown>>;

/** Every fault, by name. */
export function allFaults(): Fault[] {
  return globSync("*/expected.json", { cwd: folder })
    .toSorted()
    .map((file) => ({
      name: dirname(file),
      expected: exactJson(readFileSync(join(folder, file), "utf8")) as Expectation,
    }));
}

/** Runs `sferic` on a copy of the fault in `scratch` and returns what {@link Expectation} asks for, and nothing else. */
export async function seen({ name, expected }: Fault, scratch: string): Promise<Comparable> {
  const copy = join(scratch, name);
  await cp(join(folder, name), copy, { recursive: true, preserveTimestamps: true });
  const check = expected.check === undefined ? {} : { check: { codes: await issueCodes(copy) } };
  const { exit, result } = await sferic(copy, "run");
  return {
    ...check,
    ...(expected.error === undefined ? { exit } : { error: { code: codeOf(result) } }),
    ...(expected.exit === undefined ? {} : { exit }),
    ...(expected.invalid === undefined ? {} : { invalid: result.rows?.invalid ?? 0 }),
    ...(expected.rows === undefined ? {} : { rows: await writtenRows(copy, expected.rows) }),
  };
}

/** `expected` in the form that {@link seen} returns. */
export function comparable(expected: Expectation): Comparable {
  const { rows } = expected;
  return {
    ...(expected.error === undefined ? { exit: 0 } : {}),
    ...expected,
    ...(rows === undefined ? {} : { rows: isList(rows) ? rowTexts(rows) : textsBySink(Object.entries(rows)) }),
  };
}

interface Outcome {
  readonly exit: number | null;
  readonly result: Partial<RunResult> & { readonly issues?: readonly { readonly code: string }[] };
}

async function issueCodes(copy: string): Promise<string[]> {
  const { result } = await sferic(copy, "check");
  return result.issues!.map(({ code }) => code);
}

/** Runs a command of `sferic` on the spec in `copy`; its last line of standard output is the result. */
async function sferic(copy: string, name: string): Promise<Outcome> {
  const child = spawn(process.execPath, [command, name, "spec.json", "--json"], {
    cwd: copy,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [output, errors, exit] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const last = output.trimEnd().split("\n").at(-1)!;
  if (!last.startsWith("{")) throw new Error(`sferic ${name} ends with ${exit} and without a result: ${errors}`);
  return { exit, result: JSON.parse(last) as Outcome["result"] };
}

/** Code of the error of a run, or of the first issue that keeps it from beginning. */
function codeOf({ error, issues }: Outcome["result"]): string {
  return error?.code ?? issues?.[0]?.code ?? "none";
}

async function writtenRows(copy: string, shape: NonNullable<Expectation["rows"]>): Promise<unknown> {
  const spec = JSON.parse(readFileSync(join(copy, "spec.json"), "utf8")) as {
    readonly sinks: Readonly<Record<string, { readonly type: string; readonly url: string }>>;
  };
  const sinks = Object.entries(spec.sinks).filter(([, { type }]) => type === "files");
  const read = sinks.map(async ([id, { url }]) => [id, await rowsBelow(join(copy, url))] as const);
  const rows = await Promise.all(read);
  return isList(shape) ? rowTexts(rows[0]![1]) : textsBySink(rows);
}

async function rowsBelow(path: string): Promise<Cells[]> {
  return (await Promise.all((await filesOf(path)).map(rowsOf))).flat();
}

function isList(rows: NonNullable<Expectation["rows"]>): rows is readonly Cells[] {
  return Array.isArray(rows);
}

function textsBySink(rows: readonly (readonly [string, readonly Cells[]])[]): unknown {
  return Object.fromEntries(rows.map(([id, list]) => [id, rowTexts(list)]));
}

/** Rows as sorted texts in which every digit of an integer stands. */
function rowTexts(rows: readonly Cells[]): string[] {
  return rows.map((row) => JSON.stringify(canonical(row))).toSorted();
}

function canonical(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}n`;
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, canonical(field)] as const);
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
