/** `npm run new-operator <source|format|transform|sink> <type>`: an operator that works, its test, its catalog line. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { addToCatalog, scaffold } from "./scaffold.ts";

const root = resolve(import.meta.dirname, "../..");
const [kind = "", type = ""] = process.argv.slice(2);
try {
  const { files, catalogLine } = scaffold(kind, type);
  const present = Object.keys(files).find((file) => existsSync(join(root, file)));
  if (present !== undefined) throw new Error(`${present} exists already.`);
  const catalog = join(root, "packages/catalog/src/index.ts");
  const added = addToCatalog(readFileSync(catalog, "utf8"), kind, catalogLine);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  writeFileSync(catalog, added);
  console.log([...Object.keys(files), "packages/catalog/src/index.ts"].join("\n"));
  console.log(`Next: fill it in, npm run format, npx vitest ${type}, npm run docs`);
} catch (error) {
  console.error(`${(error as Error).message}\nnpm run new-operator <source|format|transform|sink> <type>`);
  process.exitCode = 1;
}
