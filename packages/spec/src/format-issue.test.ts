import { describe, expect, it } from "vitest";
import { formatIssue } from "./format-issue.ts";
import { parseSpec } from "./parse.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();

const clusters = `{
  "name": "lightning-clusters",
  "sources": {
    "flashes": { "type": "files", "url": "./data/*.nc", "format": { "type": "glm", "table": "flashes" } }
  },
  "transforms": {
    "clusters": {
        "type": "kmeans",
        "from": "flashes",
        "columns": ["flash_lon", "flash_lat"],
        "seed": 60,
        "clusterCuont": 12
    }
  },
  "sinks": { "out": { "type": "console", "from": "clusters" } }
}
`;

async function shown(text: string, file?: string, color = false): Promise<string> {
  const { issues, document } = await parseSpec(text, { registry, ...(file === undefined ? {} : { file }) });
  return issues.map((issue) => formatIssue(issue, document, { color })).join("\n");
}

describe("formatIssue", () => {
  it("looks as the language's description says", async () => {
    expect(await shown(clusters, "lightning.json")).toBe(
      `error[unknown-field]: "clusterCuont" is not a field of the transform "kmeans"
  --> lightning.json:12:9  /transforms/clusters/clusterCuont
   |
12 |         "clusterCuont": 12
   |         ^^^^^^^^^^^^^^ did you mean "clusterCount"?
   = fix: sferic check --fix lightning.json`,
    );
  });

  it("names what to write when there is no file", async () => {
    const text = await shown(clusters);
    expect(text).toContain("--> <stdin>:12:9");
    expect(text).toContain('= fix: write "clusterCount"');
  });

  it("puts the caret under the range whatever stands before it", async () => {
    const text = await shown('{\n\t"日本": "e\u0301😀", "nam": 1 }');
    const rows = text.split("\n");
    const carets = rows[rows.findIndex((row) => row.includes("/nam")) + 3];
    // Two wide letters, an accent without width and a wide emoji stand before the range.
    const width = '"____": "e__", '.length;
    expect(carets).toBe(`  | \t${" ".repeat(width)}^^^^^ did you mean "name"?`);
  });

  it("masks secrets, also in a spec that cannot be read", async () => {
    const line = '"connections": { "c": { "type": "s3", "password": "hunter2", "region": "eu" } }';
    const texts = [`{ ${line}, "x": 1 }`, `{ ${line}, "x": NaN }`, `{ "x": NaN, 'api_key': 'hunter2' }`];
    const all = await Promise.all(texts.map((text) => shown(text)));
    expect(all.filter((text) => !text.includes("*******") || text.includes("hunter2"))).toEqual([]);
  });

  it("shows only the part of a long line around the issue", async () => {
    const text = await shown(`{ "${"a".repeat(5000)}": 1, "nam": 1, "${"b".repeat(5000)}": 1 }`);
    const line = text.split("\n").find((row) => row.includes('"nam"') && row.includes("|"))!;
    expect(line.length).toBeLessThan(200);
    const at = text.split("\n").indexOf(line);
    expect(text.split("\n")[at + 1]!.indexOf("^")).toBe(line.indexOf('"nam"'));
  });

  it("lets no control character through to a terminal", async () => {
    const text = await shown('{ "a": "\u001B[2J\u0007\u202E" }');
    expect(text).toContain(String.raw`\u001b[2J\u0007\u202e`);
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  });

  it("colours when asked", async () => {
    expect(await shown(clusters, "lightning.json", true)).toContain("\u001B[31merror[unknown-field]\u001B[0m");
    expect(await shown(clusters, "lightning.json")).not.toContain("\u001B");
  });
});
