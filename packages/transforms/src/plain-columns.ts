import { checkQuery } from "@sferic/bindings/query";
import { ConfigError, Schema } from "@sferic/operator";

/** The columns as a query gives them: the text of a dictionary where there is one. */
export function plainColumns(schema: Schema): Schema {
  const { columns, problems } = checkQuery({ input: schema }, "SELECT * FROM input", "");
  if (problems.length > 0) throw new ConfigError(problems);
  return new Schema(schema.columns.map((column, index) => ({ ...column, type: columns[index]!.type })));
}

/** Whether none of the columns of `schema` has another type in `plain`. */
export function arePlain(schema: Schema, plain: Schema): boolean {
  return plain.columns.every(({ type }, index) => type === schema.columns[index]!.type);
}
