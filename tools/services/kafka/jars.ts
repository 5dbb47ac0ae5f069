/** The jars of the broker, from the package registry by Maven, once per machine. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../setup/places.mjs";

const run = promisify(execFile);

const javaMajorMin = 17;

/**
 * Folder with the jars that pom.xml names, in the user's cache folder; downloads them (44 MB) when they are not there.
 * Throws when Java or Maven is missing or too old, and says what to install.
 */
export async function kafkaJars(): Promise<string> {
  await requireJava();
  const pom = join(import.meta.dirname, "pom.xml");
  const version = createHash("sha256")
    .update(await readFile(pom))
    .digest("hex");
  const folder = join(cacheDirectory(), `kafka-${version.slice(0, 12)}`);
  if (await exists(folder)) return folder;
  const incomplete = `${folder}.${process.pid}`;
  try {
    await download(pom, incomplete);
    await rename(incomplete, folder);
  } catch (thrown) {
    // Another process was first.
    if (!(await exists(folder))) throw thrown;
  } finally {
    await rm(incomplete, { recursive: true, force: true });
  }
  return folder;
}

async function requireJava(): Promise<void> {
  const advice = `Install a Java ${javaMajorMin} runtime or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless · macOS: brew install openjdk).`;
  const { stderr } = await run("java", ["-version"]).catch((cause: unknown) => {
    throw new Error(`The Kafka broker needs Java, and "java -version" failed. ${advice}`, { cause });
  });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (major < javaMajorMin)
    throw new Error(`The Kafka broker needs Java ${javaMajorMin}, and this is ${major}. ${advice}`);
}

async function download(pom: string, folder: string): Promise<void> {
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
  try {
    await run("mvn", ["-q", "-B", "-f", pom, ...goal], { maxBuffer: 16 * 1024 * 1024 });
  } catch (thrown) {
    const { code, stdout = "" } = thrown as { code?: unknown; stdout?: string };
    if (code === "ENOENT") {
      const advice = "Install it (Debian, Ubuntu: apt-get install maven · macOS: brew install maven).";
      throw new Error(`The jars of the Kafka broker come by Maven, and there is no "mvn". ${advice}`, {
        cause: thrown,
      });
    }
    throw new Error(`Maven could not get the jars of the Kafka broker:\n${stdout}`, { cause: thrown });
  }
}

/** Whether there is a file or folder of that name. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
