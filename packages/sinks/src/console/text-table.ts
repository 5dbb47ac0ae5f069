import type { Json, Row } from "@sferic/operator";

const cellWidthMax = 40;

/** Rows as aligned columns under a title, numbers to the right; says how many of `count` rows are left out. */
export function textTable(rows: readonly Row[], title: string, count: number): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => names.map((name) => cellText(row[name] ?? null)));
  const widths = names.map((name, column) => Math.max(name.length, ...cells.map((line) => line[column]!.length)));
  const rightward = names.map((name) => rows.every((row) => row[name] === null || typeof row[name] === "number"));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) => (rightward[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const rest = count > rows.length ? [`… and ${count - rows.length} more`] : [];
  return `${[title, line(names), rule, ...cells.map(line), ...rest].join("\n")}\n\n`;
}

function cellText(value: Json): string {
  const text = value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > cellWidthMax ? `${text.slice(0, cellWidthMax - 1)}…` : text;
}
