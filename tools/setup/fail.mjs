/** Prints why the set-up ended, after what the failed command said, and ends with exit code 1. */
export function fail(error) {
  if (error.output) process.stderr.write(error.output.endsWith("\n") ? error.output : `${error.output}\n`);
  console.error(error.output === undefined ? error : `\n${error.message}`);
  process.exit(1);
}
