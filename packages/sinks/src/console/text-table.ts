import { visible } from "@sferic/operator/visible";
import type { Json, Row } from "@sferic/operator";

const cellWidthMax = 40;

/** Rows as aligned columns under a title; says how many of `count` rows are left out. */
export function textTable(rows: readonly Row[], title: string, count: number): string {
  const rest = count > rows.length ? [`… and ${count - rows.length} more`] : [];
  return `${[title, ...tableLines(rows), ...rest].join("\n")}\n\n`;
}

/**
 * Rows as lines of aligned columns, numbers to the right, below a line with their names and a rule. Control characters are
 * written as escapes, so that a row keeps to its line and the terminal to itself.
 */
export function tableLines(rows: readonly Row[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  const heads = names.map((name) => visible(name));
  const cells = rows.map((row) => names.map((name) => cellText(row[name] ?? null)));
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]!.length)));
  const rightward = names.map((name) => rows.every((row) => row[name] === null || typeof row[name] === "number"));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) => (rightward[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(heads), rule, ...cells.map(line)];
}

function cellText(value: Json): string {
  const text = visible(value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return text.length > cellWidthMax ? `${text.slice(0, cellWidthMax - 1)}…` : text;
}
