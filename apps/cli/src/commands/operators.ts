import { nearest, OperatorError, type OperatorKind } from "@sferic/operator";
import { catalogueEntry, catalogueLine, definitionsOf } from "../catalogue.ts";
import { catalogueTable, catalogueText } from "../catalogue-text.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { loadRegistry } from "../planning.ts";
import type { Terminal } from "../terminal.ts";

const operatorKinds: readonly OperatorKind[] = ["source", "transform", "sink"];

/** The catalogue of operators, or everything about the operators of one type. */
export function operators(terminal: Terminal, type: string | undefined, options: CommonOptions): Promise<ExitCode> {
  return catalogue(terminal, { name: "operators", kinds: operatorKinds }, type, options);
}

/** The catalogue of formats, or everything about one. */
export function formats(terminal: Terminal, type: string | undefined, options: CommonOptions): Promise<ExitCode> {
  return catalogue(terminal, { name: "formats", kinds: ["format"] }, type, options);
}

async function catalogue(
  terminal: Terminal,
  { name, kinds }: { readonly name: "operators" | "formats"; readonly kinds: readonly OperatorKind[] },
  type: string | undefined,
  options: CommonOptions,
): Promise<ExitCode> {
  const all = await definitionsOf(await loadRegistry(), [...operatorKinds, "format"]);
  const ofKinds = all.filter(({ kind }) => kinds.includes(kind));
  if (type === undefined) {
    const lines = ofKinds.map(catalogueLine);
    if (options.json === true) terminal.printJson({ [name]: lines });
    else terminal.print(catalogueTable(lines, terminal.paintOut));
    return ExitCode.done;
  }
  const entries = ofKinds.filter((definition) => definition.type === type).map(catalogueEntry);
  if (entries.length === 0) {
    const other = all.find((definition) => definition.type === type)?.kind;
    throw unknownType(
      type,
      ofKinds.map((definition) => definition.type),
      other,
    );
  }
  if (options.json === true) terminal.printJson({ [name]: entries });
  else terminal.print(entries.map((entry) => catalogueText(entry, terminal.paintOut)).join("\n\n\n"));
  return ExitCode.done;
}

function unknownType(type: string, types: readonly string[], other: OperatorKind | undefined): OperatorError {
  const near = nearest(type, types);
  const list = `there are ${[...new Set(types)].join(", ")}`;
  const advice = near === undefined ? list : `did you mean "${near}"?`;
  const message =
    other === undefined
      ? `There is no "${type}"; ${advice}`
      : `"${type}" is a ${other}: see sferic ${other === "format" ? "formats" : "operators"} ${type}`;
  return new OperatorError({ code: "usage", message });
}
