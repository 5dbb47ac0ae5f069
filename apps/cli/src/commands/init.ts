import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { nearest, OperatorError } from "@sferic/operator";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { ownCommand, shellWord } from "../own-command.ts";
import { issuesText, planSpec } from "../planning.ts";
import { placeText } from "../run-summary.ts";
import { samplesOf, specOf, type Template, templates } from "../templates.ts";
import type { Terminal } from "../terminal.ts";
import { counted, textTable } from "../text.ts";

export interface InitOptions extends CommonOptions {
  readonly out?: string;
  readonly force?: boolean;
}

/**
 * Writes a template's spec and its sample input beside it, then checks the spec; without a name lists the templates.
 * Rejects before anything is written when a file is there that is not the template's; `force` overwrites it.
 */
export async function init(terminal: Terminal, name: string | undefined, options: InitOptions): Promise<ExitCode> {
  if (name === undefined) return list(terminal, options);
  const template = templates.find((one) => one.name === name);
  if (template === undefined) throw unknownTemplate(name);
  const spec = await specOf(name);
  const path = resolve(options.out ?? `${name}.json`);
  const samples = await samplesOf(template);
  const files = new Map<string, Buffer>([[path, Buffer.from(spec)]]);
  for (const [place, bytes] of samples) files.set(join(dirname(path), place), bytes);
  if (options.force !== true) await refuseOthers(files);
  for (const [place, bytes] of files) {
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, bytes);
  }
  return told(terminal, template, path, samples.size, options);
}

async function told(
  terminal: Terminal,
  { name, needs, onGranules }: Template,
  path: string,
  sampleCount: number,
  options: InitOptions,
): Promise<ExitCode> {
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    probe: true,
    requiresInputs: false,
  });
  if (options.json === true) terminal.printJson({ template: name, spec: path, samples: sampleCount, issues });
  else if (issues.length > 0) terminal.print(issuesText(issues, document, terminal.colorOut));
  if (plan === null) return ExitCode.specInvalid;
  if (options.json === true) return ExitCode.done;
  const place = placeText(path);
  terminal.print(`${place}: no issues${sampleCount > 0 ? `, and ${counted(sampleCount, "file")} to run it on` : ""}`);
  if (onGranules === true && sampleCount === 0) {
    terminal.print("Put granules (OR_GLM-L2-LCFA_*.nc) into data/glm beside it; the repository of Sferic has some.");
  }
  if (needs !== undefined) terminal.print(`It needs ${needs}.`);
  const next = ["test", "run", "explain"].map((command) => `  ${ownCommand()} ${command} ${shellWord(place)}`);
  terminal.print(["", "Next:", ...next].join("\n"));
  return ExitCode.done;
}

function list(terminal: Terminal, options: CommonOptions): ExitCode {
  if (options.json === true) {
    terminal.printJson({ templates: templates.map(({ name, summary }) => ({ name, summary })) });
  } else {
    const rows = templates.map(({ name, summary }) => [name, summary]);
    const table = textTable([{ title: "template" }, { title: "" }], rows, (line) => terminal.paintOut("dim", line));
    terminal.print(`${table}\n\n${ownCommand()} init <template> writes one of them, with input to run it on.`);
  }
  return ExitCode.done;
}

async function refuseOthers(files: ReadonlyMap<string, Buffer>): Promise<void> {
  const present = await Promise.all(
    [...files].map(async ([path, bytes]) => {
      const there = await readFile(path).catch(absentAsNull);
      return there === null || there.equals(bytes) ? [] : [placeText(path)];
    }),
  );
  const others = present.flat();
  if (others.length === 0) return;
  const message = `${others.join(", ")}: there is another file already. --out names another place; --force overwrites.`;
  throw new OperatorError({ code: "usage", message });
}

function absentAsNull(thrown: NodeJS.ErrnoException): null {
  if (thrown.code === "ENOENT" || thrown.code === "ENOTDIR") return null;
  throw thrown;
}

function unknownTemplate(name: string): OperatorError {
  const names = templates.map((template) => template.name);
  const near = nearest(name, names);
  const advice = near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
  return new OperatorError({ code: "usage", message: `There is no template "${name}"; ${advice}` });
}
