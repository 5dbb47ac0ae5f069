import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, specFile } from "../testing/specs.ts";

async function words(...line: string[]): Promise<string[]> {
  const { code, out, err } = await sferic("completion", "words", "--", ...line);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out
    .split("\n")
    .filter((word) => word !== "")
    .map((word) => word.split("\t")[0]!);
}

test.each<[line: string[], found: string[]]>([
  [["ch"], ["check", "checkpoint"]],
  [
    ["checkpoint", "re"],
    ["repair", "reset"],
  ],
  [["check", "--le"], ["--level"]],
  [
    ["check", "--level", ""],
    ["static", "connect", "sample"],
  ],
  [
    ["check", "--level", "s"],
    ["static", "sample"],
  ],
  [["check", "--verbose", "--le"], ["--level"]],
  [["run", "--max-epochs", "3", "--eng"], ["--engine"]],
  [["operators", "select"], ["select-k"]],
  [["formats", "par"], ["parquet"]],
  [["init", "lightning-s"], ["lightning-stream"]],
  [["completion", "z"], ["zsh"]],
  [["check", "./some"], []],
  [["preview", "./not-there.json", ""], []],
  [["nonsense", ""], []],
])("%j", async (line, found) => {
  const all = await words(...line);
  expect(all.filter((word) => word !== "help")).toEqual(
    line[0] === "nonsense" ? all.filter((word) => word !== "help") : found,
  );
});

test("ids, sources and parameters come from the spec on the line", async () => {
  const path = await specFile(flashesSpec);
  expect(await words("preview", path, "")).toEqual(["flashes", "strong", "csv"]);
  expect(await words("preview", "--rows", "5", path, "st")).toEqual(["strong"]);
  expect(await words("run", path, "--param", "")).toEqual(["energy="]);
  expect(await words("dlq", "replay", path, "--source", "f")).toEqual(["flashes"]);
});

test("every command and every option is offered", async () => {
  const help = (await sferic("--help")).out;
  const commands = [...help.matchAll(/^ {2}([a-z]+)(?: \[| <| {2})/gm)].map((found) => found[1]!);
  expect(commands.length).toBeGreaterThan(14);
  expect((await words("")).toSorted()).toEqual(commands.toSorted());
  const options = [...(await sferic("run", "--help")).out.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map(
    (found) => found[1]!,
  );
  expect((await words("run", "--")).toSorted()).toEqual(options.toSorted());
});

test.each(["bash", "zsh", "fish"])("the script for %s asks for words", async (shell) => {
  const { code, out } = await sferic("completion", shell);
  expect(code).toBe(0);
  expect(out).toContain("sferic completion words -- ");
});

test("bash completes with it", async () => {
  const { out: script } = await sferic("completion", "bash");
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const node = `'${process.execPath}' --conditions=@sferic/source --disable-warning=ExperimentalWarning '${main}'`;
  const complete = (...line: string[]): string[] => {
    const commandLine = line.map((word) => `'${word}'`).join(" ");
    const text = `compopt() { echo "$2"; }\nsferic() { ${node} "$@"; }\n${script}
COMP_WORDS=(${commandLine}); COMP_CWORD=${line.length - 1}; _sferic; printf '%s\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", text], { encoding: "utf8" }).trimEnd().split("\n");
  };
  expect(complete("sferic", "checkpoint", "re")).toEqual(["repair", "reset"]);
  expect(complete("sferic", "run", await specFile(flashesSpec), "--param", "")).toEqual(["nospace", "energy="]);
});
