import type { ExplainedEdge, Explanation } from "@sferic/engine";
import type { Bounds } from "@sferic/operator";
import { columnsText } from "./columns.ts";
import { placeText } from "./run-summary.ts";
import type { Paint } from "./terminal.ts";
import { bytesText, counted, indented, textTable } from "./text.ts";
import { triggerText } from "./trigger.ts";

type Reads = Explanation["operators"][number]["reads"];

/** A plan for people: how it runs, its graph, what flows on every edge, and what each sink guarantees. */
export function explanationText(plan: Explanation, paint: Paint): string {
  const heading = (title: string): string => paint("bold", title);
  return [
    `${heading(plan.pipeline)}\n${indented(runText(plan))}`,
    `${heading("Graph")}\n${indented(graphText(plan, paint))}`,
    `${heading("Columns")}\n${indented(schemasText(plan.edges, paint))}`,
    `${heading("Delivery")}\n${indented(deliveryText(plan))}`,
  ].join("\n\n");
}

function runText({ trigger, checkpoint, seed, operators }: Explanation): string {
  const rows = [
    ["trigger", triggerText(trigger)],
    ["checkpoint", checkpoint === null ? "none: every run starts anew" : placeText(checkpoint)],
    ["seed", String(seed)],
    ...operators
      .filter(({ kind }) => kind === "source")
      .map(({ id, bounds }) => [`bounds of ${id}`, boundsText(bounds ?? {})]),
    ...operators.flatMap(({ id, reads }) => (reads === undefined ? [] : readsRows(id, reads))),
    ...operators
      .filter(({ watermark }) => watermark !== undefined)
      .map(({ id, watermark }) => [
        `watermark of ${id}`,
        `${watermark!.column}, ${watermark!.delay} behind the newest row`,
      ]),
  ];
  return textTable([{ title: "" }, { title: "" }], rows).trimStart();
}

/** What is read of a source, where that is not all of it. */
function readsRows(id: string, { columns, columnCount, conditions }: NonNullable<Reads>): string[][] {
  const pruned = columns.length < columnCount;
  const conditionText = ({ column, comparison, values }: NonNullable<Reads>["conditions"][number]): string =>
    `${column} ${comparison.replaceAll("-", " ")} ${values.join(", ")}`.trimEnd();
  return [
    ...(pruned ? [[`columns of ${id}`, `reads ${columns.length} of ${columnCount}: ${columns.join(", ")}`]] : []),
    ...(conditions.length === 0
      ? []
      : [[`parts of ${id}`, `only where ${conditions.map(conditionText).join(" and ")} is possible`]]),
  ];
}

function boundsText({ filesPerEpoch, rowsPerEpoch, bytesPerEpoch }: Bounds): string {
  const bounds = [
    filesPerEpoch === undefined ? "" : `${counted(filesPerEpoch, "file")} an epoch`,
    rowsPerEpoch === undefined ? "" : `${counted(rowsPerEpoch, "row")} an epoch`,
    bytesPerEpoch === undefined ? "" : `${bytesText(bytesPerEpoch)} an epoch`,
  ].filter((bound) => bound !== "");
  return bounds.join(", ") || "none: an epoch takes all there is";
}

/** Every source with what reads from it below, as a tree; an operator with several inputs is unfolded once. */
function graphText({ operators, edges }: Explanation, paint: Paint): string {
  const unfolded = new Set<string>();
  const label = (id: string): string => {
    const { kind, type, needs } = operators.find((operator) => operator.id === id)!;
    return `${id}  ${paint("dim", `${kind} ${type}${needs === "epoch" ? ", sees all rows of an epoch" : ""}`)}`;
  };
  const below = (id: string, indent: string): string[] => {
    if (unfolded.has(id)) return [];
    unfolded.add(id);
    const out = edges.filter(({ from }) => from.operator === id);
    return out.flatMap(({ from, to }, index) => {
      const last = index === out.length - 1;
      const port = from.port === "main" ? "" : `${paint("cyan", from.port)} `;
      const input = to.input === "main" ? "" : ` ${paint("cyan", `as ${to.input}`)}`;
      const line = `${indent}${last ? "└" : "├"}─${port}─▶ ${label(to.operator)}${input}`;
      return [line, ...below(to.operator, `${indent}${last ? " " : "│"}    `)];
    });
  };
  const sources = operators.filter(({ kind }) => kind === "source");
  return sources.flatMap(({ id }) => [label(id), ...below(id, "")]).join("\n");
}

/** What flows out of each port, once however many read it. */
function schemasText(edges: readonly ExplainedEdge[], paint: Paint): string {
  const ports = Map.groupBy(edges, ({ from }) => `${from.operator}.${from.port}`);
  return [...ports]
    .map(([port, readers]) => {
      const names = readers.map(({ to }) => (to.input === "main" ? to.operator : `${to.operator}.${to.input}`));
      const { schema } = readers[0]!;
      const columns =
        schema === null ? "known when the data is read" : columnsText(schema, (line) => paint("dim", line));
      return `${port} ─▶ ${names.join(", ")}\n${indented(columns)}`;
    })
    .join("\n\n");
}

function deliveryText({ delivery }: Explanation): string {
  return delivery.map(({ path, guarantee, why }) => `${path.join(" ─▶ ")}\n  ${guarantee}: ${why}`).join("\n");
}
