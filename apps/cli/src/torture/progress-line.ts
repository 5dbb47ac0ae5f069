import { visible } from "@sferic/operator/visible";
import type { Terminal } from "../terminal.ts";
import { counted, secondsText } from "../text.ts";
import type { TortureProgress } from "./torture.ts";

const plainEveryMs = 10_000;

/** How far torture is, on the error stream: a line redrawn in place on a terminal, otherwise one every 10 seconds. */
export class TortureProgressLine {
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  #toldAt = this.#started;
  #isDrawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  take({ doing, kills, runs }: TortureProgress): void {
    const now = performance.now();
    const seconds = (now - this.#started) / 1000;
    const line = `${secondsText(seconds)}: ${counted(kills, "kill")} in ${counted(runs, "run")}, now ${doing}`;
    if (this.#terminal.live) {
      this.stop();
      this.#terminal.draw(visible(line).slice(0, Math.max(20, this.#terminal.columns - 1)));
      this.#isDrawn = true;
    } else if (now - this.#toldAt >= plainEveryMs) {
      this.#toldAt = now;
      this.#terminal.note(line);
    }
  }

  /** Clears what was drawn. */
  stop(): void {
    if (this.#isDrawn) this.#terminal.erase(0);
    this.#isDrawn = false;
  }
}
