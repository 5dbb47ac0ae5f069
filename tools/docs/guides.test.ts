import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout, madeUp } from "../tidy/tree.ts";
import { type Block, blocks, guides, idleBlocks } from "./documents.ts";
import { scratchCheckout } from "./scratch-checkout.ts";

const tree = checkout();

/** A guide is followed from its first block to its last, in a checkout of its own. */
describe.each(guides(tree).filter((file) => followed(file).length > 0))("%s can be followed", (file) => {
  let folder: string;
  let printed = "";
  beforeAll(() => {
    folder = scratchCheckout(tree);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(followed(file).map((block) => [block.line, block] as const))(
    "line %i",
    { timeout: 180_000 },
    (_, block) => {
      if (block.keptAs !== undefined) keep(block.text, join(folder, block.keptAs));
      else if (block.language === "sh") printed = run(block.text, folder);
      else for (const line of block.text.trimEnd().split("\n")) expect(printed).toContain(line);
    },
  );
});

/** Blocks that a reader keeps or runs, and what commands print. */
function followed(file: string): Block[] {
  const all = blocks(tree, file).filter(({ notRun }) => notRun === undefined);
  return all.filter(({ keptAs, language }) => keptAs !== undefined || language === "sh" || language === "text");
}

function keep(text: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** What the commands print; the first that fails fails the test with all they said. */
function run(commands: string, folder: string): string {
  const { NODE_OPTIONS: _, VITEST: __, ...environment } = process.env;
  const PATH = [join(folder, "node_modules", ".bin"), environment["PATH"]].join(delimiter);
  try {
    return execFileSync("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: folder,
      encoding: "utf8",
      env: { ...environment, PATH, CI: "true", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout: string; stderr: string };
    throw new Error(`${commands}${stdout}${stderr}`);
  }
}

test("every block of a guide is run, shows a file, or says why not", () => {
  expect(idleBlocks(tree)).toEqual([]);
});

test("a block that nothing runs is found", () => {
  const kept = "<!-- file: a.jsonc -->\n\n```jsonc\n{}\n```\n";
  const excused = "<!-- not run: it needs a cloud -->\n\n```sh\nfalse\n```\n";
  const made = madeUp({
    "README.md": `\`\`\`jsonc\n{}\n\`\`\`\n\n${kept}\n${excused}\n\`\`\`json\n{}\n\`\`\`\n`,
    "apps/docs/a.md": `${kept}\n\`\`\`sh\ncat a.jsonc\n\`\`\`\n`,
  });
  expect(idleBlocks(made)).toEqual([
    "README.md:1: nothing runs this jsonc; say where it is kept, or why not",
    "README.md:7: no command uses a.jsonc",
    "README.md:17: nothing runs this json; say where it is kept, or why not",
  ]);
  expect(blocks(made, "README.md").map(({ keptAs, notRun }) => keptAs ?? notRun)).toEqual([
    undefined,
    "a.jsonc",
    "it needs a cloud",
    undefined,
  ]);
});
