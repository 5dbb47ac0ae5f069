#!/usr/bin/env node
// Starts the command on a Node that can run it: this one if it is new enough, else the one that npm installed here.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const majorMin = 24;
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const sources = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const isNewEnough = Number.parseInt(process.versions.node, 10) >= majorMin;
if (isNewEnough && existsSync(main)) {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  nodeModule.enableCompileCache?.(join(process.env.SFERIC_CACHE_DIR || join(caches, "sferic"), "compile-cache"));
  const { runAsProcess } = await import("../dist/main.js");
  await runAsProcess();
} else {
  startElsewhere();
}

function startElsewhere() {
  const node = isNewEnough ? process.execPath : installedNode();
  if (node === null) {
    return giveUp(`sferic needs Node ${majorMin} or newer, and this is ${process.version}. Run "npm install" first.`);
  }
  if (existsSync(main)) return start(node, [fileURLToPath(import.meta.url)]);
  if (existsSync(sources))
    return start(node, ["--conditions=@sferic/source", "--disable-warning=ExperimentalWarning", sources]);
  giveUp('sferic is not built: run "npm run build" in the checkout.');
}

function installedNode() {
  try {
    const name = `node-${process.platform}-${process.arch}`;
    const path = join(createRequire(import.meta.url).resolve(`${name}/package.json`), "../bin/node");
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

function start(node, args) {
  const child = spawn(node, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => giveUp(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}

function giveUp(message) {
  console.error(message);
  process.exitCode = 1;
}
