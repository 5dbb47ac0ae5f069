import type { CheckedExpressions, ExpressionAt } from "@sferic/bindings/relational";
import { type Column, ConfigError, toPointer } from "@sferic/operator";

/**
 * The columns that the expressions of a field give, by name, in order; `check` types them. Throws {@link ConfigError} with
 * the place of each expression that is wrong.
 */
export function computedColumns(
  field: string,
  expressions: Readonly<Record<string, string>>,
  check: (expressions: readonly ExpressionAt[]) => CheckedExpressions,
): Column[] {
  const names = Object.keys(expressions);
  const { columns, problems } = check(
    names.map((name) => ({ expression: expressions[name]!, pointer: toPointer([field, name]) })),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return columns.map((column, index) => ({ ...column, name: names[index]! }));
}
