import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { flashesSpec, granules, specFile } from "./testing/specs.ts";

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
  onTestFinished(() => void child.kill("SIGKILL"));
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

test("output into a full disk is told in a line", async () => {
  for (const args of ["operators", "schema --json"]) {
    const command = `exec "$0" "$1" ${args} > /dev/full`;
    const { code, stderr } = await shell(command);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error\[output-failed\].*ENOSPC.*\n$/)]);
  }
});

test("a working folder that was removed is told in a line", async () => {
  const { code, stderr } = await shell('d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0" "$1" operators');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^error\[not-found\]: The working folder.*\n$/)]);
});

test("standard streams that are closed change nothing", async () => {
  const path = await specFile(flashesSpec);
  expect((await shell('exec "$0" "$1" run "$2" >&- 2>&- <&-', path)).code).toBe(0);
  await access(join(path, "../check/commits/0000000006.json"));
});

/** Runs a line of the shell in which `"$0" "$1"` is the command. */
async function shell(line: string, ...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn("sh", ["-c", line, process.execPath, bin, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const [[code], stderr] = await Promise.all([once(child, "exit"), text(child.stderr)]);
  return { code: code as number | null, stderr };
}

test("SIGINT at any moment of a run ends it with 130, and the next one goes on", async () => {
  const path = await specFile({
    ...flashesSpec,
    sources: { flashes: { ...flashesSpec.sources.flashes, url: "./many/" } },
  });
  const many = join(path, "../many");
  await mkdir(many);
  const granule = (await readdir(granules)).find((name) => name.endsWith(".nc"));
  for (let copy = 100; copy < 220; copy++) await copyFile(join(granules, granule!), join(many, `${copy}.nc`));
  for (const moment of ["LOCK", "offsets/0000000000.json", "commits/0000000020.json"]) {
    const { child, outcome } = start(["run", path, "--json"]);
    await vi.waitFor(() => access(join(path, "../check", moment)), { timeout: 60_000, interval: 1 });
    child.kill("SIGINT");
    const { code, out } = await outcome;
    expect([code, JSON.parse(out)], moment).toEqual([130, expect.objectContaining({ state: "stopped" })]);
  }
  const { code, out } = await start(["run", path, "--json"]).outcome;
  expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ state: "succeeded" })]);
  expect((await readdir(join(path, "../out"))).filter((name) => name.startsWith("part-"))).toHaveLength(120);
});

test("SIGTERM finishes the epoch and commits; a second run on the checkpoint is told who holds it", async () => {
  const path = await specFile(flashesSpec);
  const { child, outcome } = start(["run", path, "--json", "--trigger", "100ms"]);
  await vi.waitFor(() => access(join(path, "../check/commits/0000000000.json")), 60_000);
  const locked = await start(["run", path]).outcome;
  expect(locked).toMatchObject({ code: 4, out: "", err: expect.stringContaining(`process ${child.pid}`) });
  child.kill("SIGTERM");
  const { code, out, err } = await outcome;
  expect([code, err]).toEqual([0, expect.stringContaining("Stopping after the epoch in work")]);
  expect(JSON.parse(out)).toMatchObject({ state: "stopped" });
});

test("a second SIGTERM gives the epoch in work up, and nothing of it is visible", async () => {
  const endless = {
    name: "endless",
    sources: { numbers: { type: "generate", rows: 2_000_000_000, columns: { n: "index" } } },
    sinks: { out: { type: "files", from: "numbers", url: "./out/", format: { type: "csv" } } },
    run: { trigger: "once", checkpoint: "./check" },
  };
  const path = await specFile(endless);
  const { child, outcome } = start(["run", path, "--json"]);
  await vi.waitFor(() => access(join(path, "../check/offsets/0000000000.json")), { timeout: 60_000, interval: 1 });
  child.kill("SIGTERM");
  await setTimeout(1000);
  expect(child.exitCode).toBeNull();
  const aborted = performance.now();
  child.kill("SIGTERM");
  const { code, out, err } = await outcome;
  expect(performance.now() - aborted).toBeLessThan(5000);
  expect([code, err]).toEqual([130, expect.stringContaining("Stopping after the epoch in work")]);
  expect(JSON.parse(out)).toMatchObject({ state: "failed", epochs: 0, error: { code: "aborted" } });
  const published = (await readdir(join(path, "../out"))).filter((name) => name.startsWith("part-"));
  expect(published).toEqual([]);
});

test(
  "a second run on a checkpoint ends with 4 within a second of its start, a dead one's lock is taken over",
  { retry: 2 },
  async () => {
    const path = await specFile(flashesSpec);
    const { child, outcome } = start(["run", path, "--json", "--trigger", "100ms"]);
    await vi.waitFor(() => access(join(path, "../check/commits/0000000000.json")), 60_000);
    const startUp = await secondsOf(["operators"]);
    const second = await secondsOf(["run", path]);
    expect(second.code).toBe(4);
    expect(second.seconds - startUp.seconds).toBeLessThan(1);
    child.kill("SIGKILL");
    await outcome;
    expect(await start(["run", path, "--json"]).outcome).toMatchObject({ code: 0 });
  },
);

async function secondsOf(args: string[]): Promise<{ code: number | null; seconds: number }> {
  const started = performance.now();
  const { code } = await start(args).outcome;
  return { code, seconds: (performance.now() - started) / 1000 };
}

test("colours stay out of pipes, even for a terminal by name", async () => {
  const { outcome } = start(["operators"], { TERM: "xterm-256color", FORCE_COLOR: "1" });
  const { code, out } = await outcome;
  expect(code).toBe(0);
  expect(out).not.toContain("\u001B");
});
