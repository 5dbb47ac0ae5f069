/** The language of pipelines. Start with parse.ts. */
export { type ColumnTypes, type Expression, sql } from "./builder/expression.ts";
export {
  columns,
  type OperatorFields,
  pipeline,
  PipelineBuilder,
  type PipelineDocument,
  Rows,
} from "./builder/pipeline.ts";
export { type FilledPart, type Problem, SpecDocument } from "./document.ts";
export { parseDuration } from "@sferic/operator";
export { formatIssue } from "./format-issue.ts";
export { applyFixes, fixOf, type Issue, sortIssues } from "./issue.ts";
export { jsonSchema } from "./json-schema.ts";
export type * from "./model.ts";
export type { LoadPlugin } from "./plugins.ts";
export { type ParsedSpec, type ParseOptions, parseSpec, specBytesMax } from "./parse.ts";
