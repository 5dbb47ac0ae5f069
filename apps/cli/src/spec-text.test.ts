import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeAll, expect, test } from "vitest";
import { readSpec } from "./spec-text.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-cli-"));
});

async function file(bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, "spec.json");
  await writeFile(path, bytes);
  return path;
}

test("a file's text comes with its name, marks and line ends as they are", async () => {
  const path = await file("\uFEFF{\r\n}");
  await expect(readSpec(path)).resolves.toEqual({ text: "\uFEFF{\r\n}", file: path });
});

test("- is standard input, whose characters may be cut anywhere", async () => {
  const bytes = Buffer.from('{"name": "ä"}');
  const input = Readable.from([bytes.subarray(0, 11), bytes.subarray(11)]);
  await expect(readSpec("-", input)).resolves.toEqual({ text: '{"name": "ä"}', file: undefined });
});

test.each([
  ["an empty file", "", "spec-empty", "is empty"],
  ["only spaces", " \n\t", "spec-empty", "is empty"],
  ["UTF-16", Buffer.from("\uFEFF{}", "utf16le"), "spec-not-text", "is UTF-16"],
  ["other bytes", Uint8Array.of(0x7b, 0xc3, 0x28), "spec-not-text", "is no UTF-8 text"],
])("%s", async (_, bytes, code, message) => {
  await expect(readSpec(await file(bytes))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test("a path that leads nowhere, and a folder", async () => {
  await expect(readSpec(join(folder, "none.json"))).rejects.toMatchObject({ code: "spec-not-found" });
  await expect(readSpec(join(await file("{}"), "below.json"))).rejects.toMatchObject({ code: "spec-not-found" });
  await expect(readSpec(folder)).rejects.toMatchObject({ code: "spec-not-readable" });
});
