import { visible } from "@sferic/operator/visible";
import type { DeltaCompacted, DeltaDetails, DeltaHistoryEntry, DeltaVacuumed } from "@sferic/bindings/delta-keep";
import { placeText } from "./run-summary.ts";
import type { Paint } from "./terminal.ts";
import { bytesText, counted, countText, indented, textTable } from "./text.ts";

/** A table for people: what it is now, its columns, its properties. */
export function detailsText(table: string, details: DeltaDetails, paint: Paint): string {
  const { version, timeMs, files, bytes, removedFiles, checkpoint, partitionBy, schema, properties, id } = details;
  const facts = [
    ["version", `${version}, of ${timeText(timeMs)}`],
    ["id", visible(id)],
    ["files", `${countText(files)}, ${bytesText(bytes)}`],
    ["kept for earlier versions", counted(removedFiles, "file")],
    ["log is read from", checkpoint === null ? "its beginning" : `the checkpoint of version ${checkpoint}`],
    ["partitioned by", partitionBy.length === 0 ? "nothing" : partitionBy.map((name) => visible(name)).join(", ")],
  ];
  const columns = schema.columns.map(({ name, type, nullable }) => [visible(name), type, nullable ? "" : "never null"]);
  const named = Object.entries(properties).map(([name, value]) => [visible(name), visible(value)]);
  const section = (title: string, rows: string[][]): string[] =>
    rows.length === 0 ? [] : [`${paint("bold", title)}\n${plainTable(rows)}`];
  return [
    `${paint("bold", placeText(table))}\n${plainTable(facts)}`,
    ...section("Columns", columns),
    ...section("Properties", named),
  ].join("\n\n");
}

/** Versions, one a line. */
export function historyText(history: readonly DeltaHistoryEntry[], paint: Paint): string {
  const rows = history.map(({ version, timeMs, operation, engine, added, removed, rearranged }) => [
    String(version),
    timeText(timeMs),
    visible(operation ?? ""),
    countText(added),
    countText(removed),
    countText(rearranged),
    visible(engine ?? ""),
  ]);
  const columns = [
    { title: "version", align: "right" },
    { title: "time" },
    { title: "operation" },
    { title: "added", align: "right" },
    { title: "removed", align: "right" },
    { title: "rearranged", align: "right" },
    { title: "engine" },
  ] as const;
  return textTable(columns, rows, (line) => paint("dim", line));
}

/** What a compaction did. */
export function compactedText(table: string, done: DeltaCompacted): string {
  if (done.version === null) return `${placeText(table)}: no files to put together`;
  const before = `${counted(done.removedFiles, "file")} (${bytesText(done.removedBytes)})`;
  const after = `${counted(done.addedFiles, "file")} (${bytesText(done.addedBytes)})`;
  return `${placeText(table)}: ${before} became ${after} in version ${done.version}`;
}

/** What a vacuum removed, or would. */
export function vacuumedText(table: string, done: DeltaVacuumed, isRehearsal: boolean): string {
  const { files, bytes, younger, retentionHours } = done;
  const does = isRehearsal ? "would be removed" : "removed";
  const summary = `${placeText(table)}: ${counted(files.length, "file")} (${bytesText(bytes)}) ${does}`;
  const rest =
    younger === 0
      ? ""
      : `; ${counted(younger, "file")} no version needs ${younger === 1 ? "is" : "are"} younger than ${retentionHours} hours`;
  const names = isRehearsal ? files.map((name) => indented(visible(name))) : [];
  return [...names, `${summary}${rest}`].join("\n");
}

function plainTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]!.map(() => ({ title: "" }));
  return indented(
    textTable(
      columns,
      rows.map((row) => [...row]),
    ).trimStart(),
  );
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
