import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { flashesSpec, specFile } from "./testing/specs.ts";

const bin = fileURLToPath(new URL("../bin/sferic.js", import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(
  args: string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...environment } });
  const outcome = Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]).then(
    ([[code], out, err]) => ({ code: code as number | null, out, err }),
  );
  return { child, outcome };
}

test("a spec on standard input; the exit code reaches the shell", async () => {
  const { child, outcome } = start(["check", "-", "--json"]);
  child.stdin!.end(JSON.stringify({ ...flashesSpec, shedule: {} }));
  const { code, out, err } = await outcome;
  expect([code, err]).toEqual([2, ""]);
  expect(JSON.parse(out)).toMatchObject({ issues: [{ code: "unknown-field", hint: "schedule" }] });
});

test("a reader that goes away ends the output without a word", async () => {
  const { child, outcome } = start(["schema"]);
  child.stdout!.destroy();
  const { code, err } = await outcome.catch(async () => ({ code: (await once(child, "exit"))[0], err: "" }));
  expect([code, err]).toEqual([0, ""]);
});

test("SIGTERM finishes the epoch and commits; a second run on the checkpoint is told who holds it", async () => {
  const path = await specFile(flashesSpec);
  const { child, outcome } = start(["run", path, "--json", "--trigger", "100ms"]);
  await vi.waitFor(() => access(join(path, "../check/commits/0000000000.json")), 10_000);
  const locked = await start(["run", path]).outcome;
  expect(locked).toMatchObject({ code: 4, out: "", err: expect.stringContaining(`process ${child.pid}`) });
  child.kill("SIGTERM");
  const { code, out, err } = await outcome;
  expect([code, err]).toEqual([0, expect.stringContaining("Stopping after the epoch in work")]);
  expect(JSON.parse(out)).toMatchObject({ state: "stopped" });
});

test("colours stay out of pipes, even for a terminal by name", async () => {
  const { outcome } = start(["operators"], { TERM: "xterm-256color", FORCE_COLOR: "1" });
  const { code, out } = await outcome;
  expect(code).toBe(0);
  expect(out).not.toContain("\u001B");
});
