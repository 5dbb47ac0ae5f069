import type { EpochCost, WatermarkHolder, WindowsReport } from "@sferic/engine";
import { offsetText } from "./checkpoint-text.ts";
import type { Paint } from "./terminal.ts";
import { counted, indented, keptText, secondsText, textTable } from "./text.ts";

/** Why windows have not closed, for people. */
export function windowsText(reports: readonly WindowsReport[], paint: Paint): string {
  if (reports.length === 0) return "No operator of this pipeline remembers anything from epoch to epoch.";
  return reports.map((report) => reportText(report, paint)).join("\n\n");
}

/** Which operators the time of an epoch goes to, those of at least a hundredth of it. */
export function costText(cost: EpochCost | null): string {
  if (cost === null) return "No epoch is committed yet.";
  const { epochs, secondsPerEpoch, operators } = cost;
  const percent = (seconds: number): number => Math.round((100 * seconds) / Math.max(secondsPerEpoch, 1e-9));
  const shares = operators
    .map(({ operatorId, secondsPerEpoch: own }) => ({ operatorId, share: percent(own) }))
    .filter(({ share }) => share > 0)
    .map(({ operatorId, share }) => `${operatorId} ${share} %`);
  const newest = epochs === 1 ? "The newest epoch" : `Each of the ${counted(epochs, "newest epoch")}`;
  return `${newest} took ${secondsText(secondsPerEpoch)}: ${shares.join(", ")}.`;
}

function reportText(report: WindowsReport, paint: Paint): string {
  const { operatorId, type, epoch, holders } = report;
  const parts = [factsText(report), ...(holders.length === 0 ? [] : [holdersText(holders, paint)]), verdict(report)];
  return `${paint("bold", operatorId)}, ${type}, after epoch ${epoch}\n${indented(parts.join("\n\n"))}`;
}

function factsText({ watermark, late, open, groups, bytes, isFlushed }: WindowsReport): string {
  const rows = [
    ["kept", keptText({ groups, bytes })],
    ["open", open === null ? "nothing that ends" : `windows that end from ${open.oldestEnd} to ${open.newestEnd}`],
    ...(watermark === null || isFlushed ? [] : [["watermark", `${watermark} in the next epoch`]]),
    ...(late === null || isFlushed ? [] : [["late", `rows of windows that end at ${late} or before`]]),
  ];
  return textTable([{ title: "" }, { title: "" }], rows).trimStart();
}

function holdersText(holders: readonly WatermarkHolder[], paint: Paint): string {
  const rows = holders.map(({ operatorId, column, lastSeen, delay, watermark, isHolding, isIdle, reads }) => [
    operatorId,
    column,
    lastSeen ?? "nothing",
    delay,
    watermark,
    isIdle ? "idle" : isHolding && holders.length > 1 ? "holds it back" : "",
    reads
      .map(({ source, offset }) => `${source} to ${offset === null ? "its beginning" : offsetText(offset)}`)
      .join(", "),
  ]);
  const titles = ["event time of", "column", "last seen", "delay", "watermark", "", "read"];
  return textTable(
    titles.map((title) => ({ title })),
    rows,
    (line) => paint("dim", line),
  );
}

/** What has to come before the oldest window closes. */
function verdict({ open, holders, watermark, isDue, isFlushed }: WindowsReport): string {
  if (watermark === null) return "Nothing declares an event time for it: what it keeps never ends.";
  if (isFlushed) return 'A run with "onEnd": "flush" has closed everything; whatever comes now is late.';
  if (open === null) return "No window is open.";
  if (isDue)
    return `The oldest window, which ends at ${open.oldestEnd}, closes in the next epoch, also without new rows.`;
  const needs = holders.flatMap(({ operatorId, needs }) =>
    needs === null ? [] : [`"${operatorId}" has given a row of ${needs} or later`],
  );
  return `The oldest window, which ends at ${open.oldestEnd}, closes in the epoch after ${needs.join(" and ")}.`;
}
