import type { Epoch } from "@sferic/operator";
import { namesIn } from "@sferic/operator/durable-files";
import { ownersIn } from "../output-token.ts";
import { earlierOwnerName, type Owner, ownerName, sharedEarlierName } from "../owner-name.ts";

/** `part-<epoch>-<index>-<owner>.<ending>`, with the owner as {@link ownerName} names it. */
export function partName(owner: Owner, { id }: Pick<Epoch, "id">, index: number, ending: string): string {
  return `part-${digits(id, 10)}-${digits(index, 5)}-${ownerName(owner)}.${ending}`;
}

/**
 * The names that parts of a sink have in a folder. Those of earlier versions count where no other sink that has written
 * into the folder had the same.
 */
export async function ownPartNames(folder: string, owner: Owner): Promise<RegExp> {
  const earlier = earlierOwnerName(owner);
  const names = [ownerName(owner), ...(earlier !== null && (await isAlone(folder, owner)) ? [earlier] : [])];
  return new RegExp(`^part-\\d{10}-\\d{5}-(?:${names.join("|")})\\.[a-z0-9.]+$`);
}

async function isAlone(folder: string, owner: Owner): Promise<boolean> {
  const same = ownersIn(await namesIn(folder).catch(() => [])).filter((other) => sharedEarlierName(other, owner));
  return same.length === 1 && ownerName(same[0]!) === ownerName(owner);
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
