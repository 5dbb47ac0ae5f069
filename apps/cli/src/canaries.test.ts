import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { registry } from "@sferic/catalog";
import { planPipeline, previewOperator, runPipeline } from "@sferic/engine";
import type { Command } from "commander";
import { beforeAll, expect, test } from "vitest";
import { loadPlugin } from "./plugins.ts";
import { createProgram } from "./program.ts";
import { recordedTerminal } from "./testing/recorded-terminal.ts";
import { sferic } from "./testing/sferic.ts";
import { specFile } from "./testing/specs.ts";

/** One secret for each place where one can stand; none is part of another. */
const canaries = {
  env: "canary1/of an ènv",
  file: "canary2-of-a-file",
  userinfo: "canary3-of-a-url",
  default: "canary4-of-a-default",
  given: "canary5-given",
  field: "canary6-of-a-field",
  literal: "canary7-literal",
  variable: "canary8-of-a-variable",
};
/** What no output may hold: their names, and their encodings. */
const leaks = new RegExp(
  Object.values(canaries)
    .flatMap((canary) => [
      canary.slice(0, 7),
      Buffer.from(canary).toString("base64").slice(0, 12),
      Buffer.from(canary).toString("hex").slice(0, 14),
    ])
    .join("|"),
  "i",
);
const hidden = /[^\P{Cc}\n\t]|[\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\u{E0000}-\u{E007F}]/u;
const controls = "\u001B]0;owned\u0007\u009B2J\u202E\u2066\u200F\u2028\u{E0041}";

const environment = { CANARY_PLACE: canaries.env, CANARY_TOKEN: canaries.variable };

/** A spec with a canary in every place of a sound one. */
const sound = {
  name: "canaries",
  plugins: [join(import.meta.dirname, "testing/leaky.ts")],
  parameters: {
    password: { type: "string", default: canaries.default },
    other: { type: "string", default: "x" },
  },
  connections: {
    vault: {
      type: "vault",
      url: `vault://me:${canaries.userinfo}@host/x`,
      user: "me",
      password: { env: "CANARY_PLACE" },
      seal: { file: "./seal.txt" },
    },
  },
  sources: {
    rows: {
      type: "leaky",
      connection: "vault",
      apiKey: canaries.field,
      label: "${param:password} ${param:other} ${env:CANARY_TOKEN}",
      rows: ["a", controls],
    },
  },
  transforms: { kept: { type: "filter", from: "rows", where: "name <> '${param:password}'" } },
  sinks: { out: { type: "files", from: "kept", url: "./out/", format: { type: "json" } } },
  run: { checkpoint: "./check" },
  tests: [{ name: `t${controls}`, given: { rows: [{ name: "a" }] }, expect: { kept: [{ name: "b" }] } }],
};
const failing = { ...sound, sources: { rows: { ...sound.sources.rows, fails: true } }, run: {} };
/** Mistakes everywhere, and names that no terminal should obey. */
const wrong = {
  ...sound,
  [controls]: 1,
  connections: { vault: { ...sound.connections.vault, seal: [{ [canaries.literal]: canaries.literal }], passwrd: 1 } },
  sources: { rows: { ...sound.sources.rows, fails: `${controls}\${param:password}` } },
  sinks: { [`o${controls}`]: { type: `t${controls}`, from: `f${controls}` } },
};

const folders = new Map<string, string>();

beforeAll(async () => {
  Object.assign(process.env, environment);
  for (const [name, spec] of Object.entries({ sound, failing, wrong })) {
    const path = await specFile(spec);
    await writeFile(join(dirname(path), "seal.txt"), `${canaries.file}\n`);
    folders.set(name, path);
  }
  expect((await sferic("run", folders.get("sound")!)).code).toBe(0);
});

/** Every command with its full name: new ones are found here. */
function commandsBelow(command: Command, names: readonly string[] = []): { names: string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ names: [...names], command }];
  return command.commands.flatMap((one) => commandsBelow(one, [...names, one.name()]));
}

const program = createProgram(recordedTerminal().terminal, () => Promise.resolve());
const commands = commandsBelow(program).map(({ names, command }) => [names.join(" "), command] as const);

