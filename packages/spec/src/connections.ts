import type { ConnectionDeclaration } from "@sferic/operator";
import { isSecretName } from "@sferic/operator/secrets";
import { checkValue, type Found } from "./check-value.ts";
import type { Problem } from "./document.ts";
import { fieldSchema, secretPaths } from "./field-schema.ts";
import type { Draft } from "./operators.ts";
import { isObject, type Path, toPointer } from "./pointer.ts";
import { isSecretReference } from "./secret.ts";
import { hinted, listed, suggest } from "./suggest.ts";
import { misspeltType, typeKeyOf } from "./type-key.ts";

/** Operators that name a connection which the spec does not have. */
export function connectionProblems(connections: unknown, drafts: readonly Draft[]): Problem[] {
  const names = isObject(connections) ? Object.keys(connections) : [];
  return drafts.flatMap((draft) => {
    const name = draft.fields["connection"];
    if (draft.kind === "transform" || typeof name !== "string" || names.includes(name)) return [];
    const message = `there is no connection "${name}"; the spec has ${listed(names) || "none"}`;
    return [{ code: "unknown-connection", message, pointer: `${draft.pointer}/connection`, ...hinted(name, names) }];
  });
}

/**
 * What is wrong with the connections for the operators that need one: `missing-connection`, `wrong-connection`, and mistakes
 * in their types and fields, each once however many operators name the connection.
 */
export async function declaredConnectionProblems(
  filled: unknown,
  written: unknown,
  drafts: readonly Draft[],
): Promise<Found[]> {
  const connections = isObject(filled) ? filled : {};
  const checked = new Set<string>();
  const problems = drafts.map(async (draft) => {
    const { definition } = draft;
    const declared = definition !== undefined && "connection" in definition ? definition.connection : undefined;
    if (declared === undefined) return [];
    const name = draft.fields["connection"];
    const fitting = Object.keys(connections).filter((other) => typeOf(connections[other]) === declared.type);
    if (name === undefined) return [missingConnection(draft, declared, fitting)];
    const connection = typeof name === "string" ? connections[name] : undefined;
    if (typeof name !== "string" || !isObject(connection)) return [];
    if (!isMeantAs(connection, declared)) return [wrongConnection(draft, declared, name, connection, fitting)];
    if (checked.has(name)) return [];
    checked.add(name);
    return await ownProblems(name, connection, isObject(written) ? written[name] : undefined, declared);
  });
  return (await Promise.all(problems)).flat();
}

function missingConnection(
  { kind, type, pointer }: Draft,
  declared: ConnectionDeclaration,
  fitting: readonly string[],
): Problem {
  const advice = fitting.length > 0 ? `name ${listed(fitting)}` : `add one to "connections" and name it`;
  const message = `the ${kind} "${type}" needs a "connection" of the type "${declared.type}"; ${advice}`;
  return { code: "missing-connection", message, pointer };
}

function wrongConnection(
  { kind, type, pointer }: Draft,
  declared: ConnectionDeclaration,
  name: string,
  connection: Record<string, unknown>,
  fitting: readonly string[],
): Problem {
  const message = `"${name}" is a connection of the type "${String(typeOf(connection))}", and the ${kind} "${type}" needs one of the type "${declared.type}"`;
  return { code: "wrong-connection", message, pointer: `${pointer}/connection`, ...hinted(name, fitting) };
}

/** Whether a connection is of a type, or of none but has one that is nearly it, or a field that is nearly `type`. */
function isMeantAs(connection: Record<string, unknown>, { type }: ConnectionDeclaration): boolean {
  const found = typeOf(connection);
  if (typeof found !== "string") return typeKeyOf(connection, []) !== "type";
  return found === type || suggest(found, [type]) !== undefined;
}

async function ownProblems(
  name: string,
  connection: Record<string, unknown>,
  written: unknown,
  { type, config }: ConnectionDeclaration,
): Promise<Found[]> {
  const pointer = toPointer(["connections", name]);
  const owner = `the connection "${name}"`;
  const key = typeKeyOf(connection, []);
  const { [key]: found, ...own } = connection;
  const fields = await checkValue(config, own, { pointer, owner, written, alsoFields: ["type"] });
  if (key !== "type") return [misspeltType(key, owner, pointer), ...fields];
  if (found === type) return fields;
  const message = `there is no type "${String(found)}" of connections`;
  return [{ code: "unknown-connection-type", message, pointer: `${pointer}/type`, hint: type }, ...fields];
}

function typeOf(connection: unknown): unknown {
  return isObject(connection) ? connection["type"] : undefined;
}

/** Environment variables that connections name as the places of their secrets. */
export function secretVariables(connections: unknown): string[] {
  if (typeof connections !== "object" || connections === null) return [];
  if (!isSecretReference(connections)) return Object.values(connections).flatMap(secretVariables);
  const { env } = connections as { readonly env?: string };
  return env === undefined ? [] : [env];
}

/** Pointers of the values that the schemas of operators and of their connections say hold secrets. */
export function declaredSecrets(value: Readonly<Record<string, unknown>>, drafts: readonly Draft[]): string[] {
  const connections = isObject(value["connections"]) ? value["connections"] : {};
  return drafts.flatMap(({ definition, fields, pointer }) => {
    if (definition === undefined) return [];
    const own = secretPaths(fieldSchema(definition.config), fields).map((path) => pointer + toPointer(path));
    const name = fields["connection"];
    if (!("connection" in definition) || definition.connection === undefined || typeof name !== "string") return own;
    const schema = fieldSchema(definition.connection.config);
    return [...own, ...secretPaths(schema, connections[name]).map((path) => toPointer(["connections", name, ...path]))];
  });
}

/** Fields of connections as written that hold a secret, or are filled with one, instead of naming where it is. */
export function secretProblems(written: unknown): Problem[] {
  return secretsBelow(written, ["connections"]);
}

function secretsBelow(value: unknown, path: Path): Problem[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const below = [...path, key];
    if (!isObject(value) || !isSecretName(key) || typeof child === "boolean" || child === null) {
      return secretsBelow(child, below);
    }
    return isSecretReference(child) ? [] : [secretProblem(key, child, toPointer(below))];
  });
}

function secretProblem(key: string, value: unknown, pointer: string): Problem {
  const variable = typeof value === "string" ? /^\$\{env:([A-Za-z_]\w*)\}$/.exec(value)?.[1] : undefined;
  return {
    code: "secret-literal",
    message: `"${key}" is a secret and may not stand in a spec; name where it is: { "env": "NAME" } or { "file": "path" }`,
    pointer,
    ...(variable === undefined ? {} : { replace: JSON.stringify({ env: variable }) }),
  };
}
