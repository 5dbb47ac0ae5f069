import { randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { json } from "@sferic/formats/json";
import { isBatch, type Offset } from "@sferic/operator";
import { epochOf, type KafkaBroker, kafkaBroker, operatorContext, temporaryFolder } from "@sferic/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { counted, TopicWriter } from "../test/topic-writer.ts";
import { kafka } from "./kafka.ts";

const ports = {
  plain: randomInt(20_000, 24_000),
  proxied: randomInt(24_000, 28_000),
  controller: randomInt(28_000, 32_000),
};

let proxy: Proxy;
let broker: KafkaBroker;

beforeAll(async () => {
  proxy = await Proxy.to(ports.proxied);
  const own = `PLAINTEXT://127.0.0.1:${ports.plain},CONTROLLER://127.0.0.1:${ports.controller}`;
  broker = await kafkaBroker({
    listeners: `${own},PROXIED://127.0.0.1:${ports.proxied}`,
    "advertised.listeners": `${own},PROXIED://127.0.0.1:${proxy.port}`,
    "controller.quorum.bootstrap.servers": `127.0.0.1:${ports.controller}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
  });
});

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]();
  proxy?.close();
});

/**
 * Stands before a broker. Ends a connection within an answer, as a broker does that is killed while it sends, or lets nothing
 * through any more, as a network does that has lost one end.
 */
class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes of the next answer to a Fetch that arrive before its connection ends; undefined: all of them. */
  cutAfter: number | undefined;
  #mute: ReadonlySet<Socket> = new Set();

  private constructor(port: number) {
    this.#server = createServer((client) => this.#relay(client, connect(port, "127.0.0.1")));
  }

  static async to(port: number): Promise<Proxy> {
    const proxy = new Proxy(port);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing arrives over the connections there are. */
  loseConnections(): void {
    this.#mute = new Set(this.#sockets);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(client: Socket, broker: Socket): void {
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
    const fetches = new Set<number>();
    onMessage(client, (request) => {
      if (request.readInt16BE(4) === fetchKey) fetches.add(request.readInt32BE(8));
      broker.write(request);
    });
    onMessage(broker, (answer) => {
      if (this.#mute.has(broker)) return;
      const isFetched = fetches.delete(answer.readInt32BE(4));
      if (!isFetched || this.cutAfter === undefined) return void client.write(answer);
      client.end(answer.subarray(0, this.cutAfter));
      this.cutAfter = undefined;
    });
  }
}

/** What a request for messages begins with, behind its length. Its number follows 4 bytes later, and leads its answer. */
const fetchKey = 1;

/** Whole requests or answers, each with its length before it. */
function onMessage(socket: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const length = rest.length < 4 ? Infinity : 4 + rest.readInt32BE();
      if (rest.length < length) return;
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}

/** Rows of epochs of 100 messages each; before each is read the step is done. */
async function countsOf(reader: string, steps: readonly (() => void)[]): Promise<number[]> {
  await using folder = await temporaryFolder();
  await using writer = await TopicWriter.connect(broker.address);
  const topic = `topic-${randomUUID()}`;
  await writer.create(topic);
  const config = kafka.connection!.config.parse({ brokers: [`127.0.0.1:${proxy.port}`] }) as object;
  const connection = { name: "proxied", config };
  const context = operatorContext({ directory: folder.path, formats: [json], connection });
  const format = { type: "json", schema: { n: "int64" } };
  const source = kafka.create(kafka.config.parse({ topic, format, reader }), context);
  await source.open?.([]);
  const counts: number[] = [];
  let start: Offset | null = null;
  for (const step of steps) {
    await writer.write(topic, counted(0, 100));
    const end = await source.latestOffset(start, {});
    step();
    let rows = 0;
    for await (const output of source.read(start, end!, epochOf())) if (isBatch(output)) rows += output.rowCount;
    counts.push(rows);
    start = end;
  }
  await source.close?.();
  return counts;
}

it.each(["raw", "kafkajs"])(
  "the reader %s goes on when connections end within an answer",
  async (reader) => {
    // Within the length of the answer, behind it, and within the records.
    const cuts = [2, 30, 100].map((bytes) => () => {
      expect(proxy.cutAfter).toBeUndefined();
      proxy.cutAfter = bytes;
    });
    expect(await countsOf(reader, cuts)).toEqual([100, 100, 100]);
    expect(proxy.cutAfter).toBeUndefined();
  },
  180_000,
);

it("a connection that does not answer is made anew after half a minute", async () => {
  expect(await countsOf("raw", [() => {}, () => proxy.loseConnections(), () => {}])).toEqual([100, 100, 100]);
}, 180_000);
