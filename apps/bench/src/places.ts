import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Root folder of this checkout. */
export const root: string = resolve(import.meta.dirname, "../../..");

/** This package's folder. */
export const home: string = resolve(import.meta.dirname, "..");

const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");

/** The cache folder that tools/setup also uses. May be deleted. */
export const cacheDirectory: string = resolve(process.env["SFERIC_CACHE_DIR"] ?? join(caches, "sferic"));

/** What the benchmark makes and installs. */
export const workDirectory: string = join(cacheDirectory, "bench");

/** The Python that has the peers' packages. */
export const python: string = join(workDirectory, "venv/bin/python");

/** Real granules: a few minutes of lightning. */
export const granuleDirectory: string = join(root, "apps/cases/data/glm");

/** The command of this checkout, as a user starts it. */
export const sferic: readonly string[] = [process.execPath, join(root, "apps/cli/bin/sferic.js")];

/** A program of peers/. */
export function peer(name: string, ...args: readonly string[]): string[] {
  return [python, join(home, "peers", `${name}.py`), ...args];
}

/** A program of src/ours/. */
export function ours(name: string, ...args: readonly string[]): string[] {
  return [process.execPath, join(home, "src/ours", `${name}.ts`), ...args];
}

/** A program of src/libraries/: a peer that is a library of JavaScript. */
export function library(name: string, ...args: readonly string[]): string[] {
  return [process.execPath, join(home, "src/libraries", `${name}.ts`), ...args];
}

/** Where build-kernels.ts leaves the examples of the kernels of this checkout. */
export const kernelDirectory: string = join(workDirectory, "kernels");

/** Where build-kernels.ts leaves an example of a kernel, of this checkout unless another folder is named. */
export function kernelExample(crate: string, example: string, directory: string = kernelDirectory): string {
  return join(directory, `${crate}-${example}`);
}

/** What a command has in it when it runs Sferic and no peer. */
export const ourPrograms: readonly string[] = [sferic[1]!, `${join(home, "src/ours")}/`, kernelDirectory];

/** A kernel's example `bench`. */
export function kernel(crate: string, ...args: readonly string[]): string[] {
  return [kernelExample(crate, "bench"), ...args];
}

/** A command that is measured from its start until it has ended; `folder`, if not empty, is removed before each time. */
export function wholeProcess(folder: string, command: readonly string[]): string[] {
  return peer("process", folder, ...command);
}

/** Commands one after the other, until one fails, as a single one. */
export function inTurn(commands: readonly (readonly string[])[]): string[] {
  return ["sh", "-ec", commands.map((words) => words.map(shellWord).join(" ")).join("\n")];
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Whether a file or folder is there. */
export const isThere: (path: string) => boolean = existsSync;
