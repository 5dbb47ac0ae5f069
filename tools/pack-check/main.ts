/**
 * Packs every package as npm would publish it, installs the tarballs into projects outside this workspace, and runs the
 * two programs of programs/ there: one operator on an apache-arrow Table, and a spec with an operator of its own. What
 * works here works for a stranger. Needs a finished `npm run build`. Ends with exit code 1 when a program fails.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const granule = "OR_GLM-L2-LCFA_G16_s20181830433000_e20181830433200_c20181830433231.nc";
const outside = ["apache-arrow", "zod", "typescript", "@types/node"];

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), "sferic-pack-"));
try {
  const tarballs = packAll(join(folder, "tarballs"));
  console.log(`${tarballs.length} packages packed`);
  for (const program of readdirSync(join(import.meta.dirname, "programs"))) {
    runProgram(program, join(folder, basename(program, ".ts")), tarballs);
    console.log(`${program} ran`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packAll(into: string): string[] {
  mkdirSync(into, { recursive: true });
  const folders = globSync(["packages/*/package.json", "native/package.json"], { cwd: root })
    .filter((file) => (JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest).private !== true)
    .map((file) => `./${file.slice(0, -"/package.json".length)}`);
  npm(["pack", "--pack-destination", into, "--silent", ...folders], root);
  return readdirSync(into).map((file) => join(into, file));
}

/** A project with the program, its imports, and nothing of this repository but the tarballs and one granule. */
function runProgram(program: string, project: string, tarballs: readonly string[]): void {
  mkdirSync(join(project, "data"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  copyFileSync(join(import.meta.dirname, "programs", program), join(project, program));
  copyFileSync(join(root, "apps/cases/data/glm", granule), join(project, "data", granule));
  const versions = outside.map((name) => `${name}@${versionOf(name)}`);
  npm(
    ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs, ...versions],
    project,
  );
  const options = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2024",
    "--types",
    "node",
    "--skipLibCheck",
  ];
  run(process.execPath, ["node_modules/typescript/bin/tsc", ...options, program], project);
  run(process.execPath, [program], project);
}

/** The version that this workspace uses. */
function versionOf(name: string): string {
  const manifest = readFileSync(join(root, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function npm(args: readonly string[], cwd: string): void {
  run("npm", args, cwd);
}

function run(command: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.slice(0, 3).join(" ")} failed in ${cwd}\n${stdout ?? ""}${stderr ?? ""}`, {
      cause: error,
    });
  }
}
