import { execFile } from "node:child_process";
import { pbkdf2Sync, randomBytes, randomInt } from "node:crypto";
import { promisify } from "node:util";
import { Brokers } from "@sferic/connections/kafka/brokers";
import { ProtocolWriter } from "@sferic/connections/kafka/protocol-bytes";
import { json } from "@sferic/formats/json";
import { type Connection, isBatch } from "@sferic/operator";
import {
  epochOf,
  type KafkaBroker,
  kafkaBroker,
  operatorContext,
  type TemporaryFolder,
  temporaryFolder,
} from "@sferic/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { counted, TopicWriter } from "../test/topic-writer.ts";
import { kafka } from "./kafka.ts";

const secret = "changeit";
let folder: TemporaryFolder;
let broker: KafkaBroker;
let ca: string;
const ports = {
  plain: randomInt(20_000, 24_000),
  tls: randomInt(24_000, 28_000),
  controller: randomInt(28_000, 32_000),
};

const keytool = async (...args: string[]): Promise<string> => {
  const store = ["-keystore", folder.file("broker.p12"), "-storetype", "PKCS12", "-storepass", secret, "-alias", "own"];
  return (await promisify(execFile)("keytool", [...args, ...store])).stdout;
};

beforeAll(async () => {
  folder = await temporaryFolder();
  const names = ["-dname", "CN=broker", "-ext", "san=ip:127.0.0.1", "-ext", "bc:c=ca:true"];
  await keytool("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2", ...names);
  ca = await keytool("-exportcert", "-rfc");
  const listeners = `PLAINTEXT://127.0.0.1:${ports.plain},TLS://127.0.0.1:${ports.tls},CONTROLLER://127.0.0.1:${ports.controller}`;
  const module = "org.apache.kafka.common.security";
  broker = await kafkaBroker({
    listeners,
    "advertised.listeners": listeners,
    "controller.quorum.bootstrap.servers": `127.0.0.1:${ports.controller}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,TLS:SASL_SSL,CONTROLLER:PLAINTEXT",
    "ssl.keystore.location": folder.file("broker.p12"),
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.password": secret,
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "listener.name.tls.plain.sasl.jaas.config": `${module}.plain.PlainLoginModule required user_alice="rabbit";`,
    "listener.name.tls.scram-sha-256.sasl.jaas.config": `${module}.scram.ScramLoginModule required;`,
    "listener.name.tls.scram-sha-512.sasl.jaas.config": `${module}.scram.ScramLoginModule required;`,
  });
  await using writer = await TopicWriter.connect(broker.address);
  await writer.create("guarded", 2);
  await writer.write("guarded", counted(0, 100));
  await addScramUser("bob", "carrot");
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** AlterUserScramCredentials, which the client library does not have: RFC 5802's salted password for both hashes. */
async function addScramUser(name: string, password: string): Promise<void> {
  const plain = { name: "plain", config: kafka.connection!.config.parse({ brokers: [broker.address] }) };
  const brokers = new Brokers(plain, "guarded");
  const salt = randomBytes(16);
  const iterations = 4096;
  const hashes = [
    [1, 32, "sha256"],
    [2, 64, "sha512"],
  ] as const;
  for (const [mechanism, length, hash] of hashes) {
    const salted = pbkdf2Sync(password, salt, iterations, length, hash);
    const body = new ProtocolWriter().int8(0).unsignedVarint(1).unsignedVarint(2);
    body.compactString(name).int8(mechanism).int32(iterations);
    for (const bytes of [salt, salted]) {
      body.unsignedVarint(bytes.length + 1);
      for (const byte of bytes) body.int8((byte << 24) >> 24);
    }
    const request = { name: "AlterUserScramCredentials", key: 51, version: 0, body: body.int8(0).int8(0).toBuffer() };
    await brokers.sendToAny({
      ...request,
      read: (answer) => {
        answer.tags();
        answer.int32();
        const errors = answer.compactArray(() => {
          answer.compactString();
          const error = answer.int16();
          answer.compactString();
          answer.tags();
          return error;
        });
        expect(errors).toEqual([0]);
      },
    });
  }
  await brokers.close();
}

function connection(own: object): Connection {
  const config = kafka.connection!.config.parse({ brokers: [`127.0.0.1:${ports.tls}`] }) as object;
  return { name: "guarded", config: { ...config, ...own } };
}

async function countOf(to: Connection, reader = "raw"): Promise<number> {
  const context = operatorContext({ directory: folder.path, formats: [json], connection: to });
  const format = { type: "json", schema: { n: "int64" } };
  const config = kafka.config.parse({ topic: "guarded", format, reader, retryFor: "3 seconds" });
  const source = kafka.create(config, context);
  try {
    await source.open?.([]);
    const end = await source.latestOffset(null, {});
    let rows = 0;
    for await (const output of source.read(null, end!, epochOf())) if (isBatch(output)) rows += output.rowCount;
    return rows;
  } finally {
    await source.close?.();
  }
}

const login = (mechanism: string, username: string, password: string): object => ({
  sasl: { mechanism, username, password },
});

it.each([
  ["plain", "alice", "rabbit"],
  ["scram-sha-256", "bob", "carrot"],
  ["scram-sha-512", "bob", "carrot"],
])("messages are read over TLS by a user that logs in with %s", async (...user) => {
  const to = connection({ tls: { ca }, ...login(...user) });
  await expect(countOf(to)).resolves.toBe(100);
  await expect(countOf(to, "kafkajs")).resolves.toBe(100);
});

it.each([
  ["plain", "alice"],
  ["scram-sha-512", "bob"],
])("a wrong password for %s is told, and not shown", async (mechanism, user) => {
  const failure = await countOf(connection({ tls: { ca }, ...login(mechanism, user, "hare") })).catch(
    (thrown: unknown) => thrown as Error,
  );
  expect(failure).toMatchObject({ code: "not-authenticated" });
  expect(JSON.stringify(failure)).not.toContain("hare");
});

it("a certificate that nobody vouches for is told as a connection that fails, with the reason", async () => {
  const failure = countOf(connection({ tls: true, ...login("plain", "alice", "rabbit") }));
  await expect(failure).rejects.toMatchObject({ code: "no-broker" });
  await expect(failure).rejects.toThrow(/self-signed certificate.*"tls"/);
});
