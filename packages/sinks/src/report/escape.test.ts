import { expect, it } from "vitest";
import { escapeHtml, scriptJson } from "./escape.ts";

it("makes text harmless in content and attributes", () => {
  expect(escapeHtml(`<a href="x" title='y'>R&D`)).toBe("&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;R&amp;D");
});

it("makes JSON that cannot end its script and still reads the same", () => {
  const value = { name: "</script><!--" };
  expect(scriptJson(value)).not.toContain("<");
  expect(JSON.parse(scriptJson(value))).toEqual(value);
});
