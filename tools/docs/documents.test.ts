import { expect, test } from "vitest";
import { checkout, madeUp } from "../tidy/tree.ts";
import { blocks, brokenLinks, staleBlocks } from "./documents.ts";

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
