import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { answerSocket } from "./answer-socket.ts";

/** Connects to a server that sends these pieces, each by itself, and then ends. Gives what the socket emitted. */
async function emitted(pieces: readonly Buffer[]): Promise<{ answers: string[]; error: Error | undefined }> {
  const server = createServer({ noDelay: true }, (client) => void send(client, pieces));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  // Without `ssl` for a connection without TLS, whatever the library's types say.
  const socket = answerSocket({ host: "127.0.0.1", port, onConnect: () => {} } as never);
  const answers: string[] = [];
  let error: Error | undefined;
  socket.on("data", (answer: Buffer) => answers.push(answer.toString("hex")));
  socket.on("error", (thrown) => (error = thrown));
  await new Promise((resolve) => socket.on("close", resolve));
  server.close();
  return { answers, error };
}

async function send(client: Socket, pieces: readonly Buffer[]): Promise<void> {
  client.on("error", () => {});
  for (const piece of pieces) {
    client.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end();
}

const answerOf = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
};

const texts = ["a", "", "bc", "x".repeat(1000), "d"];
const bytes = Buffer.concat(texts.map(answerOf));
const expected = texts.map((text) => answerOf(text).toString("hex"));

test.each([1, 3, 5, 100, bytes.length])("answers are whole when they come in pieces of %i bytes", async (size) => {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  expect(await emitted(pieces)).toEqual({ answers: expected, error: undefined });
});

test("an answer that is larger than what is read at a time is whole", async () => {
  const text = "y".repeat(1_000_000);
  expect((await emitted([answerOf(text)])).answers).toEqual([answerOf(text).toString("hex")]);
});

test("an answer that does not end is not told", async () => {
  const { answers } = await emitted([bytes.subarray(0, bytes.length - 2)]);
  expect(answers).toEqual(expected.slice(0, -1));
});

test("what is no broker is told as such", async () => {
  const { error } = await emitted([Buffer.from("HTTP/1.1 400 Bad Request\r\n")]);
  expect(error?.message).toContain("no Kafka broker");
});
