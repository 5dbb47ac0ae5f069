/** How many tests ran, read from what a test runner says at its end. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { notes } from "./places.mjs";

const kept = (command) => join(notes, `counts-${command}.json`);

/** Sums cargo's `test result:` lines. */
export function countCargo(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const found of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    counts.passed += Number(found[1]);
    counts.failed += Number(found[2]);
    counts.skipped += Number(found[3]);
  }
  return counts;
}

/** Reads vitest's JSON report; a report that was never written is one failure, and so is a file that did not load. */
export function countVitest(report) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Keeps the counts of one of our commands for {@link totalOf}. */
export function keepCounts(command, counts) {
  mkdirSync(notes, { recursive: true });
  writeFileSync(kept(command), JSON.stringify(counts));
}

/** Sum of what the commands kept; throws when one has kept nothing. */
export function totalOf(commands) {
  const all = commands.map((command) => JSON.parse(readFileSync(kept(command), "utf8")));
  const sum = (key) => all.reduce((total, counts) => total + counts[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** The last line of `npm test`, in the form that CI reads. */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
