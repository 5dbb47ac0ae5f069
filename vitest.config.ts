import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Tests run on the sources; only child processes (the sferic command) run on dist.
const conditions = ["@sferic/source", "module", "node", "development|production"];

const workspaces = globSync(["packages/*/package.json", "apps/*/package.json"], { cwd: import.meta.dirname });

// What tests leave in the folder for temporary files goes with them; some of them kill what they start.
const temporary = mkdtempSync(join(tmpdir(), "sferic-tests-"));
process.env["TMPDIR"] = join(temporary, "files");
mkdirSync(process.env["TMPDIR"]);
// For another user too, as whom some of them run.
for (const folder of [temporary, process.env["TMPDIR"]]) chmodSync(folder, 0o755);
// Hundreds of child processes load the same modules.
process.env["NODE_COMPILE_CACHE"] = join(temporary, "compiled");
process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));

/** Parts of the paths of the files that take longest. */
const longest = [
  "docs/guides",
  "commands/torture",
  "streams/spark",
  "kill/",
  "kafka.cluster",
  "demo-satellites/",
  "kafka",
  "machine/",
  "pipelines/pipelines",
  "checkpoints/",
  "near-names",
  "faulty-disk",
];

/** Begins the longest files first, so that no core waits for them at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((part) => moduleId.includes(part));
      return found < 0 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

function project(name: string, folder: string) {
  return {
    extends: true as const,
    test: { name, include: [`${folder}/**/*.test.ts`], exclude: ["**/dist", "**/node_modules"] },
  };
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    sequence: { sequencer: LongestFirst },
    // Kernels use every core themselves, and a third of the time goes by waiting for disks and other processes.
    maxWorkers: 3,
    // Long enough for the slowest on a machine that has other work.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      ...workspaces.toSorted().map((file) => {
        const { name } = JSON.parse(readFileSync(`${import.meta.dirname}/${file}`, "utf8")) as { name: string };
        return project(name, dirname(file));
      }),
      project("tools", "tools"),
    ],
  },
});
