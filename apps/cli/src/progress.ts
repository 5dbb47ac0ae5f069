import { visible } from "@sferic/operator/visible";
import type { RunEvent, StateReport } from "@sferic/engine";
import type { Terminal } from "./terminal.ts";
import { countText, keptText, secondsText } from "./text.ts";

const redrawEveryMs = 100;
const plainEveryMs = 10_000;
/** Operators shown at a time: more would not fit on a terminal. */
const operatorsShownMax = 15;
/** Invalid inputs told while the run goes on; the summary counts all. */
const invalidShownMax = 5;

interface OperatorRows {
  rowsIn: number;
  rowsOut: number;
  /** Rows of the epochs before the one in work. */
  before: number;
  epoch: number;
}

/**
 * Shows how a run gets on, on the error stream: redrawn in place on a terminal, otherwise a line every 10 seconds.
 * Hand every event to `take`; `stop` clears what was drawn.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  readonly #operators = new Map<string, OperatorRows>();
  readonly #states = new Map<string, StateReport>();
  readonly #timer: NodeJS.Timeout;
  #drawnLines = 0;
  #invalid = 0;
  /** Nothing is drawn while sinks publish, for one of them may be the console. */
  #paused = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    const every = terminal.live ? redrawEveryMs : plainEveryMs;
    this.#timer = setInterval(() => (terminal.live ? this.#redraw() : this.#tell()), every).unref();
  }

  take(event: RunEvent): void {
    switch (event.type) {
      case "progress":
        this.#count(event.epoch, event.progress);
        break;
      case "states":
        for (const [id, state] of Object.entries(event.states)) this.#states.set(id, state);
        break;
      case "point":
        if (event.point === "prepared") this.#pause();
        if (event.point === "all-published") this.#paused = false;
        break;
      case "recovering":
        this.say(`Finishing epoch ${event.epoch}, which an earlier run left after its ${event.from} record.`);
        break;
      case "set-aside":
        this.say(`${event.path} was torn and has been set aside as ${event.path}.torn; its epoch runs again.`);
        break;
      case "spec-changed":
        this.say(`The spec has changed since the last run on ${event.checkpoint}; what was read stays read.`);
        for (const { effect, message } of event.changes) this.say(visible(`  ${effect}: ${message}`));
        break;
      case "warning":
        this.say(`warning[${event.code}] in operator "${event.operatorId}": ${event.message}`);
        break;
      case "invalid":
        this.#invalid += 1;
        if (this.#invalid <= invalidShownMax) this.say(visible(`Not read: ${event.name}: ${event.reason}`));
        break;
      default:
        break;
    }
  }

  /** Lines that stay, above what is drawn. */
  say(text: string): void {
    this.#clear();
    this.#terminal.note(this.#terminal.paintErr("yellow", text));
  }

  /** Ends the drawing and clears it. */
  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #count(epoch: number, { operatorId, rowsIn, rowsOut }: Extract<RunEvent, { type: "progress" }>["progress"]): void {
    const known = this.#operators.get(operatorId) ?? { rowsIn: 0, rowsOut: 0, before: 0, epoch };
    const before = known.epoch === epoch ? known.before : known.before + Math.max(known.rowsIn, known.rowsOut);
    this.#operators.set(operatorId, { rowsIn, rowsOut, before, epoch });
  }

  #pause(): void {
    this.#paused = true;
    this.#clear();
  }

  #redraw(): void {
    if (this.#paused || this.#operators.size === 0) return;
    this.#clear();
    const operators = this.#shownOperators();
    const width = Math.max(...operators.map(([id]) => id.length));
    const lines = operators.map(([id, rows]) => `  ${id.padEnd(width)}  ${this.#rowsText(id, rows)}`);
    if (operators.length < this.#operators.size) lines.push(`  ${this.#moreText()}`);
    lines.push(this.#terminal.paintErr("dim", `  ${secondsText(this.#seconds())}`));
    const shown = lines.map((line) => visible(line).slice(0, Math.max(20, this.#terminal.columns - 1)));
    this.#terminal.draw(`${shown.join("\n")}\n`);
    this.#drawnLines = shown.length;
  }

  #tell(): void {
    const rows = this.#shownOperators().map(([id, counts]) => `${id} ${this.#rowsText(id, counts)}`);
    if (rows.length < this.#operators.size) rows.push(this.#moreText());
    this.#terminal.note([`${secondsText(this.#seconds())}:`, rows.join(", ") || "waiting for input"].join(" "));
  }

  #shownOperators(): [string, OperatorRows][] {
    return [...this.#operators].slice(0, operatorsShownMax);
  }

  #moreText(): string {
    return `and ${countText(this.#operators.size - operatorsShownMax)} more operators`;
  }

  #rowsText(id: string, { rowsIn, rowsOut, before }: OperatorRows): string {
    const rows = before + Math.max(rowsIn, rowsOut);
    const state = this.#states.get(id);
    const kept = state === undefined ? "" : `, ${keptText(state)}`;
    return `${countText(rows)} rows, ${countText(Math.round(rows / Math.max(this.#seconds(), 0.001)))} a second${kept}`;
  }

  #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #clear(): void {
    if (this.#drawnLines > 0) this.#terminal.erase(this.#drawnLines);
    this.#drawnLines = 0;
  }
}
