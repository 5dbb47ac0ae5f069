import { batches } from "@sferic/bindings/batch";
import { JoinState, type JoinStateParams } from "@sferic/bindings/join-state";
import { Projection } from "@sferic/bindings/relational";
import {
  type Batch,
  type Epoch,
  type Inputs,
  OperatorError,
  type Output,
  port,
  type Schema,
  type Transform,
} from "@sferic/operator";
import { coalesced } from "./coalesced.ts";
import { inOrder } from "./in-order.ts";
import { type KnownRows, knownRows } from "./known-rows.ts";
import { arePlain } from "./plain-columns.ts";
import { type MemoryLimit, Remembering } from "./remembering.ts";

const sides = ["left", "right"] as const;

/**
 * A join of two streams that outlives an epoch: the rows of either input wait for their partners until the watermark says
 * that no more can come. Cost of an epoch: its rows, and for each the rows with its key. Without a watermark nothing outlives it.
 */
export class StreamJoin extends Remembering<JoinState> implements Transform {
  readonly #paramsOf: (left: Schema, right: Schema) => JoinStateParams;
  #params: JoinStateParams | undefined;

  constructor(paramsOf: (left: Schema, right: Schema) => JoinStateParams, limit: MemoryLimit) {
    super(limit);
    this.#paramsOf = paramsOf;
  }

  async *apply(_: AsyncIterable<Batch>, { watermark, signal }: Epoch, inputs: Inputs): AsyncGenerator<Output> {
    const [left, right] = await Promise.all(sides.map((side) => knownRows(inputs[side]!)));
    if (left == null || right == null) return requireNothing(left ?? right);
    const params = (this.#params ??= this.#paramsOf(left.schema, right.schema));
    const state = await this.begin(() => new JoinState(params));
    let hasPairs = false;
    for (const [side, rows] of [
      ["left", left],
      ["right", right],
    ] as const) {
      for await (const batch of plain(coalesced(rows.rows), rows, params[side].schema, signal)) {
        this.hasChanged ||= batch.rowCount > 0;
        const { late, invalid } = await state.take(side, batch, watermark);
        this.requireRoom();
        if (late !== null) yield port("late", late);
        if (invalid !== null) yield port("invalid", invalid);
        for await (const pairs of state.matches()) {
          hasPairs = true;
          yield pairs;
        }
      }
    }
    // What follows the watermark downstream has something to do in an epoch without pairs, too.
    if (!hasPairs) yield batches.concat([], params.result);
    // Nothing says when what is remembered would end.
    if (watermark === undefined) return void (this.hasChanged = false);
    await state.close(watermark.nowMs);
    this.closedMs = watermark.nowMs;
  }
}

/** The rows with the text of dictionaries where the plain columns have text. */
async function* plain(
  rows: AsyncIterable<Batch>,
  { schema }: KnownRows,
  columns: Schema,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  if (arePlain(schema, columns)) return yield* rows;
  const text = new Projection(null, null);
  yield* inOrder(rows, (batch) => text.apply(batch, signal));
}

/** Without the columns of one input there is an answer only when the other one has no batch either. */
function requireNothing(other: unknown): void {
  if (other == null) return;
  const message = "One input has no rows, and nothing tells its columns. Declare the schema of its source.";
  throw new OperatorError({ code: "schema-unknown", message });
}
