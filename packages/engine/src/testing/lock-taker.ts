/** Takes and lets go of locks for another process: `{ command: "take" | "release", directory }`, answered by a message. */
import { acquireLock, type CheckpointLock } from "../checkpoint/lock.ts";

const held = new Map<string, CheckpointLock>();

process.on("message", async ({ command, directory }: { command: string; directory: string }) => {
  if (command === "take") process.send!(await take(directory));
  else {
    await held.get(directory)?.release();
    held.delete(directory);
    process.send!("released");
  }
});

async function take(directory: string): Promise<string> {
  try {
    held.set(directory, await acquireLock(directory));
    return "taken";
  } catch (thrown) {
    return String(thrown);
  }
}
