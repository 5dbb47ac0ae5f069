import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkout, madeUp, root } from "../tidy/tree.ts";
import { blocks, brokenLinks, specs, staleBlocks } from "./documents.ts";

describe("every spec in the documentation runs", () => {
  let folder: string;
  // The root folder as a reader has it, but what a spec writes goes elsewhere.
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sferic-docs-"));
    symlinkSync(join(root, "apps"), join(folder, "apps"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each(specs(checkout()).map((block) => [`${block.file}:${block.line}`, block.text] as const))(
    "%s",
    async (_, text) => {
      const result = await runPipeline(text, { registry, baseDirectory: folder });
      expect(result.error).toBeUndefined();
      expect(result.rows.written).toBeGreaterThan(0);
    },
  );
});

test("programs in the documentation are files that pack-check runs", () => {
  expect(staleBlocks(checkout())).toEqual([]);
});

test("links lead somewhere", () => {
  expect(brokenLinks(checkout())).toEqual([]);
});

test("stale blocks and broken links are found", () => {
  const tree = madeUp({
    "a.ts": "const a = 1;\n",
    "README.md":
      "<!-- a.ts -->\n\n```ts\nconst a = 1;\n```\n\n<!-- a.ts -->\n\n```ts\nconst a = 2;\n```\n\n```ts\nconst b = 1;\n```\n",
    "apps/docs/b.md": "[a](../../a.ts) [c](c.md#part) [web](https://example.com/x)",
  });
  expect(blocks(tree, "README.md").map((block) => block.line)).toEqual([3, 9, 13]);
  expect(staleBlocks(tree)).toEqual([
    "README.md:9: does not show a.ts",
    "README.md:13: does not show a file; name one in a comment above",
  ]);
  expect(brokenLinks(tree)).toEqual(["apps/docs/b.md: there is no c.md"]);
});