/** What stands for each argument of a command. */
const argumentsOf: Record<string, (spec: string, folder: string) => string> = {
  spec: (spec) => spec,
  folder: (_, folder) => join(folder, "check"),
  table: (_, folder) => join(folder, `table${controls}`),
  operator: () => "rows",
  template: () => `t${controls}`,
  type: () => `t${controls}`,
  shell: () => "words",
  words: () => "pre",
};

function linesOf(name: string, command: Command, spec: string): string[][] {
  const folder = dirname(spec);
  const given = command.registeredArguments.map((argument) => {
    const make = argumentsOf[argument.name()];
    if (make === undefined) throw new Error(`Say here what the argument ${argument.name()} of ${name} can be.`);
    return make(spec, folder);
  });
  const has = (option: string): boolean => command.options.some(({ long }) => long === option);
  const parameters = has("--param") ? ["--param", `password=${canaries.given}`, "--param", "other=y"] : [];
  const levels = has("--level") ? ["static", "sample"].map((level) => ["--level", level]) : [[]];
  const line = [...name.split(" "), ...given];
  return [
    ...levels.flatMap((level) => [[], parameters].map((params) => [...line, ...params, ...level])),
    ...(has("--verbose") ? [[...line, "--verbose"]] : []),
  ].flatMap((one) => (has("--json") ? [one, [...one, "--json"]] : [one]));
}

/** Runs pipelines of the repository, which have no secrets. */
const skipped = new Set(["demo"]);
/** Torture takes long where a run succeeds. */
const specsOf = (name: string): string[] => (name === "torture" ? ["failing", "wrong"] : [...folders.keys()]);

test.each(commands.filter(([name]) => !skipped.has(name)))(
  "%s shows no secret and no control character",
  async (name, command) => {
    for (const spec of command.registeredArguments.some((one) => one.name() === "spec") ? specsOf(name) : ["sound"]) {
      for (const args of linesOf(name, command, folders.get(spec)!)) {
        const { out, err } = await sferic(...args);
        expect(out + err, args.join(" ")).not.toBe("");
        expect(out + err, args.join(" ")).not.toMatch(leaks);
        expect(out + err, args.join(" ")).not.toMatch(hidden);
        if (args.includes("--json") && out !== "") for (const line of out.trimEnd().split("\n")) JSON.parse(line);
      }
    }
  },
);

test.each([
  ["run", "x.json", `password=${canaries.given}`],
  ["run", "x.json", `--parm=password=${canaries.given}`],
  ["run", "x.json", "--param", canaries.given],
  ["run", "x.json", "--param", `other=${canaries.given}`, "--param", `other=${canaries.given}`],
])("a wrong command line is not repeated with its values: %s %s %s", async (...args) => {
  const { code, out, err } = await sferic(...args);
  expect(code).toBe(2);
  expect(out + err).not.toMatch(leaks);
});

test("checkpoints, dead letters and outputs hold no secret that the data does not", async () => {
  for (const spec of folders.values()) {
    for (const entry of await readdir(dirname(spec), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || ["pipeline.json", "seal.txt"].includes(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      expect(await readFile(path, "latin1"), path).not.toMatch(leaks);
    }
  }
});

test.each(["sound", "failing", "wrong"])(
  "embedded, a %s spec gives no event, error or result with a secret",
  async (name) => {
    const file = folders.get(name)!;
    const text = await readFile(file, "utf8");
    const said: unknown[] = [];
    const options = {
      registry,
      file,
      loadPlugin,
      environment: { ...process.env },
      parameters: { password: canaries.given },
      probe: true,
    };
    const { plan, issues } = await planPipeline(text, options);
    said.push(issues);
    if (plan !== null) said.push(await previewOperator(plan, "rows").catch((thrown: unknown) => thrown));
    const onEvent = (event: unknown): void => void said.push(event);
    said.push(await runPipeline(text, { ...options, onEvent }).catch((thrown: unknown) => thrown));
    // The rows are data.
    const shown = inspect(said, { depth: 50, showHidden: true, maxStringLength: null, maxArrayLength: null });
    expect(said.length).toBeGreaterThan(1);
    expect(shown).not.toMatch(leaks);
    if (name !== "wrong") expect(shown).toContain("***");
  },
);
