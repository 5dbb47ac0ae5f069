import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as Arrow from "apache-arrow";
import {
  type Batch,
  type BatchFactory,
  type Column,
  type ColumnValues,
  type ColumnView,
  OperatorError,
  Schema,
} from "@sferic/operator";
import { unwrapping } from "./errors.ts";
import { tableOfRows } from "./row-table.ts";
import {
  batchFromIpc,
  concatBatches,
  latestEventTimeMs,
  type NativeBatch,
  type NativeColumn,
  splitByEventTime,
} from "./native.ts";

/** A {@link Batch} over rows that the core owns. */
class CoreBatch implements Batch {
  readonly #native: NativeBatch;
  #schema: Schema | undefined;

  constructor(native: NativeBatch) {
    this.#native = native;
  }

  /** The handle for other calls into the core. */
  get native(): NativeBatch {
    return this.#native;
  }

  get schema(): Schema {
    return (this.#schema ??= toSchema(unwrapping(() => this.#native.columns)));
  }

  get rowCount(): number {
    return unwrapping(() => this.#native.rowCount);
  }

  get byteLength(): number {
    return unwrapping(() => this.#native.byteLength);
  }

  column(name: string): ColumnView {
    const { valuesType, bytes, validity } = unwrapping(() => this.#native.column(name));
    const values = typedArray(name, valuesType, bytes);
    return validity === undefined ? { values } : { values, validity };
  }

  toArrow(): Arrow.Table {
    return arrow().tableFromIPC(unwrapping(() => this.#native.toIpc()));
  }

  share(): Batch {
    return new CoreBatch(unwrapping(() => this.#native.share()));
  }

  close(): void {
    this.#native.close();
  }
}

/** Wraps a native handle. */
export function fromHandle(native: NativeBatch): Batch {
  return new CoreBatch(native);
}

/** Wraps what the core may have left out. */
export function fromHandleIfAny(native: NativeBatch | null | undefined): Batch | null {
  return native == null ? null : fromHandle(native);
}

/** The native handle of a batch; `foreign-batch` for an object that only looks like one. */
export function handleOf(batch: Batch): NativeBatch {
  if (batch instanceof CoreBatch) return batch.native;
  throw new OperatorError({
    code: "foreign-batch",
    message: "The batch was not made by this core.",
    domain: "internal",
  });
}

/** Makes batches from tables and rows that were born in JavaScript. */
export const batches: BatchFactory = {
  fromArrow: (table) => new CoreBatch(unwrapping(() => batchFromIpc(arrow().tableToIPC(table, "stream")))),
  fromRows: (schema, rows) => batches.fromArrow(tableOfRows(arrow(), arrowSchema(schema), rows)),
  concat: (parts, schema) => {
    try {
      return new CoreBatch(unwrapping(() => concatBatches(parts.map(handleOf), toNativeColumns(schema))));
    } finally {
      for (const part of parts) part.close();
    }
  },
  latestEventTimeMs: (batch, column) => unwrapping(() => latestEventTimeMs(handleOf(batch), column)),
  splitByEventTime: (batch, column, limitMs) => {
    const { rows, later } = unwrapping(() => splitByEventTime(handleOf(batch), column, limitMs));
    return { rows: new CoreBatch(rows), later: new CoreBatch(later) };
  },
};

/** Schema of the contract from the core's columns. */
export function toSchema(columns: readonly NativeColumn[]): Schema {
  return new Schema(columns.map(toColumn));
}

/** Column of the contract from the core's. */
export function toColumn({ name, type, nullable, unit }: NativeColumn): Column {
  return { name, type, nullable, ...(unit === undefined || unit === null ? {} : { unit }) };
}

/** The core's columns from a schema of the contract. */
export function toNativeColumns(schema: Schema): NativeColumn[] {
  return schema.columns.map((column) => ({ ...column }));
}

const arrays = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

function typedArray(name: string, type: string, bytes: Uint8Array): ColumnValues {
  const Values = arrays[type as keyof typeof arrays];
  if (Values !== undefined) {
    return new Values(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / Values.BYTES_PER_ELEMENT);
  }
  throw new OperatorError({ code: "column-type", message: `Column "${name}" of type ${type} has no typed array.` });
}

let loaded: typeof Arrow | undefined;

/** apache-arrow, loaded when first needed, and the same module instance that an `import` of it gives. */
function arrow(): typeof Arrow {
  return (loaded ??= createRequire(import.meta.url)(
    fileURLToPath(import.meta.resolve("apache-arrow")),
  ) as typeof Arrow);
}

const arrowSchemas = new WeakMap<Schema, Arrow.Schema>();

/** A schema as apache-arrow has it. The core knows every type text, so it is asked. */
function arrowSchema(schema: Schema): Arrow.Schema {
  const known = arrowSchemas.get(schema);
  if (known !== undefined) return known;
  const none = batches.concat([], schema);
  const made = none.toArrow().schema;
  none.close();
  arrowSchemas.set(schema, made);
  return made;
}
