import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { placeText } from "./run-summary.ts";

/** The checkout that this command is in; elsewhere a folder that says nothing. */
export const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** How to call this command from the working folder, for commands that a reader is to type. */
export function ownCommand(): string {
  const script = resolve(repository, "apps/cli/bin/sferic.js");
  if (!existsSync(script)) return "sferic";
  const isInside = !relative(repository, process.cwd()).startsWith("..");
  return isInside ? "npx sferic" : `node ${shellWord(placeText(script))}`;
}

/** A text as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w./@:+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
