import { visible } from "@sferic/operator/visible";
import type { Paint } from "../terminal.ts";
import { counted, countText, indented, secondsText, textTable } from "../text.ts";
import type { TortureResult } from "./torture.ts";

/** Most failures that are shown. */
const failuresShownMax = 5;

/** What torture found, for people: the kills, a line per sink, and what went wrong with where to look. */
export function tortureReport(result: TortureResult, paint: Paint): string {
  const { pipeline, kills, runs, cases, epochs, sinks, failures, seed, seconds } = result;
  const all = kills.atSteps + kills.atRandom;
  const head = `${visible(pipeline)}: ${counted(all, "SIGKILL")} (${countText(kills.atSteps)} at steps of the protocol, ${countText(kills.atRandom)} at random moments, seed ${seed}) in ${counted(runs, "run")}; ${counted(cases, "time")} from the beginning to the end of ${counted(epochs, "epoch")}; ${secondsText(seconds)}`;
  const rows = Object.entries(sinks).map(([id, verdict]) => [
    visible(id),
    verdict.type,
    countText(verdict.rows),
    verdict.promise,
    verdict.observed ?? "not compared",
    countText(verdict.lost),
    countText(verdict.doubled),
    countText(verdict.foreign),
  ]);
  const columns = [
    { title: "sink" },
    { title: "type" },
    { title: "rows", align: "right" },
    { title: "promises" },
    { title: "observed" },
    { title: "lost", align: "right" },
    { title: "doubled", align: "right" },
    { title: "other", align: "right" },
  ] as const;
  const table = textTable(columns, rows, (line) => paint("dim", line));
  const kept = failures.length === 0;
  const verdict = kept ? "Every sink kept its promise." : "A promise was broken.";
  return [
    head,
    "",
    table,
    ...failures.slice(0, failuresShownMax).map(failureLines),
    "",
    paint(kept ? "green" : "red", verdict),
  ].join("\n");
}

function failureLines({ killed, reason, folder }: TortureResult["failures"][number]): string {
  return `\nKilled at ${killed.join(" | ") || "no moment"}:\n${indented(visible(reason))}\n${indented(`see ${folder}`)}`;
}
