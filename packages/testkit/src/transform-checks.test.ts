import { batches } from "@sferic/bindings/batch";
import {
  type Batch,
  column,
  defineTransform,
  OperatorError,
  Schema,
  type Transform,
  type TransformDefinition,
} from "@sferic/operator";
import { z } from "zod";
import { cellsOf, noRows } from "./rows.ts";
import { describeDoubles, forever } from "./testing/doubles.ts";
import {
  abortEndsItWithinASecond,
  closingTwiceIsHarmless,
  declaredSchemaIsTheRealOne,
  everyBatchIsClosedOrHandedOn,
  examplesGiveRows,
  nullsEverywhereAreNoFailure,
  resultDoesNotDependOnTheCut,
  type TransformSubject,
  transformChecks,
  whatItReadsIsEnough,
  zeroRowsAreNoFailure,
} from "./transform-checks.ts";

/** Hands every batch on, but for what is changed. */
function transform(changes: Partial<Transform>, output: TransformDefinition["output"] = same): TransformSubject {
  const definition = defineTransform({
    type: "hand-on",
    since: "0.1.0",
    status: "experimental",
    summary: "Hand on every row.",
    needs: "batch",
    config: z.strictObject({}),
    errors: [],
    examples: [{ title: "Points", data: "blobs", config: {} }],
    output,
    create: () => ({
      async *apply(rows) {
        yield* rows;
      },
      ...changes,
    }),
  });
  return { definition };
}

const same: TransformDefinition["output"] = ({ main }) => ({ main: main! });

/** A transform that makes one batch of each. */
function each(change: (batch: Batch) => Batch, output: TransformDefinition["output"] = same): TransformSubject {
  return transform(
    {
      async *apply(rows) {
        for await (const batch of rows) yield change(batch);
      },
    },
    output,
  );
}

function withoutFirstRow(batch: Batch): Batch {
  const rest = batches.fromArrow(batch.toArrow().slice(1));
  batch.close();
  return rest;
}

function unlessNull(batch: Batch): Batch {
  const [first] = Object.values(cellsOf(batch));
  if (first!.every((cell) => cell !== null)) return batch;
  throw new OperatorError({ code: "null-coordinate", message: "A coordinate is null." });
}

function unlessEmpty(batch: Batch): Batch {
  if (batch.rowCount > 0) return batch;
  throw new RangeError("There is no first row.");
}

/** A transform that says what it reads, and that looks into a column. */
function reading(reads: TransformDefinition["reads"], looksInto?: string): TransformSubject {
  const { definition } = each((batch) => {
    if (looksInto !== undefined) batch.column(looksInto);
    return batch;
  });
  return { definition: { ...definition, reads: reads! } };
}

let closings = 0;

describeDoubles(transformChecks, transform({}), [
  {
    breaks: examplesGiveRows,
    defect: "it drops every row",
    subject: each((batch) => {
      const none = noRows(batch.schema);
      batch.close();
      return none;
    }),
    message: /Points: the example must give rows/,
  },
  {
    breaks: declaredSchemaIsTheRealOne,
    defect: "it declares a column that it does not give",
    subject: transform({}, ({ main }) => ({ main: main!.append(column("area", "float64")) })),
    message: /Points, port main: the real columns must be the declared ones[^]*area/,
  },
  {
    breaks: declaredSchemaIsTheRealOne,
    defect: "it declares a column without nulls that has some",
    subject: transform({}, ({ main }) => ({
      main: new Schema(main!.columns.map((one) => ({ ...one, nullable: one.name !== "y" }))),
    })),
    message: /"y" is declared without nulls but has some/,
  },
  {
    breaks: declaredSchemaIsTheRealOne,
    defect: "it gives rows on a port that it does not declare",
    subject: transform({
      async *apply(rows) {
        for await (const batch of rows) yield { port: "rest", batch };
      },
    }),
    message: /port rest: rows came from a port that is not declared/,
  },
  {
    breaks: resultDoesNotDependOnTheCut,
    defect: "it drops the first row of every batch",
    subject: each(withoutFirstRow),
    message: /batches of 7, 7, 7 … rows must give the same rows/,
  },
  {
    breaks: zeroRowsAreNoFailure,
    defect: "it wants a first row",
    subject: each(unlessEmpty),
    message: /zero rows are no failure.*There is no first row\./,
  },
  {
    breaks: zeroRowsAreNoFailure,
    defect: "it wants a first batch",
    subject: transform({
      async *apply(rows) {
        const all = await Array.fromAsync(rows);
        if (all.length === 0) throw new RangeError("There is no first batch.");
        yield* all;
      },
    }),
    message: /zero rows are no failure.*There is no first batch\./,
  },
  {
    breaks: nullsEverywhereAreNoFailure,
    defect: "it fails on nulls with an error that it does not declare",
    subject: each(unlessNull),
    message: /nulls everywhere are no failure.*null-coordinate: A coordinate is null\./,
  },
  {
    breaks: whatItReadsIsEnough,
    defect: "it hands on columns that it does not say it reads",
    subject: reading(() => ({ main: [] })),
    message: /Points: from the columns it reads for (\w+) "\1" must be the same/,
  },
  {
    breaks: whatItReadsIsEnough,
    defect: "it looks into a column that it does not say it reads",
    subject: reading((_inputs, _config, wanted) => ({ main: wanted }), "y"),
    message: /what it reads is enough.*column "y"/,
  },
  {
    breaks: everyBatchIsClosedOrHandedOn,
    defect: "it hands on a second handle and forgets the first",
    subject: each((batch) => batch.share()),
    message: /Points: 3 of 3 batches were neither closed nor handed on/,
  },
  {
    breaks: closingTwiceIsHarmless,
    defect: "it cannot be closed again",
    subject: transform({
      close: async () => {
        closings += 1;
        if (closings > 1) throw new Error("Closed already.");
      },
    }),
    message: /closing twice is harmless.*Closed already\./,
  },
  {
    breaks: abortEndsItWithinASecond,
    defect: "it does not listen to the signal",
    subject: transform({
      async *apply(rows) {
        for await (const batch of rows) {
          batch.close();
          yield await forever();
        }
      },
    }),
    message: /Points: must end within a second of the abort/,
  },
]);
