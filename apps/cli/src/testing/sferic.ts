import { main } from "../main.ts";
import { recordedTerminal } from "./recorded-terminal.ts";

/** Runs one command line in this process. */
export async function sferic(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { terminal, out, err } = recordedTerminal();
  const code = await main(args, terminal);
  return { code, out: out.text, err: err.text };
}
