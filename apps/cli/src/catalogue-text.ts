import type { CatalogueEntry, CatalogueLine, JsonSchema } from "./catalogue.ts";
import type { Paint } from "./terminal.ts";
import { indented, textTable } from "./text.ts";

/** The list of operators or formats. */
export function catalogueTable(lines: readonly CatalogueLine[], paint: Paint): string {
  const rows = lines.map(({ kind, type, status, summary }) => [
    type,
    kind,
    status === "stable" ? summary : `${summary} (${status})`,
  ]);
  return textTable([{ title: "type" }, { title: "kind" }, { title: "does" }], rows, (line) => paint("dim", line));
}

/** Everything about one operator or format. */
export function catalogueText(entry: CatalogueEntry, paint: Paint): string {
  const { type, kind, since, status, summary, inputs, ports, delivery, errors, examples, needs } = entry;
  const section = (title: string, text: string): string => `${paint("bold", title)}\n${indented(text)}`;
  const sections = [
    `${paint("bold", type)}  ${kind}, ${status}, since ${since}\n${summary}`,
    section("Fields", fieldsText(entry.fields, paint)),
  ];
  if (inputs === "any") sections.push(section("Inputs", "any number, as a list or by name"));
  else if (inputs !== undefined) sections.push(section("Inputs", meanings(inputs)));
  if (ports !== undefined) sections.push(section("Ports beside main", meanings(ports)));
  if (needs === "epoch") sections.push("Sees all rows of an epoch before it answers.");
  if (delivery !== undefined) sections.push(section("Delivery", `${delivery.guarantee}: ${delivery.why}`));
  if (errors.length > 0) sections.push(section("Errors of its own", errors.join("\n")));
  for (const { title, config } of examples) {
    const json = JSON.stringify(
      { type, ...(kind === "transform" || kind === "sink" ? { from: "…" } : {}), ...config },
      null,
      2,
    );
    sections.push(section(`Example: ${title}`, json));
  }
  return sections.join("\n\n");
}

function meanings(names: Readonly<Record<string, string>>): string {
  return textTable([{ title: "name" }, { title: "meaning" }], Object.entries(names));
}

function fieldsText(schema: JsonSchema, paint: Paint): string {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return "none";
  const rows = fields.map(([name, field]) => [
    name,
    typeText(field),
    schema.required?.includes(name) === true ? "required" : defaultText(field),
    field.description ?? "",
  ]);
  const columns = [{ title: "field" }, { title: "type" }, { title: "default" }, { title: "meaning" }];
  return textTable(columns, rows, (line) => paint("dim", line));
}

function defaultText(field: JsonSchema): string {
  return field.default === undefined ? "" : JSON.stringify(field.default);
}

function typeText(field: JsonSchema): string {
  if (field.operatorKind !== undefined) return field.operatorKind;
  if (field.enum !== undefined) return field.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (field.const !== undefined) return JSON.stringify(field.const);
  if (field.anyOf !== undefined) return field.anyOf.map(typeText).join(" | ");
  if (field.type === "array") return `list of ${typeText(field.items ?? {})}`;
  if (field.type === "object" && field.properties !== undefined)
    return `{ ${Object.keys(field.properties).join(", ")} }`;
  return field.type ?? "any";
}
