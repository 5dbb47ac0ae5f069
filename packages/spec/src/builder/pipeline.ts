import type { ColumnReferences, ColumnTypes, Expression, NumericNames } from "./expression.ts";
import { columnReferences } from "./expression.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The fields of an operator, as in the reference. */
export type OperatorFields = { readonly type: string; readonly [field: string]: Json };

/** A spec as JSON, ready for `planPipeline`, `runPipeline`, a file, or the control API. */
export interface PipelineDocument {
  readonly name: string;
  readonly sources: Readonly<Record<string, Json>>;
  readonly transforms?: Readonly<Record<string, Json>>;
  readonly sinks: Readonly<Record<string, Json>>;
  readonly [field: string]: Json | undefined;
}

/** Rows of any columns, as an input. */
export interface Referred {
  /** As a spec refers to them: an id, or `id.port`. */
  readonly reference: string;
}

/** A column of a result: the name of an input column, or an expression. */
type Picked<C extends ColumnTypes> = (keyof C & string) | Expression;
type PickedType<C extends ColumnTypes, P> = P extends keyof C ? C[P] : P extends Expression<infer T> ? T : never;
type Selected<C extends ColumnTypes, S> = { readonly [Name in keyof S]: PickedType<C, S[Name]> };
type Aggregated<C extends ColumnTypes, G extends keyof C, M> = Pick<C, G> & {
  readonly [Name in keyof M]: M[Name] extends Expression<infer T> ? T : never;
};

/** A pipeline under construction. Operators are added in any order; `toJSON` gives the spec. */
export class PipelineBuilder {
  readonly #name: string;
  readonly #others: Readonly<Record<string, Json>>;
  readonly #sources: Record<string, Json> = {};
  readonly #transforms: Record<string, Json> = {};
  readonly #sinks: Record<string, Json> = {};

  /** `others` are further fields of the spec, such as `run` and `parameters`. */
  constructor(name: string, others: Readonly<Record<string, Json>> = {}) {
    this.#name = name;
    this.#others = others;
  }

  /** A source. Its columns are those of `columns`, for the compiler; the plan checks the real ones. */
  source<const C extends ColumnTypes>(id: string, fields: OperatorFields, _columns: C | Columns<C>): Rows<C> {
    this.#add(this.#sources, id, fields);
    return new Rows<C>(this, id);
  }

  /** A transform of any type. */
  transform<const C extends ColumnTypes>(
    id: string,
    fields: OperatorFields,
    from: Referred | readonly Referred[] | Readonly<Record<string, Referred>>,
    _columns: C | Columns<C>,
  ): Rows<C> {
    const { type, ...own } = fields;
    this.#add(this.#transforms, id, { type, from: referenceTo(from), ...own });
    return new Rows<C>(this, id);
  }

  /** A sink of any type. */
  sink(id: string, fields: OperatorFields, from: Referred | Readonly<Record<string, Referred>>): this {
    const { type, ...own } = fields;
    this.#add(this.#sinks, id, { type, from: referenceTo(from), ...own });
    return this;
  }

