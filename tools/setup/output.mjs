/** Reads what commands print. */

/** Without colours and cursor movements, which a build tool writes to a pipe when it is told to. */
export function plainText(text) {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\r/g, "");
}

/** Where vitest and cargo begin to tell of failures, after all that passed. */
const beginning = /^(⎯+ (Failed|Unhandled) |failures:$|error(\[\w+\])?: )/m;
const linesMax = 200;

/** What a check says from its first failure on; the last lines, where it tells of failures in another way. */
export function failuresIn(output) {
  const text = plainText(output);
  const from = text.search(beginning);
  const lines = text.slice(Math.max(0, from)).trimEnd().split("\n");
  return (from < 0 ? lines.slice(-linesMax) : lines.slice(0, linesMax)).join("\n");
}
