import { visible } from "@sferic/operator/visible";

/** A whole number with separators: `12,345`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Seconds as `12 ms`, `3.2 s`, `4 min 5 s`, `2 h 3 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in decimal units: `1.9 MB`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? counted(bytes, "byte") : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** What an operator remembers: `12,345 groups kept in 1.9 MB`. */
export function keptText({ groups, bytes }: { readonly groups: number; readonly bytes: number }): string {
  return `${counted(groups, "group")} kept in ${bytesText(bytes)}`;
}

/** One column of a {@link textTable}. */
export interface TableColumn {
  readonly title: string;
  readonly align?: "left" | "right";
}

/**
 * Rows under their titles in columns as wide as their cells, control characters written as escapes; `title` styles the
 * first line. No line break at the end.
 */
export function textTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  title: (line: string) => string = (line) => line,
): string {
  const titles = columns.map((column) => visible(column.title));
  const shown = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = titles.map((name, index) => Math.max(name.length, ...shown.map((row) => row[index]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        columns[index]!.align === "right" ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .join("  ")
      .trimEnd();
  return [title(line(titles)), ...shown.map(line)].join("\n");
}

/** The text with every line moved right by `width` spaces. */
export function indented(text: string, width = 2): string {
  return text.replace(/^(?=.)/gm, " ".repeat(width));
}
