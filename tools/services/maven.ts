/** Jars from the package registry by Maven, once per machine. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../setup/places.mjs";

const run = promisify(execFile);

const javaMajorMin = 17;

/** Who needs jars: the start of their folder's name, and the subject of messages. */
export interface JarsOwner {
  readonly name: string;
  readonly title: string;
}

/**
 * Folder with the jars that a pom.xml names, in the user's cache folder; downloads them when they are not there. Throws
 * when Java or Maven is missing or too old, and says what to install.
 */
export async function jarsOf(pom: string, owner: JarsOwner): Promise<string> {
  await requireJava(owner);
  return await madeOnce(owner.name, [await readFile(pom)], (folder) => download(pom, folder, owner));
}

/**
 * A folder of the user's cache that `make` fills once, named by what it is made from. Two processes may try at once; one
 * that is killed leaves nothing that looks complete.
 */
export async function madeOnce(
  name: string,
  from: readonly Buffer[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const part of from) hash.update(part);
  const folder = join(cacheDirectory(), `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (await exists(folder)) return folder;
  const incomplete = `${folder}.${process.pid}`;
  try {
    await make(incomplete);
    await rename(incomplete, folder);
  } catch (thrown) {
    // Another process was first.
    if (!(await exists(folder))) throw thrown;
  } finally {
    await rm(incomplete, { recursive: true, force: true });
  }
  return folder;
}

async function requireJava({ title }: JarsOwner): Promise<void> {
  const advice = `Install a Java ${javaMajorMin} runtime or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless · macOS: brew install openjdk).`;
  const { stderr } = await run("java", ["-version"]).catch((cause: unknown) => {
    throw new Error(`${title} needs Java, and "java -version" failed. ${advice}`, { cause });
  });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (major < javaMajorMin) throw new Error(`${title} needs Java ${javaMajorMin}, and this is ${major}. ${advice}`);
}

async function download(pom: string, folder: string, { title }: JarsOwner): Promise<void> {
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
  try {
    await run("mvn", ["-q", "-B", "-f", pom, ...goal], { maxBuffer: 16 * 1024 * 1024 });
  } catch (thrown) {
    const { code, stdout = "" } = thrown as { code?: unknown; stdout?: string };
    if (code === "ENOENT") {
      const advice = "Install it (Debian, Ubuntu: apt-get install maven · macOS: brew install maven).";
      throw new Error(`The jars of ${title} come by Maven, and there is no "mvn". ${advice}`, {
        cause: thrown,
      });
    }
    throw new Error(`Maven could not get the jars of ${title}:\n${stdout}`, { cause: thrown });
  }
}

/** Whether there is a file or folder of that name. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
