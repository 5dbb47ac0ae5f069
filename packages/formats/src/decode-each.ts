import { type Batch, type FileContent, type InvalidInput, OperatorError } from "@sferic/operator";

/**
 * The rows of one file after the other. A file that its reader refuses with `invalid-file` gives one invalid input
 * instead of the rest of its rows.
 */
export async function* decodeEach(
  files: readonly FileContent[],
  read: (file: FileContent) => AsyncIterable<Batch>,
): AsyncGenerator<Batch | InvalidInput> {
  for (const file of files) {
    const rows: Batch[] = [];
    try {
      for await (const batch of read(file)) rows.push(batch);
    } catch (thrown) {
      for (const batch of rows.splice(0)) batch.close();
      if (!(thrown instanceof OperatorError) || thrown.code !== "invalid-file") throw thrown;
      const position = thrown.details["position"];
      yield {
        invalid: { name: file.name, reason: thrown.message, position: typeof position === "number" ? position : null },
      };
    }
    yield* rows;
  }
}
