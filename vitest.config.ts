import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests run on the sources; only child processes (the sferic command) run on dist.
const conditions = ["@sferic/source", "module", "node", "development|production"];

const workspaces = globSync(["packages/*/package.json", "apps/*/package.json"], { cwd: import.meta.dirname });

// What tests leave in the folder for temporary files goes with them; some of them kill what they start.
const temporary = mkdtempSync(join(tmpdir(), "sferic-tests-"));
// For another user too, as whom some of them run.
chmodSync(temporary, 0o755);
process.env["TMPDIR"] = temporary;
process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));

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
    // Kernels use every core themselves.
    maxWorkers: 2,
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