  /** The spec. */
  toJSON(): PipelineDocument {
    const transforms = Object.keys(this.#transforms).length === 0 ? {} : { transforms: { ...this.#transforms } };
    return {
      name: this.#name,
      ...this.#others,
      sources: { ...this.#sources },
      ...transforms,
      sinks: { ...this.#sinks },
    };
  }

  #add(section: Record<string, Json>, id: string, fields: Json): void {
    const taken = [this.#sources, this.#transforms, this.#sinks].some((operators) => Object.hasOwn(operators, id));
    if (taken) throw new TypeError(`The pipeline "${this.#name}" has an operator "${id}" already.`);
    section[id] = fields;
  }
}

/** Columns that only the compiler knows: `columns<GlmFlashes>()`. */
export interface Columns<C extends ColumnTypes> {
  readonly columns?: C;
}

/** Columns of a type, where there are no values to infer them from. */
export function columns<C extends ColumnTypes>(): Columns<C> {
  return {};
}

/** The rows of one operator's port, with the columns `C`. */
export class Rows<C extends ColumnTypes> implements Referred {
  readonly #builder: PipelineBuilder;
  readonly reference: string;

  constructor(builder: PipelineBuilder, reference: string) {
    this.#builder = builder;
    this.reference = reference;
  }

  /** For the compiler only: rows of other columns are another type. */
  declare protected readonly columnTypes: C;

  /** Keeps the rows for which a condition is true. */
  filter(id: string, where: (columns: ColumnReferences<C>) => Expression): Rows<C> {
    return this.#then<C>(id, { type: "filter", where: where(columnReferences<C>()).sql });
  }

  /** Chooses, renames and computes columns. */
  select<const S extends Readonly<Record<string, Picked<C>>>>(
    id: string,
    chosen: S | ((columns: ColumnReferences<C>) => S),
  ): Rows<Selected<C, S>> {
    const picked = typeof chosen === "function" ? chosen(columnReferences<C>()) : chosen;
    return this.#then(id, { type: "select", columns: sqlOf(picked) });
  }

  /** Sums, counts and other measures per group. */
  aggregate<const G extends keyof C & string, const M extends Readonly<Record<string, Expression>>>(
    id: string,
    groupBy: readonly G[],
    measures: (columns: ColumnReferences<C>) => M,
  ): Rows<Aggregated<C, G, M>> {
    return this.#then(id, { type: "aggregate", groupBy, measures: sqlOf(measures(columnReferences<C>())) });
  }

  /** Keeps the first of the rows that are equal in some columns. */
  deduplicate(id: string, keys: readonly (keyof C & string)[]): Rows<C> {
    return this.#then<C>(id, { type: "deduplicate", keys });
  }

  /** Combines these rows with those of `right` that are equal in the columns `on`, which both have. */
  join<R extends ColumnTypes>(
    id: string,
    right: Rows<R>,
    on: readonly (keyof C & keyof R & string)[],
    kind: "inner" | "left" = "inner",
  ): Rows<C & Omit<R, keyof C>> {
    const fields: OperatorFields = { type: "join", on, kind };
    return this.#builder.transform(id, fields, { left: this, right }, columns<C & Omit<R, keyof C>>());
  }

  /** Labels each row with its nearest of `clusterCount` centroids. */
  kmeans(
    id: string,
    fields: {
      readonly columns: readonly NumericNames<C>[];
      readonly clusterCount: number;
      readonly [more: string]: Json;
    },
  ): Rows<C & { readonly cluster: "int32" }> {
    return this.#then(id, { type: "kmeans", ...fields });
  }

  /** A transform of any other type. */
  transform<const D extends ColumnTypes>(id: string, fields: OperatorFields, after: D | Columns<D>): Rows<D> {
    return this.#builder.transform(id, fields, this, after);
  }

  /** Another port of the operator. */
  port<const D extends ColumnTypes>(name: string, after: D | Columns<D>): Rows<D> {
    void after;
    return new Rows<D>(this.#builder, `${this.reference}.${name}`);
  }

  /** Writes the rows to a sink. */
  to(id: string, fields: OperatorFields): this {
    this.#builder.sink(id, fields, this);
    return this;
  }

  #then<D extends ColumnTypes>(id: string, fields: OperatorFields): Rows<D> {
    return this.#builder.transform(id, fields, this, columns<D>());
  }
}

function referenceTo(from: Referred | readonly Referred[] | Readonly<Record<string, Referred>>): Json {
  if (isReferred(from)) return from.reference;
  if (Array.isArray(from)) return (from as readonly Referred[]).map(({ reference }) => reference);
  return Object.fromEntries(Object.entries(from).map(([name, rows]) => [name, (rows as Referred).reference]));
}

function isReferred(from: object): from is Referred {
  return "reference" in from && typeof from.reference === "string";
}

function sqlOf(picked: Readonly<Record<string, string | Expression>>): Record<string, string> {
  const references = columnReferences<ColumnTypes>();
  const text = (value: string | Expression): string => (typeof value === "string" ? references[value]!.sql : value.sql);
  return Object.fromEntries(Object.entries(picked).map(([name, value]) => [name, text(value)]));
}

/** A pipeline that is put together in TypeScript; what it gives is the same JSON that others write by hand. */
export function pipeline(name: string, others: Readonly<Record<string, Json>> = {}): PipelineBuilder {
  return new PipelineBuilder(name, others);
}
