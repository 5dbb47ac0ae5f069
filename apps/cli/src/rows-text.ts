import { visible } from "@sferic/operator/visible";
import type { Json, Row } from "@sferic/operator";
import { type TableColumn, textTable } from "./text.ts";

const cellWidthMax = 40;

/** Rows as a table of the named columns, numbers to the right, each line after its mark (`marks` is one per row, or none). */
export function rowsText(
  rows: readonly Row[],
  names: readonly string[],
  title: (line: string) => string,
  marks?: readonly string[],
): string {
  const columns = names.map((name): TableColumn => {
    const isNumber = rows.every((row) => (row[name] ?? null) === null || typeof row[name] === "number");
    return { title: name, align: isNumber ? "right" : "left" };
  });
  const cells = rows.map((row, index) => [
    ...(marks === undefined ? [] : [marks[index]!]),
    ...names.map((name) => cellText(row[name] ?? null)),
  ]);
  return textTable([...(marks === undefined ? [] : [{ title: "" }]), ...columns], cells, title);
}

function cellText(value: Json): string {
  const text = value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return visible(text.length > cellWidthMax ? `${text.slice(0, cellWidthMax - 1)}…` : text);
}
