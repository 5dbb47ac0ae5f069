import { createHash, randomUUID } from "node:crypto";
import { open } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Json, type OperatorContext, OperatorError, type OutputPast } from "@sferic/operator";
import { createDurably, replaceDurably, textOf } from "@sferic/operator/durable-files";

/** Whose an output is, as the hidden file next to it says. */
export interface TokenContent {
  /** Newest epoch that was published, or is being. */
  readonly epoch: number;
  /** Digest of what was staged for it. */
  readonly staged: string;
  /** The run that wrote it. */
  readonly run: string;
  /** See `OperatorContext.history`. */
  readonly lineage: string;
  /** Folder of the checkpoint, from the folder of this file; null for a run without one. */
  readonly checkpoint: string | null;
  readonly pipeline: string;
  readonly sink: string;
  /** More that the sink wants to know when it opens the output again. */
  readonly content?: Json;
}

/** What a sink does with an output that is there. */
export interface TokenUse {
  /** Folder of the output, or file. */
  readonly output: string;
  /** Whether `output` is a folder, which the token lies in; else the token lies next to it. */
  readonly isFolder: boolean;
  /** What to do when the output is gone though rows were committed to it. */
  readonly onMissing: "stop" | "start-over";
  /** Whether rows of this sink, or of whoever, are there. */
  holdsRows(): Promise<boolean>;
}

const prefix = ".sferic-token.";

/** Leaves room for what a temporary name adds, of the 255 bytes that file systems allow. */
const nameBytesMax = 200;

/** A disk writes as many bytes as a whole or not at all. */
const sectorBytes = 512;

/**
 * The fencing token of an output: one hidden file next to it, or in its folder, that names the lineage and checkpoint of the
 * runs that write it, the newest run, and the newest epoch. It tells a run whose checkpoint is another one, an older copy,
 * or gone, and two runs at once. Written durably once in a run, then in place, without waiting for the disk.
 */
export class OutputToken {
  readonly path: string;
  readonly #use: TokenUse;
  readonly #context: OperatorContext;
  readonly #run = randomUUID();
  /** What the checkpoint says; undefined where nobody follows the runs of the sink, and then there is no token. */
  #past: OutputPast | undefined;
  /** What was there when the output was opened. */
  #found: TokenContent | null = null;
  #isOwn = false;

  constructor(use: TokenUse, context: OperatorContext) {
    this.#use = use;
    this.#context = context;
    this.path = tokenPath(use, context);
  }

