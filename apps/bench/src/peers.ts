import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./commands.ts";
import { home, isThere, python, workDirectory } from "./places.ts";

const requirements = join(home, "peers/requirements.txt");
const installed = join(workDirectory, "venv/installed.txt");

/** Installs the peers' packages into a Python environment of their own, unless the right ones are there. */
export async function installPeers(): Promise<void> {
  const wanted = await readFile(requirements, "utf8");
  if (isThere(installed) && (await readFile(installed, "utf8")) === wanted) return;
  await runCommand(["python3", "-m", "venv", "--clear", join(workDirectory, "venv")]);
  await runCommand([python, "-m", "pip", "install", "--disable-pip-version-check", "-r", requirements]);
  await writeFile(installed, wanted);
}
