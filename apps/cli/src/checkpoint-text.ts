import { visible } from "@sferic/operator/visible";
import type {
  CheckpointFinding,
  CheckpointRepair,
  CheckpointReport,
  LockHolder,
  UnfinishedEpoch,
} from "@sferic/engine";
import { placeText } from "./run-summary.ts";
import type { Paint } from "./terminal.ts";
import { bytesText, counted, countText, indented, textTable } from "./text.ts";

const offsetLengthMax = 80;

const repairs = { "set-aside": "set aside", rebuild: "rebuild  ", forget: "forget   " } as const;

/** A checkpoint for people: whose it is, how far it got, where each source and sink stands, what is wrong. */
export function checkpointText(report: CheckpointReport, paint: Paint): string {
  const section = (title: string, text: string): string[] =>
    text === "" ? [] : [`${paint("bold", title)}\n${indented(text)}`];
  const pipeline = report.identity?.pipeline ?? "Checkpoint of an unknown pipeline";
  return [
    `${paint("bold", visible(pipeline))}\n${indented(stateText(report))}`,
    ...section("Offsets", offsetsText(report, paint)),
    ...section("Outputs", outputsText(report, paint)),
    ...section("States", statesText(report, paint)),
    ...(report.findings.length === 0 ? [] : [findingsText(report.findings, paint)]),
  ].join("\n\n");
}

/** What is wrong with a checkpoint and what that means for the next run, with the number of findings. */
export function findingsText(findings: readonly CheckpointFinding[], paint: Paint): string {
  const lines = findings.map(({ problem, severity, path, message }) => {
    const title = paint(severity === "error" ? "red" : "yellow", `${severity}[${problem}]`);
    return `${title}: ${placeText(path)}: ${message}`;
  });
  const errors = findings.filter(({ severity }) => severity === "error");
  const outcome =
    errors.length === 0
      ? "The next run sets this record aside and goes on."
      : errors.every(({ problem }) => problem === "dead-letters")
        ? "Runs go on, and no replay starts: restore the files from a copy, or remove them."
        : 'No run starts on this checkpoint. "sferic checkpoint repair" says what can be put right; else restore the files from a copy, or reset it and empty its outputs.';
  return [...lines, outcome].join("\n");
}

/** What a repair does, or would do, and what is beyond it. */
export function repairText({ actions, beyondRepair }: CheckpointRepair, paint: Paint): string {
  const lines = [
    ...actions.map(({ does, path, why }) => `${repairs[does]}  ${placeText(path)}: ${why}`),
    ...beyondRepair.map(({ path, why }) => `${paint("red", "beyond repair")}  ${placeText(path)}: ${why}`),
  ];
  if (beyondRepair.length > 0) {
    lines.push("Nothing is done. Restore the files from a copy, or reset the checkpoint and empty its outputs.");
  }
  return lines.join("\n");
}

function stateText({ checkpoint, identity, newest, unfinished, lock, records, setAside }: CheckpointReport): string {
  const rows = [
    ["checkpoint", placeText(checkpoint)],
    ...(identity === null
      ? []
      : [
          ["identity", identity.id],
          ["spec", identity.specHash.slice(0, 12)],
          ["engine", identity.engineVersion],
        ]),
    ["newest epoch", newestText(newest)],
    ["unfinished", unfinished === null ? "none" : unfinishedText(unfinished)],
    ["lock", lock === null ? "free" : lockText(lock)],
    ["records", countText(records)],
    ...setAside.map((path) => ["set aside", placeText(path)]),
  ];
  return textTable([{ title: "" }, { title: "" }], rows).trimStart();
}

function newestText(newest: CheckpointReport["newest"]): string {
  if (newest === null) return "none is committed";
  return newest.time === null ? String(newest.epoch) : `${newest.epoch}, planned ${newest.time}`;
}

function unfinishedText({ epoch, record, staged }: UnfinishedEpoch): string {
  if (record === "intent") return `epoch ${epoch}, planned: the next run computes it from the same range`;
  const rows = Object.entries(staged).map(([id, sink]) => `${id} ${counted(sink.rows, "row")}`);
  const what = rows.length === 0 ? "nothing" : rows.join(", ");
  return `epoch ${epoch}, prepared (${what} staged): the next run publishes it`;
}

/** Who holds a checkpoint. */
export function lockText({ pid, host, started }: LockHolder): string {
  return `held by process ${pid} on ${visible(host)}, since ${started}`;
}

/** Committed ends of ranges; a source that is only in the unfinished epoch shows how far that one goes. */
function offsetsText({ offsets, unfinished }: CheckpointReport, paint: Paint): string {
  const sources = new Set([...Object.keys(offsets), ...Object.keys(unfinished?.sources ?? {})]);
  if (sources.size === 0) return "";
  const rows = [...sources].map((id) => [
    id,
    offsetText(offsets[id] ?? null),
    ...(unfinished === null ? [] : [offsetText(unfinished.sources[id]?.end ?? null)]),
  ]);
  const columns = [
    { title: "source" },
    { title: "committed to" },
    ...(unfinished === null ? [] : [{ title: "unfinished to" }]),
  ];
  return textTable(columns, rows, (line) => paint("dim", line));
}

/** Fields of offsets that sources keep for `why`, and to know files again when their place in the spec has changed. */
const unshown = new Set(["times", "root"]);

/** An offset is the source's own: simple fields as they are, lists by their length. */
export function offsetText(offset: unknown): string {
  if (offset === null) return "";
  if (typeof offset !== "object" || Array.isArray(offset)) return short(JSON.stringify(offset));
  const shown = Object.entries(offset).filter(([name]) => !unshown.has(name));
  const fields = shown.map(([name, value]) =>
    Array.isArray(value) ? counted(value.length, name.replace(/s$/, "")) : `${name} ${JSON.stringify(value)}`,
  );
  return short(fields.join(", "));
}

function short(text: string): string {
  const whole = visible(text);
  return whole.length <= offsetLengthMax ? whole : `${whole.slice(0, offsetLengthMax - 1)}…`;
}

function statesText({ states }: CheckpointReport, paint: Paint): string {
  if (Object.keys(states).length === 0) return "";
  const rows = Object.entries(states).map(([id, { groups, bytes, files }]) => {
    const [newest] = files.slice(-1);
    return [
      id,
      countText(groups),
      bytesText(bytes),
      countText(files.length),
      bytesText(files.reduce((sum, file) => sum + file.bytes, 0)),
      newest === undefined ? "" : `${newest.version} of epoch ${newest.epoch}, ${bytesText(newest.bytes)}`,
    ];
  });
  const columns = [
    { title: "operator" },
    { title: "groups", align: "right" },
    { title: "memory", align: "right" },
    { title: "files", align: "right" },
    { title: "in all", align: "right" },
    { title: "newest" },
  ] as const;
  return textTable(columns, rows, (line) => paint("dim", line));
}

function outputsText({ outputs }: CheckpointReport, paint: Paint): string {
  const sinks = Object.entries(outputs);
  if (sinks.length === 0) return "";
  const rows = sinks.map(([id, { rows: count, files }]) => [
    id,
    countText(count),
    countText(files.length),
    files.length === 0 ? "" : visible(placeText(files.at(-1)!)),
  ]);
  const columns = [
    { title: "sink" },
    { title: "rows", align: "right" },
    { title: "files", align: "right" },
    { title: "newest" },
  ] as const;
  return textTable(columns, rows, (line) => paint("dim", line));
}
