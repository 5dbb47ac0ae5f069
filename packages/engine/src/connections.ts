import { readFile } from "node:fs/promises";
import { asOperatorError, type Connection, OperatorError } from "@sferic/operator";
import { resolvePath } from "./paths.ts";
import { type Plan, type PlannedOperator, secretsOf } from "./plan.ts";

/**
 * The connection that an operator declares, with its secrets read, which are then kept out of texts; undefined when it declares none. Throws
 * `missing-secret` for a secret that is not where the spec says.
 */
export async function connectionOf(plan: Plan, { node, definition }: PlannedOperator): Promise<Connection | undefined> {
  const declared = "connection" in definition ? definition.connection : undefined;
  const name = node.connection;
  const written = name === undefined ? undefined : plan.spec.connections[name];
  if (declared === undefined || name === undefined || written === undefined) return undefined;
  const { type: _, ...own } = written;
  return { name, config: await withSecrets(declared.config.parse(own), name, plan) };
}

async function withSecrets(value: unknown, connection: string, plan: Plan): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => withSecrets(item, connection, plan)));
  if (typeof value !== "object" || value === null) return value;
  const [[key, place] = [], ...others] = Object.entries(value);
  const isReference = others.length === 0 && (key === "env" || key === "file") && typeof place === "string";
  if (isReference) {
    const secret = await (key === "env" ? fromEnvironment : fromFile)(place, connection, plan);
    secretsOf(plan).add(secret);
    return secret;
  }
  const fields = Object.entries(value).map(
    async ([name, inner]) => [name, await withSecrets(inner, connection, plan)] as const,
  );
  return Object.fromEntries(await Promise.all(fields));
}

function fromEnvironment(variable: string, connection: string, { environment }: Plan): string {
  const value = environment[variable];
  if (value !== undefined && value !== "") return value;
  const message = `The connection "${connection}" needs the environment variable ${variable}, which is not set.`;
  throw new OperatorError({ code: "missing-secret", message });
}

/** A line break at the end belongs to the editor that made the file. */
async function fromFile(path: string, connection: string, { baseDirectory }: Plan): Promise<string> {
  const file = resolvePath(baseDirectory, path);
  try {
    return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    const message = `The connection "${connection}" needs the file ${file}, which cannot be read: ${asOperatorError(cause).message}`;
    throw new OperatorError({ code: "missing-secret", message }, { cause });
  }
}
