import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, string | number | null>>;

/** Rows by the id of the sink that writes them. */
export type Answer = Readonly<Record<string, readonly Row[]>>;

/** The parts of a pipeline spec that the cases look at. */
export interface CaseSpec {
  readonly sources: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly transforms?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly sinks: Readonly<Record<string, { readonly url: string; readonly format: { readonly type: string } }>>;
}

/** One folder of this one: a pipeline, and the question whose answer its sinks must hold. */
export interface Case {
  readonly name: string;
  readonly spec: CaseSpec;
  /** SQL for each sink. */
  readonly questions: Readonly<Record<string, string>>;
  /** Code of the error that the run must end with, as `-- fails: <code>` in answer.sql says. */
  readonly fails?: string;
}

const folder = import.meta.dirname;

/** Where the input files of all cases are, and `tables.sql` with their rows. */
export const inputs = join(folder, "input");

/** All cases, by name. */
export function allCases(): Case[] {
  const specs = globSync("*/pipeline.json", { cwd: folder });
  return specs.toSorted().map((file) => caseOf(dirname(file)));
}

function caseOf(name: string): Case {
  const spec = JSON.parse(readFileSync(join(folder, name, "pipeline.json"), "utf8")) as CaseSpec;
  const sql = readFileSync(join(folder, name, "answer.sql"), "utf8");
  const fails = /^-- fails: (\S+)$/m.exec(sql)?.[1];
  return { name, spec, questions: questionsOf(spec, sql), ...(fails === undefined ? {} : { fails }) };
}

/** The statements after each `-- sink: <id>`; of a pipeline with one sink, the whole text. */
function questionsOf({ sinks }: CaseSpec, sql: string): Case["questions"] {
  const [first, ...rest] = sql.split(/^-- sink: (\S+)$/m);
  if (rest.length === 0) return { [Object.keys(sinks)[0]!]: first! };
  return Object.fromEntries(rest.flatMap((id, index) => (index % 2 === 0 ? [[id, rest[index + 1]!]] : [])));
}

/** The recorded answer of a case. */
export function recorded({ name }: Case): string {
  return readFileSync(expectedFile(name), "utf8");
}

/** Where the answer of a case is recorded: one line per row, `{ "<sink>": { … } }`. */
export function expectedFile(name: string): string {
  return join(folder, name, "expected.jsonl");
}

/** An answer as the text of its file. */
export function answerText(answer: Answer): string {
  const lines = Object.entries(answer).flatMap(([sink, rows]) => rows.map((row) => JSON.stringify({ [sink]: row })));
  return lines.map((line) => `${line}\n`).join("");
}

/** The answer that {@link answerText} wrote. */
export function parsedAnswer(text: string): Answer {
  const answer: Record<string, Row[]> = {};
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [[sink, row]] = Object.entries(JSON.parse(line) as Record<string, Row>) as [[string, Row]];
    (answer[sink] ??= []).push(row);
  }
  return answer;
}
