import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { makeDirectory } from "@sferic/operator/durable-files";
import { jsonSchema } from "@sferic/spec";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { loadRegistry } from "../planning.ts";
import type { Terminal } from "../terminal.ts";

export interface SchemaOptions extends CommonOptions {
  /** File to write instead of standard output. */
  readonly out?: string;
}

/** The JSON Schema of the language with all registered operators. */
export async function schema(terminal: Terminal, options: SchemaOptions): Promise<ExitCode> {
  const made = await jsonSchema(await loadRegistry());
  const text = options.json === true ? JSON.stringify(made) : JSON.stringify(made, null, 2);
  if (options.out === undefined) {
    terminal.print(text);
    return ExitCode.done;
  }
  await makeDirectory(dirname(resolve(options.out)));
  await writeFile(options.out, `${text}\n`);
  terminal.note(`Wrote ${options.out}. Name it as "$schema" in a spec and an editor helps while you type.`);
  return ExitCode.done;
}
