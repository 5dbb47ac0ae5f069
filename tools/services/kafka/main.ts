/** `npm run service:kafka -- start|stop`: see the usage below. */
import * as path from "node:path";
import { parseArgs } from "node:util";
import { notes } from "../../setup/places.mjs";
import { startBroker, stopBroker } from "./broker.ts";

const usage = `npm run service:kafka -- start [--data <folder>] [--port <number>] [--join <folder>] [--set <property>=<value>]…
npm run service:kafka -- stop [--data <folder>] [--kill]

start  starts an Apache Kafka broker on 127.0.0.1, waits until it answers, and prints its address; with --join
       it becomes a part of the cluster of another, which runs on that folder
stop   stops it; its data stays in the folder
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string", default: path.join(notes, "kafka") },
    port: { type: "string" },
    join: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
    kill: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  switch (positionals.join(" ")) {
    case "start": {
      const port = values.port === undefined ? {} : { port: Number(values.port) };
      const join = values.join === undefined ? {} : { join: values.join };
      const properties = Object.fromEntries(values.set.map((line) => line.split(/=(.*)/s, 2)));
      const { address } = await startBroker(values.data, { ...port, ...join, properties });
      console.log(address);
      return 0;
    }
    case "stop":
      await stopBroker(values.data, values.kill ? "SIGKILL" : "SIGTERM");
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
