/**
 * Answers SQL over Delta tables on its standard streams, with Delta Lake on Spark or with DuckDB (see session.py); installs
 * what that takes first, once per machine. With `jars`, prints the folder of the jars of Delta Lake and Kafka for Spark.
 */
import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { jarsOf, madeOnce } from "../maven.ts";

const session = join(import.meta.dirname, "session.py");
const requirements = join(import.meta.dirname, "requirements.txt");

/** Python with PySpark and DuckDB: 500 MB in the user's cache folder. */
async function python(): Promise<string> {
  const folder = await madeOnce("spark", [await readFile(requirements)], async (target) => {
    await call("python3", ["-m", "venv", target]);
    await call(join(target, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", requirements]);
  });
  return join(folder, "bin/python");
}

async function call(command: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, { maxBuffer: 16 * 1024 * 1024 });
  } catch (thrown) {
    const { code, stderr = "" } = thrown as { code?: unknown; stderr?: string };
    const advice = "Install Python 3.10 or newer with venv (Debian, Ubuntu: apt-get install python3-venv).";
    throw new Error(code === "ENOENT" ? `There is no "${command}". ${advice}` : `${command} failed:\n${stderr}`, {
      cause: thrown,
    });
  }
}

async function answer(jars: string): Promise<void> {
  const env = { ...process.env, SPARK_LOCAL_IP: "127.0.0.1" };
  const child = spawn(await python(), [session, jars], { env, stdio: "inherit" });
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
