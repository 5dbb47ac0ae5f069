import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  appendDelta,
  createDeltaFile,
  type DeltaFile,
  type DeltaPart,
  deltaParts,
  planDelta,
} from "@sferic/bindings/delta";
import type { Batch } from "@sferic/operator";

/** What {@link appendRows} may be told. */
export interface AppendOptions {
  readonly partitionBy?: readonly string[];
  readonly mergeSchema?: boolean;
}

/** Adds each batch as a file, or several by partition, in one commit; makes the table where none is. Closes the batches. */
export async function appendRows(table: string, rows: readonly Batch[], options: AppendOptions = {}): Promise<void> {
  await mkdir(table, { recursive: true });
  const wish = { schema: rows[0]!.schema, partitionBy: [], mergeSchema: false, ...options };
  const plan = await planDelta(table, wish);
  const files: DeltaFile[] = [];
  for (const batch of rows) {
    for (const part of await deltaParts(batch, plan)) files.push(await written(table, part));
    batch.close();
  }
  const appId = randomUUID();
  await appendDelta({ table, wish, appId, version: 0, files, temporary: join(table, `.${appId}`) });
}

async function written(table: string, { values, batch }: DeltaPart): Promise<DeltaFile> {
  const name = `${randomUUID()}.parquet`;
  const writer = await createDeltaFile(join(table, name), batch.schema, "snappy");
  await writer.write(batch);
  batch.close();
  const { bytes, stats } = await writer.finish();
  return { name, bytes, stats, values };
}
