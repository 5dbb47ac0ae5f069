import { randomUUID } from "node:crypto";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, freemem, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { loadRegistry } from "../planning.ts";
import type { Terminal } from "../terminal.ts";
import { bytesText, textTable } from "../text.ts";
import { version } from "../version.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly status: "ok" | "warning" | "failed";
  readonly value: string;
}

const nodeMajorMin = 24;
const diskBytesMin = 1e9;
const memoryBytesMin = 1e9;
/** No clock that is right shows an earlier time. */
const clockMin = Date.UTC(2026, 0, 1);
/** Instruction sets that the kernels or their libraries can use. */
const cpuFeatures = ["sse4_2", "avx2", "avx512f", "fma", "asimd", "sve"];

/** What this machine has of all that Sferic needs. Values of environment variables are never shown. */
export async function doctor(terminal: Terminal, options: CommonOptions): Promise<ExitCode> {
  const findings = [
    ...programFindings(),
    ...(await coreFindings()),
    await processorFinding(),
    memoryFinding(),
    await folderFinding("working folder", process.cwd()),
    await folderFinding("temporary folder", tmpdir()),
    clockFinding(),
  ];
  const healthy = findings.every(({ status }) => status !== "failed");
  if (options.json === true) terminal.printJson({ ok: healthy, findings });
  else terminal.print(findingsText(findings, terminal));
  return healthy ? ExitCode.done : ExitCode.runFailed;
}

function findingsText(findings: readonly Finding[], terminal: Terminal): string {
  const color = { ok: "green", warning: "yellow", failed: "red" } as const;
  const rows = findings.map(({ name, status, value }) => [status, name, value]);
  const [, ...lines] = textTable([{ title: "" }, { title: "" }, { title: "" }], rows).split("\n");
  return lines
    .map((line, index) => line.replace(/^\w+/, (status) => terminal.paintOut(color[findings[index]!.status], status)))
    .join("\n");
}

function programFindings(): Finding[] {
  const isNewEnough = Number.parseInt(process.versions.node, 10) >= nodeMajorMin;
  const advice = isNewEnough ? "" : `; Sferic needs ${nodeMajorMin} or newer`;
  return [
    { name: "sferic", status: "ok", value: version() },
    {
      name: "node",
      status: isNewEnough ? "ok" : "failed",
      value: `${process.versions.node}, ${process.platform} ${process.arch}${advice}`,
    },
  ];
}

async function coreFindings(): Promise<Finding[]> {
  return [
    await finding("native core", async () => {
      const registry = await loadRegistry();
      const count = (["source", "transform", "sink", "format"] as const).flatMap((kind) => registry.types(kind)).length;
      return `loads; ${count} operators and formats`;
    }),
    await finding("duckdb library", async () => (await import("@sferic/bindings/relational")).duckdbVersion()),
  ];
}

async function finding(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, status: "ok", value: await look() };
  } catch (thrown) {
    return { name, status: "failed", value: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

async function processorFinding(): Promise<Finding> {
  const model = cpus()[0]?.model.trim() || "unknown processor";
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(await readFile("/proc/cpuinfo", "utf8").catch(() => ""))?.[1];
  const present = cpuFeatures.filter((feature) => flags?.split(" ").includes(feature) === true);
  const features = flags === undefined ? "features unknown" : present.join(" ") || "no vector features";
  return { name: "processor", status: "ok", value: `${availableParallelism()} cores, ${model}, ${features}` };
}

function memoryFinding(): Finding {
  const available = Math.min(freemem(), process.availableMemory());
  const status = available < memoryBytesMin ? "warning" : "ok";
  return { name: "memory", status, value: `${bytesText(available)} free of ${bytesText(totalmem())}` };
}

async function folderFinding(name: string, path: string): Promise<Finding> {
  const probe = join(path, `.sferic-doctor-${randomUUID()}`);
  try {
    const { bavail, bsize } = await statfs(path);
    const free = bavail * bsize;
    await writeFile(probe, "");
    await rm(probe);
    return {
      name,
      status: free < diskBytesMin ? "warning" : "ok",
      value: `${path}, ${bytesText(free)} free, writable`,
    };
  } catch (thrown) {
    return { name, status: "failed", value: `${path} cannot be written: ${(thrown as Error).message}` };
  }
}

function clockFinding(): Finding {
  const now = new Date();
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const value = `${now.toISOString()}, time zone ${timeZone}`;
  if (now.getTime() >= clockMin) return { name: "clock", status: "ok", value };
  return {
    name: "clock",
    status: "failed",
    value: `${value}; the clock is wrong, and watermarks and epochs follow it`,
  };
}
