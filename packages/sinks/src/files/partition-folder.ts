import { ConfigError, OperatorError, type Schema } from "@sferic/operator";

/** How Hive writes the value of a partition whose column is null. */
const nullName = "__HIVE_DEFAULT_PARTITION__";

/** Bytes that file systems allow a name. */
const nameBytesMax = 255;

/**
 * The folders `column=value`, one in the other, for the rows with these values; what a name of a folder cannot hold is
 * percent-encoded. An empty text is a null, as for every reader of such folders. Throws `partition-name-too-long`.
 */
export function partitionFolder(columns: readonly string[], values: readonly (string | null)[]): string {
  return columns.map((name, index) => folderName(name, values[index] ?? "")).join("/");
}

function folderName(column: string, value: string): string {
  // Nobody reads what is below a folder whose name begins with a dot or an underscore.
  const name = encoded(column).replace(/^[._]/, (first) => `%${first.charCodeAt(0).toString(16).toUpperCase()}`);
  const folder = `${name}=${value === "" ? nullName : encoded(value)}`;
  if (Buffer.byteLength(folder) <= nameBytesMax) return folder;
  const message = `A value of "${column}" is too long for the name of a folder: ${value.slice(0, 40)}… Partition by a shorter column.`;
  throw new OperatorError({ code: "partition-name-too-long", message });
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll("*", "%2A");
}

/** Refuses columns that are not there, have no text for a folder, or leave nothing for the files. */
export function checkPartitionColumns(main: Schema, partitionBy: readonly string[]): void {
  const problems = main.pick(partitionBy, "/partitionBy").flatMap(({ name, type }, index) => {
    if (/^(bool|u?int(8|16|32|64)|(large_)?utf8|utf8_view|date32|dictionary<.*utf8>)$/.test(type)) return [];
    const message = `column "${name}" is ${type}; files can be cut by bools, integers, texts and dates`;
    return [{ code: "column-type", message, pointer: `/partitionBy/${index}` }];
  });
  const twice = partitionBy.findIndex((name, index) => partitionBy.indexOf(name) !== index);
  if (twice !== -1) {
    const message = `"${partitionBy[twice]}" is named twice`;
    problems.push({ code: "duplicate-column", message, pointer: `/partitionBy/${twice}` });
  }
  if (problems.length === 0 && main.columns.length === partitionBy.length) {
    const message = "no column is left for the files; name fewer columns here";
    problems.push({ code: "no-columns", message, pointer: "/partitionBy" });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
