import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plan } from "@sferic/engine";
import { asOperatorError, OperatorError } from "@sferic/operator";
import { type Difference, differenceOf, isSame } from "./difference.ts";
import { type IsolatedSink, isolate, isolatedSinks } from "./isolated-spec.ts";
import { seededRandom } from "./seeded-random.ts";
import { type Ending, type Kill, runVictim, type Step } from "./victim.ts";
import { deadLettersKey, type Visible, visibleOutputs } from "./visible-rows.ts";

/** How a pipeline is tortured. */
export interface TortureOptions {
  readonly parameters: Readonly<Record<string, string>>;
  /** Folder that everything is written into; each finished case leaves nothing in it unless it went wrong. */
  readonly folder: string;
  /** SIGKILLs at random moments, beside those at every step. */
  readonly randomKills: number;
  /** Chooses the random moments; the machine's own timing still differs. */
  readonly seed: number;
  readonly drain: AbortSignal;
  readonly onProgress: (progress: TortureProgress) => void;
}

/** How far it is. */
export interface TortureProgress {
  readonly doing: string;
  readonly kills: number;
  readonly runs: number;
}

/** What happened to the rows of a sink over all cases together. */
export interface SinkVerdict extends Difference {
  readonly type: string;
  readonly promise: string;
  /** Null when its rows cannot be read back. */
  readonly observed: "exactly-once" | "at-least-once" | "rows lost" | "other rows" | null;
  /** Rows of the undisturbed run. */
  readonly rows: number;
}

/** A case that did not end as it should. */
export interface TortureFailure {
  /** Where the runs were killed. */
  readonly killed: readonly string[];
  readonly reason: string;
  /** Its outputs and checkpoint, left to be looked at. */
  readonly folder: string;
}

/** What torture found. */
export interface TortureResult {
  readonly pipeline: string;
  readonly seed: number;
  readonly epochs: number;
  readonly kills: { readonly atSteps: number; readonly atRandom: number };
  /** Processes started, those killed among them. */
  readonly runs: number;
  /** Pipelines taken from the beginning to the end. */
  readonly cases: number;
  readonly sinks: Readonly<Record<string, SinkVerdict>>;
  readonly failures: readonly TortureFailure[];
  readonly interrupted: boolean;
  readonly seconds: number;
}

/** At most so many epochs are disturbed at each step, spread from the first to the last. */
const epochsPerStepMax = 8;

/**
 * Runs the pipeline of a plan undisturbed, then under SIGKILL at every protocol step and at random moments, each time
 * restarting it until it is done, and compares what its sinks hold as multisets. Inputs are read in place, outputs and
 * checkpoints lie below `options.folder`. Throws `sink-not-isolated`, `not-repeatable` when two undisturbed runs
 * differ, or what an undisturbed run fails with.
 */
export async function torture(plan: Plan, options: TortureOptions): Promise<TortureResult> {
  return new Torture(plan, options).run();
}

class Torture {
  readonly #plan: Plan;
  readonly #options: TortureOptions;
  readonly #sinks: readonly IsolatedSink[];
  readonly #random: () => number;
  readonly #differences = new Map<string, Difference>();
  readonly #failures: TortureFailure[] = [];
  readonly #kills = { atSteps: 0, atRandom: 0 };
  #expected: ReadonlyMap<string, Visible> = new Map();
  #runs = 0;
  #cases = 0;

  constructor(plan: Plan, options: TortureOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#sinks = isolatedSinks(plan);
    this.#random = seededRandom(options.seed);
  }

  async run(): Promise<TortureResult> {
    const started = performance.now();
    const undisturbed = await this.#undisturbed();
    const epochs = spread(undisturbed.epochs, epochsPerStepMax);
    for (const step of undisturbed.steps) {
      if (this.#isOver()) break;
      await this.#case(nameOf(step), atEach(epochs, step));
    }
    while (this.#kills.atRandom < this.#options.randomKills && !this.#isOver()) {
      await this.#case("random moments", this.#atRandom(undisturbed.ranMs));
    }
    return {
      pipeline: this.#plan.spec.name,
      seed: this.#options.seed,
      epochs: undisturbed.epochs,
      kills: this.#kills,
      runs: this.#runs,
      cases: this.#cases,
      sinks: await this.#verdicts(undisturbed.rows),
      failures: this.#failures,
      interrupted: this.#isOver(),
      seconds: (performance.now() - started) / 1000,
    };
  }

  #isOver(): boolean {
    return this.#options.drain.aborted;
  }

  /** Two runs that nothing disturbs, which must come to the same rows: otherwise no comparison would mean anything. */
  async #undisturbed(): Promise<Ending> {
    const first = await this.#wholeRun("undisturbed");
    await this.#wholeRun("undisturbed again");
    this.#expected = await this.#outputs("undisturbed");
    const again = await this.#outputs("undisturbed again");
    for (const [id, expected] of this.#expected) {
      if (isSame(await differenceOf(expected, again.get(id)!))) continue;
      const message = `Two runs that nothing disturbed gave other rows for ${id}, so there is nothing to compare with. Take what depends on the clock or on chance out of a copy of the spec.`;
      throw new OperatorError({ code: "not-repeatable", message });
    }
    await rm(this.#folder("undisturbed again"), { recursive: true });
    return first;
  }

