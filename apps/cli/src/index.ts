/** The `sferic` command. Start with program.ts, then commands/run.ts. */
export { ExitCode, exitCodeOf } from "./exit-code.ts";
export { main, runAsProcess } from "./main.ts";
export { type OutputStream, Terminal } from "./terminal.ts";
