/** Python environments with packages from the package registry, once per machine. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "./maven.ts";

/**
 * Path of a Python that has the packages of a requirements file, in the user's cache folder; makes it when it is not
 * there. Throws when Python is missing or a package cannot be installed, and says what to do.
 */
export async function pythonWith(name: string, requirements: string): Promise<string> {
  const folder = await madeOnce(name, [await readFile(requirements)], async (target) => {
    await call("python3", ["-m", "venv", target]);
    await call(join(target, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", requirements]);
  });
  return join(folder, "bin/python");
}

async function call(command: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, { maxBuffer: 16 * 1024 * 1024 });
  } catch (thrown) {
    const { code, stderr = "" } = thrown as { code?: unknown; stderr?: string };
    const advice = "Install Python 3.10 or newer with venv (Debian, Ubuntu: apt-get install python3-venv).";
    throw new Error(code === "ENOENT" ? `There is no "${command}". ${advice}` : `${command} failed:\n${stderr}`, {
      cause: thrown,
    });
  }
}
