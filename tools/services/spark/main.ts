/**
 * Answers SQL over Delta tables on its standard streams, with Delta Lake on Spark or with DuckDB (see session.py); installs
 * what that takes first, once per machine. With `jars`, prints the folder of the jars of Delta Lake and Kafka for Spark.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { jarsOf } from "../maven.ts";
import { pythonWith } from "../python.ts";

const session = join(import.meta.dirname, "session.py");
/** PySpark and DuckDB: 500 MB. */
const requirements = join(import.meta.dirname, "requirements.txt");

async function answer(jars: string): Promise<void> {
  const env = { ...process.env, SPARK_LOCAL_IP: "127.0.0.1" };
  const child = spawn(await pythonWith("spark", requirements), [session, jars], { env, stdio: "inherit" });
  child.on("close", (code) => (process.exitCode = code ?? 1));
}

try {
  const jars = await jarsOf(join(import.meta.dirname, "pom.xml"), { name: "spark-jars", title: "Delta Lake on Spark" });
  if (process.argv[2] === "jars") console.log(jars);
  else await answer(jars);
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
