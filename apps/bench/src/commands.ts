import { spawn } from "node:child_process";

/** A command's wish for its surroundings. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end; everything it prints goes to stderr, as progress. Rejects when it fails. */
export async function runCommand(command: readonly string[], { cwd, env }: CommandOptions = {}): Promise<void> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ["ignore", 2, 2],
  });
  const code = await new Promise<number | string>((resolve) => {
    child.on("error", ({ message }) => resolve(message));
    child.on("close", (exit, signal) => resolve(exit ?? signal ?? "unknown"));
  });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}.`);
}