  async #wholeRun(name: string): Promise<Ending> {
    const ending = await this.#run(await this.#arrange(name), null, name);
    if (ending.failure === null) return ending;
    throw new OperatorError({ domain: "external", ...ending.failure });
  }

  /** One pipeline from the beginning to the end, killed where `kills` says; null lets it run to its end. */
  async #case(name: string, kills: Iterator<Kill, null>): Promise<void> {
    const folderName = `case-${this.#cases}`;
    const path = await this.#arrange(folderName);
    const killed: string[] = [];
    for (;;) {
      const kill = kills.next().value;
      const { killed: wasKilled, failure } = await this.#run(path, kill, name);
      if (this.#isOver()) return;
      if (failure !== null)
        return this.#fail(folderName, killed, `the run failed: ${failure.code}: ${failure.message}`);
      if (!wasKilled) break;
      if (kill === null) return this.#fail(folderName, killed, "something else killed the run");
      this.#kills["step" in kill ? "atSteps" : "atRandom"] += 1;
      killed.push(placeOf(kill));
    }
    this.#cases += 1;
    await this.#compare(folderName, killed);
  }

  async #run(path: string, kill: Kill | null, doing: string): Promise<Ending> {
    const { atSteps, atRandom } = this.#kills;
    this.#options.onProgress({ doing, kills: atSteps + atRandom, runs: this.#runs });
    this.#runs += 1;
    return runVictim(path, kill, this.#options.parameters);
  }

  async #compare(folderName: string, killed: readonly string[]): Promise<void> {
    try {
      const found = await this.#outputs(folderName);
      const reasons: string[] = [];
      for (const [id, expected] of this.#expected) {
        const difference = await differenceOf(expected, found.get(id)!);
        this.#differences.set(id, sumOf(this.#differences.get(id), difference));
        if (this.#isPromised(id, difference)) continue;
        const { lost, doubled, foreign } = difference;
        reasons.push(`${id}: ${lost} rows lost, ${doubled} doubled, ${foreign} other`);
      }
      if (reasons.length > 0) return this.#fail(folderName, killed, reasons.join("; "));
    } catch (thrown) {
      return this.#fail(folderName, killed, asOperatorError(thrown).message);
    }
    await rm(this.#folder(folderName), { recursive: true });
  }

  /** Whether what was seen is what the sink promises, or better. */
  #isPromised(id: string, difference: Difference): boolean {
    const promise = this.#sinks.find((sink) => sink.id === id)?.promise;
    const observed = observedIn(difference);
    return observed === "exactly-once" || observed === promise;
  }

  #fail(folderName: string, killed: readonly string[], reason: string): void {
    this.#failures.push({ killed, reason, folder: this.#folder(folderName) });
    // The next case needs a folder of its own.
    this.#cases += 1;
  }

  /** Kills at random moments of the run until there have been enough. */
  *#atRandom(ranMs: number): Generator<Kill, null> {
    // A little longer than the run, so that the last moments have their turn.
    while (this.#kills.atRandom < this.#options.randomKills) yield { afterMs: this.#random() * ranMs * 1.2 };
    return null;
  }

  #folder(name: string): string {
    return join(this.#options.folder, name.replaceAll(" ", "-"));
  }

  async #arrange(name: string): Promise<string> {
    const folder = this.#folder(name);
    await mkdir(join(folder, "out"), { recursive: true });
    const path = join(folder, "spec.json");
    await writeFile(path, JSON.stringify(isolate(this.#plan, folder)));
    return path;
  }

  #outputs(name: string): Promise<ReadonlyMap<string, Visible>> {
    return visibleOutputs(this.#folder(name), this.#sinks, this.#plan.registry);
  }

  async #verdicts(written: Ending["rows"]): Promise<Record<string, SinkVerdict>> {
    const verdicts: Record<string, SinkVerdict> = {};
    const letters = { id: deadLettersKey, type: "", promise: "exactly-once", output: undefined } as const;
    for (const { id, type, promise, output } of [...this.#sinks, letters]) {
      const rows = id === deadLettersKey ? await this.#letterCount() : (written[id] ?? 0);
      if (id === deadLettersKey && rows === 0) continue;
      const difference = this.#differences.get(id) ?? { lost: 0, doubled: 0, foreign: 0 };
      const observed = output === null || this.#cases === 0 ? null : observedIn(difference);
      verdicts[id] = { type, promise, observed, rows, ...difference };
    }
    return verdicts;
  }

  async #letterCount(): Promise<number> {
    const letters = await this.#expected.get(deadLettersKey)!.rows();
    return [...letters.values()].reduce((sum, times) => sum + times, 0);
  }
}

function observedIn({ lost, doubled, foreign }: Difference): SinkVerdict["observed"] {
  if (lost > 0) return "rows lost";
  if (foreign > 0) return "other rows";
  return doubled > 0 ? "at-least-once" : "exactly-once";
}

/** At most `max` of the epochs 0 to `count` - 1, the first and the last among them. */
export function spread(count: number, max: number): number[] {
  if (count <= max) return Array.from({ length: count }, (_, epoch) => epoch);
  return Array.from({ length: max }, (_, index) => Math.round((index * (count - 1)) / (max - 1)));
}

function* atEach(epochs: readonly number[], step: Step): Generator<Kill, null> {
  for (const epoch of epochs) yield { epoch, step };
  return null;
}

function sumOf(a: Difference | undefined, b: Difference): Difference {
  if (a === undefined) return b;
  return { lost: a.lost + b.lost, doubled: a.doubled + b.doubled, foreign: a.foreign + b.foreign };
}

function nameOf({ point, operatorId }: Step): string {
  return operatorId === undefined ? point : `${point} ${operatorId}`;
}

function placeOf(kill: Kill): string {
  return "step" in kill ? `epoch ${kill.epoch}, ${nameOf(kill.step)}` : `after ${Math.round(kill.afterMs)} ms`;
}
