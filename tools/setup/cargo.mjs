/** Runs cargo in native/ on the shared target folder: `node tools/setup/cargo.mjs test --release -p kernel-cluster`. */
import { join } from "node:path";
import { claimTargetDirectory } from "./native.mjs";
import { handOver } from "./phases.mjs";
import { root } from "./places.mjs";

process.chdir(join(root, "native"));
process.exitCode = await handOver("cargo", process.argv.slice(2), { CARGO_TARGET_DIR: claimTargetDirectory() });
