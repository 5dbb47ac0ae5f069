import type { Batch, Schema } from "@sferic/operator";

/** Rows whose columns are known. */
export interface KnownRows {
  readonly schema: Schema;
  readonly rows: AsyncIterable<Batch>;
}

/** The rows of an input with their columns, which its first batch tells; null when it has no batch. */
export async function knownRows(input: AsyncIterable<Batch>): Promise<KnownRows | null> {
  const batches = input[Symbol.asyncIterator]();
  const first = await batches.next();
  if (first.done === true) return null;
  const { schema } = first.value;
  return { schema, rows: resumed(first.value, batches) };
}

async function* resumed(first: Batch, others: AsyncIterator<Batch>): AsyncGenerator<Batch> {
  try {
    yield first;
    for (let next = await others.next(); next.done !== true; next = await others.next()) yield next.value;
  } finally {
    await others.return?.();
  }
}

/** A name for one more column, which none of the schema's columns has: `name`, or that with underscores after it. */
export function freeName(name: string, { names }: Schema): string {
  const taken = new Set(names.map((taken) => taken.toLowerCase()));
  let free = name;
  while (taken.has(free)) free += "_";
  return free;
}
