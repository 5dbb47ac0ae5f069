import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Answer, type Case, inputs, type Row } from "./cases.ts";

/** What SQLite answers over the rows of `input/tables.sql`. A case that fails has no answer. */
export function askSqlite({ questions, fails }: Case): Answer {
  if (fails !== undefined) return {};
  const database = new DatabaseSync(":memory:");
  try {
    database.exec(readFileSync(join(inputs, "tables.sql"), "utf8"));
    database.exec("PRAGMA case_sensitive_like = true");
    const answers = Object.entries(questions).map(([sink, sql]) => [sink, database.prepare(sql).all() as Row[]]);
    return Object.fromEntries(answers) as Answer;
  } finally {
    database.close();
  }
}
