import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Changes what a checkpoint says of itself, so that it is one of a version that said less. */
export async function changeIdentity(
  checkpoint: string,
  change: (record: object & Record<string, unknown>) => object,
): Promise<void> {
  const path = join(checkpoint, "pipeline.json");
  const { record } = JSON.parse(await readFile(path, "utf8")) as { record: Record<string, unknown> };
  const changed = JSON.stringify(change(record));
  const checksum = createHash("sha256").update(changed).digest("hex");
  await writeFile(path, `{"checksum":"${checksum}","record":${changed}}\n`);
}
