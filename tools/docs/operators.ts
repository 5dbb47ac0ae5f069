/**
 * Writes apps/docs/operators from the catalog's declarations and the kernel's list of functions. With `--check` writes
 * nothing and ends with exit code 1 when a page differs, is missing, or belongs to nothing.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { registry } from "@sferic/catalog";
import { functionsPage, type SharedFunctions } from "./functions.ts";
import { definitions, fileName, index, page } from "./reference.ts";

const folder = resolve(import.meta.dirname, "../../apps/docs/operators");
const functionsFile = "../../native/crates/kernel-relational/tests/shared_functions.json";
const functions = JSON.parse(readFileSync(resolve(import.meta.dirname, functionsFile), "utf8")) as SharedFunctions;
const all = await definitions(registry);
const pages = new Map([
  ["README.md", index(all)],
  ["functions.md", functionsPage(functions)],
  ...all.map((one) => [fileName(one), page(one)] as const),
]);

mkdirSync(folder, { recursive: true });
const present = readdirSync(folder);
const stale = [...pages].filter(([name, text]) => !present.includes(name) || read(name) !== text).map(([name]) => name);
const orphans = present.filter((name) => !pages.has(name));

if (process.argv.includes("--check")) {
  for (const name of [...stale, ...orphans]) console.error(`apps/docs/operators/${name} is out of date: npm run docs`);
  process.exitCode = stale.length + orphans.length === 0 ? 0 : 1;
} else {
  for (const name of stale) writeFileSync(join(folder, name), pages.get(name) ?? "");
  for (const name of orphans) rmSync(join(folder, name));
  console.log(`${pages.size} pages, ${stale.length} written, ${orphans.length} removed`);
}

function read(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}
