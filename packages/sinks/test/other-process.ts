import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Another process that holds a DuckDB file open; disposing waits until it has let go. */
export async function holding(database: string): Promise<{ readonly pid: number } & AsyncDisposable> {
  const program = fileURLToPath(new URL("../../bindings/test/hold-database.ts", import.meta.url));
  const child = spawn(process.execPath, [program, database], { stdio: ["pipe", "pipe", "inherit"] });
  const said = once(child.stdout, "data");
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`The process that was to hold ${database} ended with ${String(code)}.`);
  });
  await Promise.race([said, ended]);
  return {
    pid: child.pid!,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended.catch(() => {});
    },
  };
}
