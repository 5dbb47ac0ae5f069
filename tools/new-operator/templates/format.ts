import { batches } from "@sferic/bindings/batch";
import { column, defineFormat, schema } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  encoding: z.enum(["utf8", "latin1"]).default("utf8").describe("How bytes become characters."),
});

const output = schema([column("line", "utf8")]);

/** What a file of this format is, with the page or section that says so. */
export const templateName = defineFormat({
  type: "template-name",
  since: "0.1.0",
  status: "experimental",
  summary: "Text files, one row per line.",
  config,
  errors: [],
  examples: [{ title: "Lines in UTF-8", config: {} }],
  create: (c) => ({
    ending: "txt",
    schema: output,
    async *decode(files) {
      for (const file of files) {
        const text = Buffer.from(await file.bytes()).toString(c.encoding);
        const lines = text.split("\n").filter((line) => line !== "");
        if (lines.length > 0)
          yield batches.fromRows(
            output,
            lines.map((line) => ({ line })),
          );
      }
    },
  }),
});
