import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defineSink, rowsOf } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  path: z.string().min(1).describe("File that holds the rows of the newest epoch, one JSON object per line."),
});

/** Where the rows go, and what a reader sees of an epoch that is not published. */
export const templateName = defineSink({
  type: "template-name",
  since: "0.1.0",
  status: "experimental",
  summary: "Keep the rows of the newest epoch in one file.",
  delivery: {
    guarantee: "exactly-once",
    why: "the finished file is renamed into place; once it is there, publishing again changes nothing",
  },
  config,
  errors: ["disk-full", "permission-denied"],
  examples: [{ title: "Next to the spec", config: { path: "./out/rows.jsonl" } }],
  create: (c, context) => {
    const target = context.resolvePath(c.path);
    // Beside the target, because only a rename within one file system is a rename.
    const staged = (epoch: number) => join(dirname(target), `.${context.pipeline}-${context.operatorId}-${epoch}`);
    return {
      async stage(batches, epoch) {
        const lines: string[] = [];
        for await (const batch of batches) {
          lines.push(...rowsOf(batch).map((row) => `${JSON.stringify(row)}\n`));
          batch.close();
        }
        if (lines.length === 0) return null;
        await mkdir(dirname(target), { recursive: true });
        await writeFile(staged(epoch.id), lines.join(""), { flush: true });
        return { rows: lines.length, record: null };
      },
      async publish(_, epoch) {
        await rename(staged(epoch.id), target).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        });
        return { files: [target] };
      },
      discard: (epoch) => rm(staged(epoch), { force: true }),
    };
  },
});
