/**
 * `npm test`, which CI runs too: every check of the repository, one after another, all of them even when one
 * fails. Ends with what failed, a table and the line `N passed, N failed`, where a failed check without tests of its own counts as
 * one failure. Exit code 1 on any failure.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { countCargo, countVitest, keepCounts, summaryLine } from "./counts.mjs";
import { fail } from "./fail.mjs";
import { installPackages } from "./install.mjs";
import { buildNative, claimTargetDirectory } from "./native.mjs";
import { failuresIn } from "./output.mjs";
import { cargoProgress, run } from "./phases.mjs";
import { notes, root } from "./places.mjs";
import { requireCompilers, requireNode } from "./prerequisites.mjs";

const results = [];

/** Runs one check and keeps its result; `count` reads numbers of tests from what it printed. */
async function check(name, action, count = () => ({ passed: 0, failed: 0, skipped: 0 })) {
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  try {
    const output = await action();
    results.push({ name, ok: true, seconds: seconds(), ...count(output ?? "") });
    return true;
  } catch (error) {
    const { output = "" } = error;
    const counted = count(output);
    const told = error.output === undefined ? error.stack : `${failuresIn(output)}\n${error.message}`;
    results.push({ name, ok: false, seconds: seconds(), ...counted, failed: Math.max(1, counted.failed), told });
    if (output !== "") keepOutput(name, output);
    return false;
  }
}

/** All that a failed check printed; at the end only its failures are told. */
function keepOutput(name, output) {
  mkdirSync(notes, { recursive: true });
  const path = join(notes, `${name.replaceAll(" ", "-").toLowerCase()}.log`);
  writeFileSync(path, output);
  console.error(`${name}: all output is in ${path}`);
}

const vitestReport = join(notes, "vitest.json");

function countReport() {
  return countVitest(existsSync(vitestReport) ? JSON.parse(readFileSync(vitestReport, "utf8")) : undefined);
}

/** The generated loader and types are committed; in CI they must be what the build makes. */
function requireCommittedBindings() {
  if (process.env.CI === undefined || !existsSync(join(root, ".git"))) return;
  const changed = execFileSync("git", ["status", "--porcelain", "native/index.js", "native/index.d.ts"], { cwd: root });
  if (changed.length > 0) throw new Error(`Not as committed; build the native core and commit:\n${changed.toString()}`);
}

async function checkRust() {
  const cargo = (args) =>
    run(`cargo ${args[0]}`, "cargo", args, {
      cwd: join(root, "native"),
      env: { CARGO_TARGET_DIR: claimTargetDirectory(), CARGO_TERM_COLOR: "never" },
      shorten: cargoProgress,
    });
  await check("Rust format", () => cargo(["fmt", "--all", "--check", "--", "--color=never"]));
  await check("Rust lint", () =>
    cargo(["clippy", "--release", "--locked", "--keep-going", "--workspace", "--all-targets", "--", "-D", "warnings"]),
  );
  await check(
    "Rust tests",
    () => cargo(["test", "--release", "--locked", "--workspace", "--no-fail-fast"]),
    countCargo,
  );
}

async function checkAll() {
  const node = requireNode();
  const native = await check("native core", async () => {
    await buildNative();
    requireCommittedBindings();
  });
  await check("types", () => run("types", "tsc", ["-b"]));
  await check("format", () => run("format", "oxfmt", ["--check", "."]));
  await check("lint", () => run("lint", "oxlint", ["--deny-warnings"]));
  await checkRust();
  if (!native) return;
  mkdirSync(notes, { recursive: true });
  rmSync(vitestReport, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`];
  await check("TypeScript tests", () => run("TypeScript tests", "vitest", ["run", ...reporters]), countReport);
  await check("generated docs", () =>
    run("generated docs", node, ["--conditions=@sferic/source", "tools/docs/operators.ts", "--check"]),
  );
  await check("packed packages", () => run("packed packages", node, ["tools/pack-check/main.ts"]));
}

function report() {
  const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
  for (const { name, told } of results) if (told !== undefined) console.log(`\n${name}\n\n${told}`);
  console.log("");
  for (const { name, ok, seconds, passed, failed } of results) {
    const tests = passed + failed > 1 ? `${passed} passed, ${failed} failed` : "";
    console.log(
      `${ok ? "ok    " : "FAILED"}  ${name.padEnd(18)} ${seconds.toFixed(1).padStart(7)} s  ${tests}`.trimEnd(),
    );
  }
  console.log(`        ${"in all".padEnd(18)} ${sum("seconds").toFixed(1).padStart(7)} s\n`);
  const counts = { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
  keepCounts("test", counts);
  console.log(summaryLine(counts));
  process.exitCode = sum("failed") > 0 ? 1 : 0;
}

try {
  requireCompilers();
  await installPackages();
  await checkAll();
} catch (error) {
  fail(error);
}
report();
