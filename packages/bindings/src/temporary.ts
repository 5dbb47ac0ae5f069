import { tmpdir } from "node:os";
import type { TempDirectory } from "@sferic/operator";
import * as native from "./native.ts";

/**
 * Path below which the databases of a run spill, each in a private folder: of mode 0700, under a name that cannot be guessed.
 * The folder goes when the run or the process ends; that of a process that was killed goes when the next one is made there.
 * Without `directory` it is `SFERIC_TEMP_DIR`, else the system's folder for temporary files.
 */
export function spillParent(directory: TempDirectory | undefined): string {
  if (directory === undefined) return process.env["SFERIC_TEMP_DIR"] || tmpdir();
  const { path } = directory;
  directory.onClose("queries", () => native.closeQueries(path));
  return path;
}
