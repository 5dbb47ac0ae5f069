import type { Column } from "@sferic/operator";
import { textTable } from "./text.ts";

/** Columns as a table of name, type, nullability and unit. */
export function columnsText(columns: readonly Column[], title: (line: string) => string): string {
  const rows = columns.map(({ name, type, nullable, unit }) => [name, type, nullable ? "nullable" : "", unit ?? ""]);
  return textTable([{ title: "column" }, { title: "type" }, { title: "" }, { title: "unit" }], rows, title);
}
