import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path/posix";
import { parseSync } from "oxc-parser";
import { lineAt, matching, type Tree, type Workspace, workspaces } from "./tree.ts";

/**
 * Layer → layers it may import; nothing else. The same table stands in apps/docs/architecture.md. A layer may import
 * itself only where it names itself.
 */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  native: [],
  binding: ["contract", "native"],
  language: ["contract"],
  operators: ["contract", "binding"],
  runtime: ["contract", "binding", "language"],
  catalog: ["contract", "binding", "operators"],
  api: ["contract", "language", "runtime"],
  app: ["contract", "binding", "language", "operators", "runtime", "catalog", "api", "app"],
  development: ["contract", "binding", "language", "operators", "runtime", "catalog", "api", "development"],
};

/** Packages of a layer that may import one another: sources and sinks read and write formats, over connections. */
const withinLayer: Readonly<Record<string, readonly string[]>> = {
  "packages/sources": ["packages/formats", "packages/connections"],
  "packages/sinks": ["packages/formats", "packages/connections"],
};

interface Request {
  readonly specifier: string;
  readonly offset: number;
}

/** Modules that a file imports, re-exports, or loads by a literal `import()`; type-only imports count. */
export function requests(file: string, text: string): Request[] {
  const { module } = parseSync(file, text);
  const named = [
    ...module.staticImports.map((found) => found.moduleRequest),
    ...module.staticExports.flatMap((found) => found.entries.flatMap((entry) => entry.moduleRequest ?? [])),
  ].map((request) => ({ specifier: request.value, offset: request.start }));
  const dynamic = module.dynamicImports
    .map(({ moduleRequest: { start, end } }) => ({ text: text.slice(start, end), offset: start }))
    .filter((found) => /^(["'`])[^$]*\1$/.test(found.text))
    .map((found) => ({ specifier: found.text.slice(1, -1), offset: found.offset }));
  return [...named, ...dynamic];
}

const isTest = (file: string): boolean => /\.(test|spark)\.ts$/.test(file) || /\/(test|testing)\//.test(file);

/** Imports that a layer may not make, undeclared packages, and relative imports that leave their package. */
export function boundaries(tree: Tree): string[] {
  const all = workspaces(tree);
  const root = JSON.parse(tree.read("package.json")) as { devDependencies?: Record<string, string> };
  const shared = new Set(Object.keys(root.devDependencies ?? {}));
  const problems: string[] = [];
  for (const from of all) {
    if (!(from.layer in mayImport)) problems.push(`${from.folder}/package.json: has no known layer tag`);
    problems.push(...developmentDependencies(from, all));
    for (const file of matching(tree, new RegExp(`^${from.folder}/.*\\.tsx?$`))) {
      const text = tree.read(file);
      for (const { specifier, offset } of requests(file, text)) {
        const problem = judge(specifier, file, from, all, shared);
        if (problem !== undefined) problems.push(`${file}:${lineAt(text, offset)}: ${problem}`);
      }
    }
  }
  return problems;
}

function developmentDependencies(from: Workspace, all: readonly Workspace[]): string[] {
  if (from.layer === "development") return [];
  return all
    .filter((other) => other.layer === "development" && from.dependencies.has(other.name))
    .map((other) => `${from.folder}/package.json: ${other.name} is for development: name it in devDependencies`);
}

function judge(
  specifier: string,
  file: string,
  from: Workspace,
  all: readonly Workspace[],
  shared: ReadonlySet<string>,
): string | undefined {
  if (isBuiltin(specifier)) return undefined;
  if (specifier.startsWith(".")) {
    const leaves = relative(from.folder, join(dirname(file), specifier)).startsWith("..");
    return leaves ? `leaves its package; import by name: ${specifier}` : undefined;
  }
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const to = all.find((other) => other.name === name);
  // What a test, or a package that is never published, needs beyond its layer stands in devDependencies, to be seen there.
  if ((isTest(file) || from.manifest["private"] === true) && (from.devDependencies.has(name) || shared.has(name)))
    return undefined;
  if (name !== from.name && !from.dependencies.has(name)) return `${name} is not in ${from.folder}/package.json`;
  if (to === undefined || to === from || allowed(from, to)) return undefined;
  return `layer ${from.layer} may not import ${name} (layer ${to.layer})`;
}

function allowed(from: Workspace, to: Workspace): boolean {
  return mayImport[from.layer]?.includes(to.layer) === true || withinLayer[from.folder]?.includes(to.folder) === true;
}
