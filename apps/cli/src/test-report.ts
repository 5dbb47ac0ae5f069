import { visible } from "@sferic/operator/visible";
import type { TestDifference, TestResult } from "@sferic/engine";
import { failureText } from "./failure.ts";
import { rowsText } from "./rows-text.ts";
import type { Paint } from "./terminal.ts";
import { counted, countText, indented, secondsText } from "./text.ts";

/** Most differing rows that are shown per operator. */
const rowsMax = 20;

/** What the tests of a spec came to, for people: a line per test, the differing rows below those that failed. */
export function testReport(results: readonly TestResult[], paint: Paint): string {
  const failed = results.filter(({ passed }) => !passed).length;
  const parts = [
    `${countText(results.length - failed)} passed`,
    ...(failed === 0 ? [] : [`${countText(failed)} failed`]),
  ];
  const total = `${counted(results.length, "test")}: ${parts.join(", ")}`;
  return [...results.map((result) => resultText(result, paint)), "", paint(failed === 0 ? "green" : "red", total)].join(
    "\n",
  );
}

function resultText({ name, passed, differences, error, seconds }: TestResult, paint: Paint): string {
  const mark = passed ? paint("green", "✓") : paint("red", "✗");
  const lines = [`${mark} ${visible(name)} (${secondsText(seconds)})`];
  if (error !== undefined) lines.push(indented(failureText(error, paint, false)));
  lines.push(...differences.map((difference) => indented(differenceText(difference, paint))));
  return lines.join("\n");
}

function differenceText(
  { target, epoch, columns, missing, unexpected, matching }: TestDifference,
  paint: Paint,
): string {
  const counts = [
    missing.length === 0 ? "" : `${counted(missing.length, "row")} missing`,
    unexpected.length === 0 ? "" : `${countText(unexpected.length)} unexpected`,
    matching === 0 ? "" : `${countText(matching)} as expected`,
  ];
  const marked = [
    ...missing.map((row) => ({ mark: "- missing", row })),
    ...unexpected.map((row) => ({ mark: "+ unexpected", row })),
  ];
  const shown = marked.slice(0, rowsMax);
  const names = columns.length > 0 ? columns : Object.keys(unexpected[0] ?? {});
  const table = rowsText(
    shown.map(({ row }) => row),
    names,
    (line) => paint("dim", line),
    shown.map(({ mark }) => mark),
  );
  const more = marked.length - shown.length;
  return [
    `${epoch === undefined ? "" : `epoch ${epoch}, `}${target}: ${counts.filter((count) => count !== "").join(", ")}`,
    indented(table),
    ...(more > 0 ? [indented(`… and ${counted(more, "row")} more`)] : []),
  ].join("\n");
}
