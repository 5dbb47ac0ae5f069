import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

const command = join(import.meta.dirname, "../../cli/bin/sferic.js");
const escapes = "\u001B]0;owned\u0007\u001B[2J\u202E";

test("names of columns and specs reach no terminal as control characters", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("in.csv"), `a${escapes},b\n1,2\n`);
  const sources = { rows: { type: "files", url: "./in.csv", format: { type: "csv" } } };
  const filter = { type: "filter", from: "rows", where: "c > 1" };
  const specs = {
    plain: { sources, sinks: { out: { type: "console", from: "rows" } } },
    column: { sources, transforms: { kept: filter }, sinks: { out: { type: "console", from: "kept" } } },
    words: { sources, sinks: { [`o${escapes}`]: { type: `t${escapes}`, from: `f${escapes}` } } },
  };
  for (const [name, spec] of Object.entries(specs)) {
    await writeFile(folder.file(`${name}.json`), JSON.stringify({ name, ...spec }));
    for (const args of [["check", "--level", "sample"], ["explain"], ["preview"], ["run"], ["run", "--json"]]) {
      const shown = await outputOf(folder.path, [...args, `${name}.json`]);
      expect(shown, `${args.join(" ")} ${name}`).toBe(shown.replaceAll(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, "?"));
    }
  }
});

/** All that a command prints, whatever its exit code. */
async function outputOf(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { cwd }, (_, out, err) => resolve(out + err));
  });
}
