import type { OperatorContext } from "@sferic/operator";

/** Whose something is that names a pipeline and a sink. */
export type Owner = Pick<OperatorContext, "pipeline" | "operatorId">;

/**
 * Names a sink of a pipeline in names of files and folders: `<pipeline>-<sink>`, or `<pipeline>@<sink>` for a sink with a
 * hyphen in its id. No two sinks have the same one: names and ids cannot hold `@`, and without it the last hyphen stands
 * before the sink.
 */
export function ownerName({ pipeline, operatorId }: Owner): string {
  return operatorId.includes("-") ? `${pipeline}@${operatorId}` : joinedName({ pipeline, operatorId });
}

/** The name in its place in versions that joined all names by a hyphen; null where it is the same. Several sinks may have it. */
export function earlierOwnerName(owner: Owner): string | null {
  const joined = joinedName(owner);
  return joined === ownerName(owner) ? null : joined;
}

/** Whether two sinks had the same name in those versions. */
export function sharedEarlierName(a: Owner, b: Owner): boolean {
  return joinedName(a) === joinedName(b);
}

function joinedName({ pipeline, operatorId }: Owner): string {
  return `${pipeline}-${operatorId}`;
}
