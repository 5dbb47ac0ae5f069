import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, type Tree } from "../tidy/tree.ts";

/**
 * A copy of the checkout in which documents may write: its files, the addon, and packages of npm as links to those that
 * are installed here. Nothing is built; commands run from the sources. The caller removes it.
 */
export function scratchCheckout(tree: Tree): string {
  const folder = mkdtempSync(join(tmpdir(), "sferic-guide-"));
  for (const file of tree.files) copyInto(folder, file);
  for (const addon of readdirSync(join(root, "native")).filter((name) => name.endsWith(".node"))) {
    symlinkSync(join(root, "native", addon), join(folder, "native", addon));
  }
  const modules = join(root, "node_modules");
  mkdirSync(join(folder, "node_modules"));
  for (const name of readdirSync(modules)) {
    // Links between packages of this repository and commands are relative: copied, they lead into the copy.
    if (name === "@sferic" || name === ".bin") copyLinks(join(modules, name), join(folder, "node_modules", name));
    else if (!name.startsWith(".")) symlinkSync(join(modules, name), join(folder, "node_modules", name));
  }
  return folder;
}

function copyInto(folder: string, file: string): void {
  mkdirSync(join(folder, dirname(file)), { recursive: true });
  copyFileSync(join(root, file), join(folder, file));
}

function copyLinks(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) symlinkSync(readlinkSync(join(from, name)), join(to, name));
}
