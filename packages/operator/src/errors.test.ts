import { readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { asOperatorError, OperatorError } from "./errors.ts";
import { scratchFolder } from "./testing/scratch.ts";

const failureOf = (pending: Promise<unknown>): Promise<unknown> =>
  pending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe("what the file system says", () => {
  it.each([
    ["a missing file", (folder: string) => readFile(`${folder}/none`), "not-found"],
    ["a folder that is a file", (folder: string) => readdir(`${folder}/file`), "not-a-folder"],
    ["a path through a file", (folder: string) => writeFile(`${folder}/file/a`, ""), "not-a-folder"],
    ["a file that is a folder", (folder: string) => writeFile(folder, ""), "not-a-file"],
    [
      "a file that may not be there",
      (folder: string) => writeFile(`${folder}/file`, "", { flag: "wx" }),
      "already-exists",
    ],
  ])("%s has a code of its own and names the path", async (_, fail, code) => {
    const folder = await scratchFolder();
    await writeFile(`${folder}/file`, "");
    const thrown = await failureOf(fail(folder));
    const error = asOperatorError(thrown, "save");
    expect(error.toJSON()).toMatchObject({ code, domain: "external", retry: "never", operatorId: "save" });
    expect(error.message).toContain(folder);
    expect(error.cause).toBe(thrown);
  });

  it("a full disk may have room later", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    expect(asOperatorError(full)).toMatchObject({ code: "disk-full", retry: "backoff" });
  });

  it("an unusual code is an internal error with the message of the system", () => {
    const busy = Object.assign(new Error("EBUSY: resource busy or locked, rmdir '/mnt'"), { code: "EBUSY" });
    expect(asOperatorError(busy)).toMatchObject({ code: "internal-error", domain: "internal", message: busy.message });
  });
});

it("an error of an operator stays what it is, and keeps the operator that it names", () => {
  const own = new OperatorError({ code: "database-locked", message: "locked", operatorId: "first" });
  expect(asOperatorError(own, "second")).toBe(own);
  expect(own.operatorId).toBe("first");
});

it("an abort and a thrown text are errors too", () => {
  expect(asOperatorError(new DOMException("stop", "AbortError"))).toMatchObject({ code: "aborted" });
  expect(asOperatorError("broken")).toMatchObject({ code: "internal-error", message: "broken" });
});
