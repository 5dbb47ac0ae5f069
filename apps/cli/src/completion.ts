import { readFile } from "node:fs/promises";
import type { Command, Option } from "commander";
import { templates } from "./templates.ts";

/** A word that may stand next on the command line. */
export interface Completion {
  readonly word: string;
  readonly description: string;
}

/** Shells that a script exists for. */
export const shells = ["bash", "zsh", "fish"] as const;

/**
 * The words that may stand in the place of the last of `words`, the arguments so far; the last may be empty. Knows
 * commands, options and their choices, and, from the spec on the line, ids and parameters. None where a file is meant.
 */
export async function completions(program: Command, words: readonly string[]): Promise<Completion[]> {
  const current = words.at(-1) ?? "";
  const { command, operands, open } = walk(program, words.slice(0, -1));
  const found = open === undefined ? await nextWords(command, operands, current) : await valuesOf(open, operands);
  return found.filter(({ word }) => word.startsWith(current) && word !== current);
}

interface Place {
  readonly command: Command;
  readonly operands: readonly string[];
  /** Option that still lacks its value. */
  readonly open: Option | undefined;
}

function walk(program: Command, before: readonly string[]): Place {
  let command = program;
  let open: Option | undefined;
  const operands: string[] = [];
  for (const word of before) {
    if (open !== undefined) open = undefined;
    else if (word.startsWith("-"))
      open = command.options.find((one) => one.required && (one.long === word || one.short === word));
    else {
      const below = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (below === undefined) operands.push(word);
      else command = below;
    }
  }
  return { command, operands, open };
}

async function nextWords(command: Command, operands: readonly string[], current: string): Promise<Completion[]> {
  const help = command.createHelp();
  if (current.startsWith("-")) {
    return help.visibleOptions(command).map(({ long, description }) => ({ word: long!, description }));
  }
  const below = help.visibleCommands(command);
  if (below.length > 0) {
    return below.map((one) => ({ word: one.name(), description: one.summary() || one.description() }));
  }
  const argument = command.registeredArguments[operands.length];
  if (argument?.argChoices !== undefined) return plain(argument.argChoices);
  switch (argument?.name()) {
    case "operator":
      return plain(await idsIn(operands[0]!, ["sources", "transforms", "sinks"]));
    case "template":
      return templates.map(({ name, summary }) => ({ word: name, description: summary }));
    case "type":
      return plain(await typesFor(command.name()));
    default:
      return [];
  }
}

async function valuesOf(option: Option, [spec]: readonly string[]): Promise<Completion[]> {
  if (option.argChoices !== undefined) return plain(option.argChoices);
  if (spec === undefined) return [];
  if (option.long === "--param") return plain((await idsIn(spec, ["parameters"])).map((name) => `${name}=`));
  return option.long === "--source" ? plain(await idsIn(spec, ["sources"])) : [];
}

async function typesFor(command: string): Promise<string[]> {
  const { registry } = await import("@sferic/catalog");
  if (command === "formats") return registry.types("format");
  return [...new Set((["source", "transform", "sink"] as const).flatMap((kind) => registry.types(kind)))].toSorted();
}

/** Names in some sections of a spec. A spec that is not there or is broken has none: nobody wants an error on Tab. */
async function idsIn(path: string, sections: readonly string[]): Promise<string[]> {
  try {
    const spec = JSON.parse(await readFile(path, "utf8")) as Record<string, object>;
    return sections.flatMap((section) => Object.keys(spec[section] ?? {}));
  } catch {
    return [];
  }
}

function plain(words: readonly string[]): Completion[] {
  return words.map((word) => ({ word, description: "" }));
}

/** What a shell sources: it asks `sferic completion words` for the words at each Tab, and takes files where there are none. */
export const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `# Completion of sferic for bash. Put into ~/.bashrc: source <(sferic completion bash)
_sferic() {
  local IFS=$'\n'
  COMPREPLY=($(sferic completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  [[ \${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o default -F _sferic sferic
`,
  zsh: `#compdef sferic
# Completion of sferic for zsh. Put into ~/.zshrc, after compinit: source <(sferic completion zsh)
_sferic() {
  local -a found
  found=(\${(f)"$(sferic completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then
    found=("\${(@)found/$'\t'/:}")
    _describe sferic found
  else
    _files
  fi
}
compdef _sferic sferic
`,
  fish: `# Completion of sferic for fish. Put into ~/.config/fish/completions/sferic.fish
function __sferic_words
  set -l before (commandline -opc)
  sferic completion words -- $before[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null
end
complete -c sferic -a "(__sferic_words)"
`,
};
