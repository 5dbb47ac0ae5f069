import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { kafkaJars, startBroker, stopBroker } from "./broker.ts";
import { runs } from "./process.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-test-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stopBroker(folder, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** A start takes seconds; this is for a machine that does much else. */
const timeout = 180_000;

function isListening(address: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1", () => settle(socket.destroy().destroyed));
    socket.on("error", () => settle(false));
  });
}

async function clusterIn(): Promise<string | undefined> {
  const text = await readFile(join(folder, "data/meta.properties"), "utf8");
  return /^cluster\.id=(.+)$/m.exec(text)?.[1];
}

test("a broker starts once, survives a kill as the same one, and stops", { timeout }, async () => {
  const first = await startBroker(folder);
  expect(await isListening(first.address)).toBe(true);
  expect(await startBroker(folder)).toEqual(first);
  const cluster = await clusterIn();

  await stopBroker(folder, "SIGKILL");
  expect(await runs(first.pid, folder)).toBe(false);
  expect(await isListening(first.address)).toBe(false);

  const second = await startBroker(folder);
  expect(second.address).toBe(first.address);
  expect(second.pid).not.toBe(first.pid);
  expect(await clusterIn()).toBe(cluster);

  await stopBroker(folder);
  expect(await runs(second.pid, folder)).toBe(false);
  await stopBroker(folder);
});

test("a broker that cannot start says what its log says", { timeout }, async () => {
  const properties = { "authorizer.class.name": "no.such.Class" };
  await expect(startBroker(folder, { properties })).rejects.toThrow(/ended[\s\S]*no\.such\.Class/);
});

test("a port that is taken is told", async () => {
  await using other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expect(startBroker(folder, { port })).rejects.toThrow(`Port ${port}`);
});

test("a setting that Kafka refuses is told", { timeout }, async () => {
  const properties = { "num.io.threads": "0" };
  await expect(startBroker(folder, { properties })).rejects.toThrow(
    /Invalid value 0 for configuration num\.io\.threads/,
  );
});

test("a process is known by its command as well as by its id", async () => {
  expect(await runs(process.pid, "node")).toBe(true);
  expect(await runs(process.pid, "no such command")).toBe(false);
});

describe("what is missing on the machine is told:", () => {
  test("Java", async () => {
    vi.stubEnv("PATH", folder);
    await expect(kafkaJars()).rejects.toThrow(/needs Java.*Install a Java 17/);
  });

  test("Maven", async () => {
    const java = process.env["PATH"]!.split(delimiter).map((place) => join(place, "java"));
    await symlink(
      java.find((file) => existsSync(file))!,
      join(folder, "java"),
    );
    vi.stubEnv("PATH", folder);
    vi.stubEnv("SFERIC_CACHE_DIR", join(folder, "cache"));
    await expect(kafkaJars()).rejects.toThrow(/by Maven, and there is no "mvn". Install it/);
  });
});
