import { nearest, type Offset, OperatorError, parseDuration } from "@sferic/operator";
import { textOf } from "@sferic/operator/durable-files";
import type { OperatorNode } from "@sferic/spec";
import { inspectCheckpoint } from "./checkpoint/inspect.ts";
import { recordedEpochs, type RecordKind, recordPath, type RecordTypes } from "./checkpoint/layout.ts";
import { decodeRecord } from "./checkpoint/records.ts";
import type { StateReport } from "./checkpoint/states.ts";
import type { Plan } from "./plan.ts";
import { endOfTimeMs, type Watermarks, watermarkSources, watermarksOf } from "./watermarks.ts";

/** An operator that declares an event time, as one of those that a watermark is the smallest of. */
export interface WatermarkHolder {
  readonly operatorId: string;
  /** Column with the event time. */
  readonly column: string;
  /** As in the spec. */
  readonly delay: string;
  /** The largest event time that it has given, ISO 8601; null when it has given none. */
  readonly lastSeen: string | null;
  /** That minus the delay, at least 1970. */
  readonly watermark: string;
  /** Whether it has been silent for so long, by `idleAfter`, that it does not count now. */
  readonly isIdle: boolean;
  /** Whether no other one that counts is further behind: it holds the watermark back. */
  readonly isHolding: boolean;
  /** Event time that it has to give before the oldest open window can close; null when it has, or none is open. */
  readonly needs: string | null;
  /** The sources that its rows come from, each with the end of what was read of it. */
  readonly reads: readonly { readonly source: string; readonly offset: Offset | null }[];
}

/** What an operator keeps open and what it waits for. */
export interface WindowsReport {
  readonly operatorId: string;
  readonly type: string;
  /** The newest committed epoch. */
  readonly epoch: number;
  /** Watermark of the next epoch, which closes windows that end there or before; null where nothing declares an event time. */
  readonly watermark: string | null;
  /** Rows of windows that end there or before are late in the next epoch. */
  readonly late: string | null;
  readonly holders: readonly WatermarkHolder[];
  readonly groups: number;
  /** Bytes of memory. */
  readonly bytes: number;
  /** Null when no window is open, or none ends. */
  readonly open: { readonly oldestEnd: string; readonly newestEnd: string } | null;
  /** Whether a run has closed everything with `"onEnd": "flush"`: whatever comes is late. */
  readonly isFlushed: boolean;
  /** Whether the oldest open window closes in the next epoch, whatever comes; one without rows is run if nothing does. */
  readonly isDue: boolean;
}

/** Which operator, and where its checkpoint is. */
export interface WindowsQuery {
  /** Absolute path. */
  readonly checkpoint: string;
  /** All that remember something when absent. */
  readonly operatorId?: string;
}

/**
 * Why windows have not closed: per operator that remembers something, what is open and which sources hold it back. Read
 * from the newest committed epoch of a checkpoint; nothing is run or changed. Throws `checkpoint-not-found`,
 * `no-epoch-yet`, and `unknown-operator-id` for one that is not there or remembers nothing.
 */
export async function openWindows(plan: Plan, { checkpoint, operatorId }: WindowsQuery): Promise<WindowsReport[]> {
  const { offsets } = await inspectCheckpoint(checkpoint);
  const newest = await newestOf(checkpoint);
  const kept = newest.committed.stateSizes ?? {};
  if (operatorId !== undefined) requireKept(plan, operatorId, kept);
  const nodes = plan.operators.map(({ node }) => node);
  const watching = new Watching(plan, newest, offsets);
  return nodes
    .filter(({ id }) => kept[id] !== undefined && id === (operatorId ?? id))
    .map((node) => watching.report(node, kept[node.id]!));
}

type Newest = { readonly [Kind in RecordKind]: RecordTypes[Kind] };

async function newestOf(checkpoint: string): Promise<Newest> {
  const epoch = (await recordedEpochs(checkpoint, "committed")).at(-1);
  if (epoch === undefined) {
    const message = `No epoch is committed yet on the checkpoint ${checkpoint}. Run the pipeline first.`;
    throw new OperatorError({ code: "no-epoch-yet", message, details: { path: checkpoint } });
  }
  const read = async <Kind extends RecordKind>(kind: Kind): Promise<RecordTypes[Kind]> => {
    const path = recordPath(checkpoint, kind, epoch);
    try {
      return decodeRecord<RecordTypes[Kind]>((await textOf(path)) ?? "");
    } catch (cause) {
      const message = `${path} is not what was written. "sferic checkpoint verify" says what is wrong with the checkpoint.`;
      throw new OperatorError({ code: "checkpoint-corrupt", message, details: { path } }, { cause });
    }
  };
  return { intent: await read("intent"), prepared: await read("prepared"), committed: await read("committed") };
}