  /**
   * Reads the token and compares it with what the checkpoint says; resolves to it, or to null. Throws `output-conflict`
   * when the rows that are there are not those that this run follows, and `output-missing` when token and rows are gone.
   */
  async open(past: OutputPast | undefined): Promise<TokenContent | null> {
    this.#past = past;
    if (past === undefined) return null;
    const found = await this.read();
    const { isFenced, publishedEpoch } = past;
    if (found === null && isFenced && publishedEpoch !== null && this.#use.onMissing === "stop") {
      if (!(await this.#use.holdsRows())) throw missing(this.#use.output, publishedEpoch);
    }
    if (found !== null) await this.#requireFollowing(found, past);
    this.#found = found;
    return found;
  }

  /** What the token says at the moment; null when there is none, or none that can be read. */
  async read(): Promise<TokenContent | null> {
    try {
      const found = JSON.parse((await textOf(this.path)) ?? "") as TokenContent;
      return typeof found.lineage === "string" && typeof found.run === "string" ? found : null;
    } catch (thrown) {
      if (thrown instanceof SyntaxError) return null;
      throw thrown;
    }
  }

  /**
   * Says that this run is about to publish an epoch; `staged` is the record of what. On disk when this resolves for the first
   * time. Throws `output-conflict` when another run has written since the output was opened.
   */
  async claim(epoch: number, staged: Json, content?: Json): Promise<void> {
    if (this.#past === undefined) return;
    const [found, digest] = [await this.read(), digestOf(staged)];
    const last = this.#isOwn ? this.#run : this.#found?.run;
    if (found !== null && found.run !== last) throw this.#conflict(overtaken(found));
    const { durable, history } = this.#context;
    const isAhead = found !== null && (found.epoch > epoch || (found.epoch === epoch && found.staged !== digest));
    if (isAhead && durable && found.lineage === history) throw this.#conflict(olderCopy(found, epoch));
    await this.#write(this.#content(epoch, digest, content), found !== null);
    this.#isOwn = true;
  }

  async #requireFollowing(found: TokenContent, past: OutputPast): Promise<void> {
    const { durable, history } = this.#context;
    if (durable && found.lineage === history) {
      const newest = past.newestEpoch ?? -1;
      if (found.epoch > newest) throw this.#conflict(olderCopy(found, newest));
      return;
    }
    const isFreed = past.isReset && past.publishedEpoch === null;
    const isOwnWithout = !durable && found.checkpoint === null;
    if (isFreed || isOwnWithout || !(await this.#use.holdsRows())) return;
    throw this.#conflict(this.#ofAnother(found));
  }

  #ofAnother({ checkpoint }: TokenContent): string {
    if (!this.#context.durable) {
      return `holds the rows of runs on the checkpoint ${this.#placeOf(checkpoint!)}, and a run without a checkpoint would replace them. Run it on that checkpoint, or give this run an output of its own.`;
    }
    const whose = checkpoint === null ? "without a checkpoint" : `on another checkpoint, ${this.#placeOf(checkpoint)}`;
    return `holds rows that this pipeline wrote ${whose}: they would be there twice. Give this run an output of its own, or put that checkpoint back; or remove these rows. To add to them, "sferic checkpoint reset ${this.#past!.checkpoint} --yes" before the run.`;
  }

  #placeOf(checkpoint: string): string {
    return resolve(dirname(this.path), checkpoint);
  }

  #content(epoch: number, staged: string, content: Json | undefined): TokenContent {
    const { pipeline, operatorId, history, durable } = this.#context;
    const folder = relative(dirname(this.path), this.#past!.checkpoint ?? "");
    return {
      epoch,
      staged,
      run: this.#run,
      lineage: history,
      checkpoint: durable ? folder : null,
      pipeline,
      sink: operatorId,
      ...(content === undefined ? {} : { content }),
    };
  }

  /** Runs that meet have names of their own; what a killed one leaves, the next one of its lineage replaces. */
  get #creation(): { readonly temporary: string } {
    return { temporary: `${this.path}.${this.#context.history}` };
  }

  async #write(content: TokenContent, isThere: boolean): Promise<void> {
    const json = JSON.stringify(content);
    const bytes = Math.ceil((Buffer.byteLength(json) + 1) / sectorBytes) * sectorBytes;
    const text = `${json}${" ".repeat(bytes - 1 - Buffer.byteLength(json))}\n`;
    if (!isThere && !this.#isOwn) return this.#create(text);
    if (!this.#isOwn || !isThere) return replaceDurably(this.path, text, this.#creation);
    await using file = await open(this.path, "r+");
    await file.write(Buffer.from(text), 0, bytes, 0);
  }

  /** The first of several that find no token wins. */
  async #create(text: string): Promise<void> {
    try {
      await createDurably(this.path, text, this.#creation);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
      const found = await this.read();
      if (found !== null) throw this.#conflict(overtaken(found));
      // What cannot be read was torn by a power failure.
      await replaceDurably(this.path, text, this.#creation);
    }
  }

  #conflict(how: string): OperatorError {
    return outputConflict(this.#use.output, how);
  }
}

/** The sinks whose tokens are among the names in a folder that is their output. */
export function ownersIn(names: readonly string[]): Pick<OperatorContext, "pipeline" | "operatorId">[] {
  return names.flatMap((name) => {
    const [pipeline = "", operatorId, ...others] = name.startsWith(prefix) ? name.slice(prefix.length).split(".") : [];
    return operatorId === undefined || others.length > 0 ? [] : [{ pipeline, operatorId }];
  });
}

/** Whether the runs that wrote a token are over, so that what they have staged will not be published. */
export function isStale({ checkpoint }: TokenContent, past: OutputPast | undefined): boolean {
  return checkpoint === null || past?.isReset === true;
}

/** The error for an output in which other rows are than a run may add to, or replace. `how` follows its path. */
export function outputConflict(output: string, how: string): OperatorError {
  return new OperatorError({ code: "output-conflict", message: `${output} ${how}`, details: { path: output } });
}

/** The error for an output that is gone though epochs were committed to it. */
export function missing(output: string, epoch: number): OperatorError {
  const message = `${output} is gone, to which the checkpoint has committed rows up to epoch ${epoch}. Put it back; or to write it from the beginning, reset the checkpoint ("sferic checkpoint reset"); or to begin it with the rows to come, set "onMissingOutput": "start-over" in this sink.`;
  return new OperatorError({ code: "output-missing", message, details: { path: output, epoch } });
}

/** The error text for rows of another checkpoint, or of one that is gone, in a table that says no more of it. */
export function ofAnother(checkpoint: string): string {
  return `holds rows that this pipeline wrote with another checkpoint, or without one: they would be there twice. Give this run a table of its own, or put that checkpoint back; or remove these rows. To add to them, "sferic checkpoint reset ${checkpoint} --yes" before the run.`;
}

/** The error text for a checkpoint that is behind its output. */
export function olderCopy({ epoch }: { readonly epoch: number }, newest: number): string {
  const state = newest < 0 ? "has no epoch" : `is at epoch ${newest}`;
  return `was written up to epoch ${epoch} with this checkpoint, which ${state}: it is an older copy, and its next rows would be there twice. Put the newest copy back; or reset the checkpoint and remove the output.`;
}

function overtaken({ checkpoint }: TokenContent): string {
  const whose = checkpoint === null ? "without a checkpoint" : "with a checkpoint";
  return `is being written by another run of this pipeline ${whose}. Stop one of them, or give each an output of its own.`;
}

/** One for each pipeline, sink and output. */
function tokenPath({ output, isFolder }: TokenUse, { pipeline, operatorId }: OperatorContext): string {
  const owner = `${pipeline}.${operatorId}`;
  if (isFolder) return join(output, `${prefix}${owner}`);
  const name = `${basename(output)}.${owner}`;
  return join(dirname(output), `${prefix}${Buffer.byteLength(name) <= nameBytesMax ? name : digestOf(name)}`);
}

function digestOf(value: Json): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32);
}
