import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ISocketFactoryArgs } from "kafkajs";

/** Bytes that are read from a socket at a time, and how long it may be silent before its other end is looked for. */
const chunkBytes = 256 * 1024;
const keepAliveMs = 60_000;

/** Longest answer that is waited for, in bytes: what claims to be longer comes from something that is no broker. */
const answerBytesMax = 1 << 30;

/**
 * Makes the sockets of kafkajs. Their event `data` tells one whole answer, its length before it, in memory of its own: the
 * library would copy an answer out of its pieces, and after a lost connection takes what comes next for the rest of one.
 */
export function answerSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const answers = new Answers();
  const callback = (length: number, bytes: Uint8Array): boolean => {
    try {
      for (const answer of answers.take(bytes.subarray(0, length))) socket.emit("data", answer);
    } catch (thrown) {
      socket.destroy(thrown as Error);
    }
    return true;
  };
  const options = { host, port, onread: { buffer: Buffer.allocUnsafeSlow(chunkBytes), callback } };
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket: Socket = ssl ? connectTls({ ...options, ...name, ...ssl }, onConnect) : connect(options, onConnect);
  return socket.setKeepAlive(true, keepAliveMs);
}

const lengthBytes = 4;

/** Puts answers together from what a socket brings. */
class Answers {
  readonly #length = Buffer.alloc(lengthBytes);
  /** The answer that has begun, its length included; undefined until that is known. */
  #answer: Buffer | undefined;
  #filled = 0;

  /** The answers that end with these bytes. They may be used again afterwards. */
  *take(bytes: Uint8Array): Generator<Buffer> {
    for (let left = bytes; left.length > 0;) {
      const target = this.#answer ?? this.#length;
      const part = left.subarray(0, target.length - this.#filled);
      target.set(part, this.#filled);
      this.#filled += part.length;
      left = left.subarray(part.length);
      if (this.#answer === undefined && this.#filled === lengthBytes) this.#begin();
      if (this.#answer === undefined || this.#filled < this.#answer.length) continue;
      yield this.#answer;
      this.#answer = undefined;
      this.#filled = 0;
    }
  }

  #begin(): void {
    const length = this.#length.readInt32BE();
    if (length < 0 || length > answerBytesMax) throw new Error("what answers there is no Kafka broker");
    this.#answer = Buffer.allocUnsafeSlow(lengthBytes + length);
    this.#length.copy(this.#answer);
  }
}
