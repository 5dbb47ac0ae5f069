import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { OperatorError } from "@sferic/operator";
import * as native from "./native.ts";
import { spillParent } from "./temporary.ts";

let inUse = false;

/** Tells the core where the DuckDB library is that npm installed for this platform. It is opened on first use. */
export function useDuckdb(): void {
  if (inUse) return;
  const inside = createRequire(createRequire(import.meta.url).resolve("@duckdb/node-bindings/package.json"));
  const platform = `@duckdb/node-bindings-${process.platform}-${process.arch}`;
  const file = { darwin: "libduckdb.dylib", win32: "duckdb.dll" }[process.platform as string] ?? "libduckdb.so";
  const manifest = [platform, `${platform}-musl`].map((name) => resolved(inside, `${name}/package.json`)).find(Boolean);
  if (manifest === undefined) {
    const message = `The DuckDB library for ${process.platform} ${process.arch} is not installed (${platform}). Run the installation again with optional dependencies.`;
    throw new OperatorError({ code: "duckdb-missing", message, domain: "external" });
  }
  native.useDuckdb(join(dirname(manifest), file));
  inUse = true;
  // Workers share the databases, and the folders that they spill to, with the process.
  if (isMainThread) process.once("exit", () => native.removePrivateFolders());
}

function resolved(inside: NodeJS.Require, name: string): string | undefined {
  try {
    return inside.resolve(name);
  } catch {
    return undefined;
  }
}

// Opening DuckDB takes about 65 ms, so it begins on another thread while the program still loads its other modules.
void (async () => {
  try {
    useDuckdb();
    native.sweepPrivateFolders(spillParent(undefined));
    await native.openDuckdb();
  } catch {
    // The first call that needs it throws the same.
  }
})();
