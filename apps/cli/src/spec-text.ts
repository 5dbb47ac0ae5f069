import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { OperatorError } from "@sferic/operator";

/** A spec as read. */
export interface SpecText {
  readonly text: string;
  /** Its path as given; undefined for standard input. */
  readonly file: string | undefined;
}

/**
 * Reads a spec from a file, or from standard input for `-`. Rejects with `spec-not-found`, `spec-not-readable`,
 * `spec-not-text` or `spec-empty`.
 */
export async function readSpec(path: string, input: NodeJS.ReadableStream = process.stdin): Promise<SpecText> {
  const file = path === "-" ? undefined : path;
  const name = file ?? "Standard input";
  const bytes = file === undefined ? await buffer(input) : await bytesOf(file);
  const text = decoded(bytes, name);
  if (text.trim() !== "") return { text, file };
  throw new OperatorError({ code: "spec-empty", message: `${name} is empty; a spec is one JSON object, { … }.` });
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const reasons: Record<string, [code: string, message: string]> = {
      ENOENT: [
        "spec-not-found",
        `There is no file ${path}. Give the path of a spec, or - to read it from standard input.`,
      ],
      ENOTDIR: ["spec-not-found", `${path} leads through a file that is not a folder.`],
      EISDIR: ["spec-not-readable", `${path} is a folder; give the path of a spec in it.`],
      EACCES: ["spec-not-readable", `${path} may not be read by this user; check its permissions.`],
    };
    const [reason, advice] = reasons[code ?? ""] ?? ["spec-not-readable", `${path} cannot be read: ${message}`];
    throw new OperatorError({ code: reason, message: advice, domain: "user" }, { cause: thrown });
  }
}

function decoded(bytes: Buffer, name: string): string {
  try {
    // The mark stays, so that places in the text and a rewritten file are those of the original.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const found = utf16 ? "UTF-16" : "no UTF-8 text";
    const message = `${name} is ${found}; a spec is JSON in UTF-8. Save it again in that encoding.`;
    throw new OperatorError({ code: "spec-not-text", message }, { cause });
  }
}
