/** Puts the files of a Delta table together and is killed after so many milliseconds, unless it was faster. */
import { randomUUID } from "node:crypto";
import { compactDelta } from "@sferic/bindings/delta-keep";

const [table = "", killAfterMs = ""] = process.argv.slice(2);
setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(killAfterMs)).unref();
await compactDelta({ table, targetBytes: 1 << 27, tailOnly: false, compression: "snappy", name: randomUUID() });
