import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Definition } from "@sferic/operator";

const kinds = new Set<unknown>(["source", "transform", "sink", "format"]);

/**
 * The operators that a module exports, alone or in lists. `name` is a path from `baseDirectory` that begins with `.` or
 * `/`, a `file://` URL, or a package that Node finds from there. Runs the module. Rejects with an error that says what
 * is wrong: not found, failed while loading, or without an operator.
 */
export async function loadPlugin(name: string, baseDirectory: string): Promise<readonly Definition[]> {
  const exported = Object.values((await import(locate(name, baseDirectory))) as Record<string, unknown>).flat();
  const definitions = [...new Set(exported.filter(isDefinition))];
  if (definitions.length > 0) return definitions;
  throw new Error("it exports no operator; export what defineTransform and its like return, or a list of them");
}

function locate(name: string, baseDirectory: string): string {
  const path = name.startsWith("file://") ? fileURLToPath(name) : name;
  if (/^\.{0,2}\//.test(path)) return fileAt(resolve(baseDirectory, path));
  try {
    return pathToFileURL(createRequire(join(baseDirectory, "spec.json")).resolve(name)).href;
  } catch (cause) {
    const advice = `there is no package "${name}" near ${baseDirectory}; install it, or write "./${name}" for a file beside the spec`;
    throw new Error(advice, { cause });
  }
}

function fileAt(path: string): string {
  if (existsSync(path)) return pathToFileURL(path).href;
  throw new Error(`there is no file ${path}`);
}

function isDefinition(exported: unknown): exported is Definition {
  if (typeof exported !== "object" || exported === null) return false;
  const { kind, type, config, create } = exported as Record<string, unknown>;
  const named = typeof type === "string" && kinds.has(kind);
  return named && typeof config === "object" && typeof create === "function";
}
