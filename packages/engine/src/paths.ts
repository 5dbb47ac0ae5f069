import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type ConfigProblem, toPointer } from "@sferic/operator";

/** A path of the spec as an absolute path; takes `file://` too. */
export function resolvePath(baseDirectory: string, path: string): string {
  return path.startsWith("file://") ? fileURLToPath(path) : resolve(baseDirectory, path);
}

/** The `file://` URLs at any depth of a value that are no path on this machine; `pointer` is the value's own place. */
export function fileUrlProblems(value: unknown, pointer: string): ConfigProblem[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => fileUrlProblems(inner, `${pointer}${toPointer([key])}`));
  }
  if (typeof value !== "string" || !value.startsWith("file://")) return [];
  try {
    fileURLToPath(value);
    return [];
  } catch (thrown) {
    const message = `"${value}" is no path on this machine: ${(thrown as Error).message}; write it as file:///folder/file`;
    return [{ code: "invalid-url", message, pointer }];
  }
}
