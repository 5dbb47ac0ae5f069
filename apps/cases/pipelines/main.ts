/**
 * Tells which recorded answers of the cases are not what SQLite answers, with exit code 1 when there are some. With
 * `--complete` records SQLite's answers, which is the only way an answer gets there: Sferic is not asked.
 */
import { existsSync, writeFileSync } from "node:fs";
import { askSqlite } from "./ask-sqlite.ts";
import { allCases, answerText, expectedFile, recorded } from "./cases.ts";

const cases = allCases().map((one) => ({ one, text: answerText(askSqlite(one)) }));
const stale = cases.filter(({ one, text }) => !existsSync(expectedFile(one.name)) || recorded(one) !== text);

if (process.argv.includes("--complete")) {
  for (const { one, text } of stale) writeFileSync(expectedFile(one.name), text);
  console.log(`${cases.length} cases, ${stale.length} recorded`);
} else {
  for (const { one } of stale) console.error(`${one.name}: SQLite answers otherwise; npm run cases -- --complete`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}
