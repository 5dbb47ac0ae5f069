import { readFile } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { column, defineFormat, type FormatDefinition, schema } from "@sferic/operator";
import { z } from "zod";

/** A format made for tests, and how many files it was asked to decode so far. */
export interface LinesFormat {
  readonly definition: FormatDefinition;
  filesTaken(): number;
}

/** Text, one row `line: utf8` per line and one batch per file. A file with a zero byte is invalid at its position. */
export function linesFormat(): LinesFormat {
  let taken = 0;
  const columns = schema([column("line", "utf8")]);
  const definition = defineFormat({
    type: "lines",
    since: "0.1.0",
    status: "experimental",
    summary: "Lines of text.",
    config: z.strictObject({}),
    errors: [],
    examples: [{ title: "Lines", config: {} }],
    create: () => ({
      ending: "txt",
      schema: columns,
      decode: async function* (files, signal) {
        taken += files.length;
        for (const { name, path, bytes } of files) {
          signal.throwIfAborted();
          const content = Buffer.from(path === undefined ? await bytes() : await readFile(path));
          const position = content.indexOf(0);
          if (position !== -1) yield { invalid: { name, reason: "there is a zero byte", position } };
          else
            yield batches.fromRows(
              columns,
              content
                .toString()
                .trimEnd()
                .split("\n")
                .map((line) => ({ line })),
            );
        }
      },
    }),
  });
  return { definition, filesTaken: () => taken };
}
