import { checkValue } from "./check-value.ts";
import type { Problem } from "./document.ts";
import type { Draft } from "./operators.ts";
import { isObject, type Path, toPointer } from "./pointer.ts";
import { isSecretName } from "./secret.ts";
import { hinted, listed } from "./suggest.ts";

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
 * in their fields, each once however many operators name the connection.
 */
export async function declaredConnectionProblems(
  filled: unknown,
  written: unknown,
  drafts: readonly Draft[],
): Promise<Problem[]> {
  const connections = isObject(filled) ? filled : {};
  const checked = new Set<string>();
  const problems = drafts.map(async ({ definition, fields, kind, type, pointer }) => {
    const declared = definition !== undefined && "connection" in definition ? definition.connection : undefined;
    if (declared === undefined) return [];
    const name = fields["connection"];
    const names = Object.keys(connections);
    const fitting = names.filter((other) => typeOf(connections[other]) === declared.type);
    if (name === undefined) {
      const advice = fitting.length > 0 ? `name ${listed(fitting)}` : `add one to "connections" and name it`;
      const message = `the ${kind} "${type}" needs a "connection" of the type "${declared.type}"; ${advice}`;
      return [{ code: "missing-connection", message, pointer }];
    }
    if (typeof name !== "string" || !isObject(connections[name])) return [];
    const { type: found, ...own } = connections[name];
    if (found !== declared.type) {
      const message = `"${name}" is a connection of the type "${String(found)}", and the ${kind} "${type}" needs one of the type "${declared.type}"`;
      return [{ code: "wrong-connection", message, pointer: `${pointer}/connection`, ...hinted(name, fitting) }];
    }
    if (checked.has(name)) return [];
    checked.add(name);
    const subject = {
      pointer: toPointer(["connections", name]),
      owner: `the connection "${name}"`,
      written: isObject(written) ? written[name] : undefined,
      alsoFields: ["type"],
    };
    return await checkValue(declared.config, own, subject);
  });
  return (await Promise.all(problems)).flat();
}

function typeOf(connection: unknown): unknown {
  return isObject(connection) ? connection["type"] : undefined;
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

function isSecretReference(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [only, ...others] = Object.entries(value);
  if (only === undefined || others.length > 0) return false;
  return (only[0] === "env" || only[0] === "file") && typeof only[1] === "string" && only[1] !== "";
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