function requireKept({ operators }: Plan, operatorId: string, kept: Readonly<Record<string, StateReport>>): void {
  if (kept[operatorId] !== undefined) return;
  const known = operators.find(({ node }) => node.id === operatorId);
  const near =
    nearest(
      operatorId,
      operators.map(({ node }) => node.id),
    ) ?? null;
  const others = Object.keys(kept).map((id) => `"${id}"`);
  const problem =
    known === undefined
      ? `There is no operator "${operatorId}"${near === null ? "." : `; did you mean "${near}"?`}`
      : `"${operatorId}" remembers nothing from epoch to epoch.`;
  const message = `${problem} ${others.length === 0 ? "No operator of the pipeline does." : `Operators that remember something: ${others.join(", ")}.`}`;
  throw new OperatorError({ code: "unknown-operator-id", message });
}

/** What the watermarks of a plan are made of, after an epoch. */
class Watching {
  readonly #nodes: ReadonlyMap<string, OperatorNode>;
  readonly #declaring: ReadonlyMap<string, readonly OperatorNode[]>;
  readonly #watermarks: Watermarks;
  readonly #newest: Newest;
  readonly #offsets: Readonly<Record<string, Offset>>;

  readonly #timeMs: number;

  constructor(plan: Plan, newest: Newest, offsets: Readonly<Record<string, Offset>>) {
    const nodes = plan.operators.map(({ node }) => node);
    this.#timeMs = Math.max(Date.now(), newest.intent.timeMs);
    this.#offsets = offsets;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#declaring = watermarkSources(nodes);
    this.#newest = newest;
    this.#watermarks = watermarksOf(plan);
    this.#watermarks.resume(newest.intent.watermarks ?? {}, newest.prepared);
  }

  report({ id, type }: OperatorNode, { groups, bytes, open }: StateReport): WindowsReport {
    const next = this.#watermarks.next(this.#timeMs)[id];
    const closesMs = open && open.oldestEndMs + this.#watermarks.waitMs(id);
    const holders = (this.#declaring.get(id) ?? []).map((node) => this.#holder(node, closesMs));
    const counting = holders.filter(({ isIdle }) => !isIdle);
    const smallest = Math.min(...counting.map(({ watermarkMs }) => watermarkMs));
    return {
      operatorId: id,
      type,
      epoch: this.#newest.committed.epoch,
      watermark: next === undefined ? null : timeText(next.nowMs),
      late: next === undefined ? null : timeText(next.lateMs),
      holders: holders.map(({ watermarkMs, ...holder }) => ({
        ...holder,
        isHolding: !holder.isIdle && watermarkMs === smallest,
      })),
      groups,
      bytes,
      open:
        open === undefined ? null : { oldestEnd: timeText(open.oldestEndMs), newestEnd: timeText(open.newestEndMs) },
      isFlushed: next !== undefined && next.nowMs >= endOfTimeMs,
      isDue: open !== undefined && next !== undefined && next.nowMs >= open.oldestEndMs,
    };
  }

  #holder(
    node: OperatorNode,
    closesMs: number | undefined,
  ): Omit<WatermarkHolder, "isHolding"> & { watermarkMs: number } {
    const { column, delay } = node.watermark!;
    const lastMs = this.#newest.prepared.eventTimes?.[node.id];
    const watermarkMs = Math.max(0, (lastMs ?? 0) - parseDuration(delay));
    const needsMs = closesMs === undefined ? undefined : closesMs + parseDuration(delay);
    const isEnough = needsMs === undefined || (lastMs ?? Number.NEGATIVE_INFINITY) >= needsMs;
    return {
      operatorId: node.id,
      column,
      delay,
      lastSeen: lastMs === undefined ? null : timeText(lastMs),
      watermark: timeText(watermarkMs),
      isIdle: this.#watermarks.isIdle(node, this.#timeMs),
      needs: isEnough ? null : timeText(needsMs),
      reads: this.#sourcesOf(node).map((source) => ({ source, offset: this.#offsets[source] ?? null })),
      watermarkMs,
    };
  }

  /** Ids of the sources above an operator, or of itself. */
  #sourcesOf(node: OperatorNode): string[] {
    if (node.kind === "source") return node.role === "reference" ? [] : [node.id];
    const above = Object.values(node.inputs).flat();
    return [...new Set(above.flatMap(({ operator }) => this.#sourcesOf(this.#nodes.get(operator)!)))];
  }
}

function timeText(ms: number): string {
  return new Date(Math.max(-endOfTimeMs, Math.min(ms, endOfTimeMs))).toISOString().replace(".000Z", "Z");
}
