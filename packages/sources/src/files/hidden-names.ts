/** Names of helper files that systems leave next to data, and that nobody misses. */
const unmissedNames =
  /^(?:_(?:SUCCESS|delta_log|change_data|metadata|common_metadata|spark_metadata|temporary|symlink_format_manifest|(?:started|committed)_.*)|\.(?:sferic-.*|.*\.crc|.*\.sw[a-z]|DS_Store|git.*|keep|nfs.*|_.*|~lock\..*|hive-staging.*|ipynb_checkpoints|Trash.*))$/;

/** Whether a name is passed over by wildcards, as Hadoop, Spark and DuckDB do. */
export function isHidden(name: string): boolean {
  return name.startsWith("_") || name.startsWith(".");
}

/** Whether a hidden name may be missed where it is passed over. */
export function isMissed(name: string): boolean {
  return !unmissedNames.test(name);
}

/** Whether a part of a pattern says itself that names begin with this `_` or `.`: as it is, in brackets, or in a choice. */
export function namesHidden(part: string, first: string): boolean {
  if (part.startsWith(first)) return true;
  if (/^\[[^!^\]]/.test(part)) return part.slice(1, part.indexOf("]")).includes(first);
  return part.startsWith("{") && choicesOf(part).some((choice) => namesHidden(choice, first));
}

/** The choices of the group in braces that a pattern begins with. */
function choicesOf(part: string): string[] {
  const choices = [""];
  let depth = 0;
  for (const character of part) {
    if (character === "{" && depth++ === 0) continue;
    if (character === "}" && --depth === 0) break;
    if (character === "," && depth === 1) choices.push("");
    else choices.push(choices.pop()! + character);
  }
  return choices;
}
