/** A pipeline that reads the text files of a folder and writes their rows as JSON lines, in a process of its own. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunResult } from "@sferic/engine";
import { expect } from "vitest";
import { jsonRowsIn } from "../json-rows.ts";
import { runChild } from "../kill/run-child.ts";
import { lettersIn } from "./letters.ts";

const schema = { n: "int32", text: "utf8", at: "timestamp" };

interface Row {
  readonly n: number;
  readonly text: string;
}

interface Told {
  readonly name: string;
  readonly reason: string;
}

/** A folder for one test, removed at its end. */
export class TextCase implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<TextCase> {
    const folder = await mkdtemp(join(tmpdir(), "sferic-text-damage-"));
    await mkdir(join(folder, "in"));
    return new TextCase(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Puts files in place to be read. */
  async put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.#folder, "in", name), content);
  }

  /** Puts a file in place that holds ten billion zeros, compressed to about 44 MB. */
  putZeros(name: string): void {
    // A gzip file may have many members; each of these is a gigabyte.
    const script = `head -c 1000000000 /dev/zero | gzip -1 > "$0.part"; for i in 0 1 2 3 4 5 6 7 8 9; do cat "$0.part"; done > "$0"; rm "$0.part"`;
    expect(spawnSync("sh", ["-c", script, join(this.#folder, "in", name)]).status).toBe(0);
  }

  /** Runs to the end in 768 MiB at most, and gives what was told of each file, the last one of several reasons. */
  async run(format: object): Promise<{ result: RunResult; reasons: Record<string, string> }> {
    const spec = {
      name: "damaged",
      sources: { rows: { type: "files", url: "in/", filesPerEpoch: 2, format: { ...format, schema } } },
      sinks: { out: { type: "files", from: "rows", url: "out/", format: { type: "json" } } },
      run: { trigger: "available-now", checkpoint: "check" },
    };
    const file = join(this.#folder, "pipeline.json");
    await writeFile(file, JSON.stringify(spec));
    const { result, code, stderr } = await runChild([file]);
    expect(code, stderr).toBe(0);
    expect(result!.peakMemoryBytes).toBeLessThan(768 * 1024 ** 2);
    const told = await lettersIn<Told>(result!.deadLetters);
    return { result: result!, reasons: Object.fromEntries(told.map(({ name, reason }) => [name, reason])) };
  }

  /** The rows that were written. */
  written(): Promise<Row[]> {
    return jsonRowsIn(join(this.#folder, "out"));
  }
}
