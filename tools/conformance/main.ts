/**
 * `npm run conformance`: reads folders of files that the user has with Sferic and with the reference reader of each
 * format, and prints how many have equal rows. Fetches no files. Exit code 0, 1 when rows are wrong, 2 for a wrong call.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type FormatName, formatNames, inputsBelow } from "./inputs.ts";
import { readWithSferic } from "./read-with-sferic.ts";
import { Reference } from "./reference.ts";
import { isListed, type Outcome, table } from "./table.ts";

const help = `npm run conformance -- [--parquet DIR] [--csv DIR] [--json DIR] [--netcdf DIR] [--delta DIR] [--list]

Reads every file below DIR (for Delta, every table) with Sferic and with pyarrow and DuckDB, Python's csv and json, netCDF4
or deltalake, which the first run installs into the cache folder, and compares rows.

  equal                  the same rows
  reported               rows that Sferic reports as invalid are missing, all others are equal
  only Sferic            the reference reader refuses the file
  refused, peers too     no reader takes it
  refused, peers read    Sferic alone refuses it
  wrong                  other rows, and nothing said

An option may be given several times. --list names each file that is not equal, with the reason.
`;

const options = {
  ...(Object.fromEntries(formatNames.map((name) => [name, { type: "string", multiple: true }])) as Record<
    FormatName,
    { type: "string"; multiple: true }
  >),
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function conform(folders: readonly (readonly [FormatName, string])[], list: boolean): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), "sferic-conformance-"));
  await using reference = await Reference.start();
  try {
    const outcomes: Outcome[] = [];
    for (const [format, folder] of folders) {
      for await (const input of inputsBelow(format, resolve(folder), reference)) {
        const read = await readWithSferic(input, scratch);
        const { verdict, reason } = await reference.compare(input, read);
        const outcome: Outcome = { input, folder, verdict, reason: read.error ?? reason };
        outcomes.push(outcome);
        if (list && isListed(outcome)) console.log(`${verdict.padEnd(16)} ${input.title}  ${outcome.reason ?? ""}`);
      }
    }
    console.log(table(outcomes));
    return outcomes.some(({ verdict }) => verdict === "wrong") ? 1 : 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options });
  const folders = formatNames.flatMap((name) => (values[name] ?? []).map((folder) => [name, folder] as const));
  if (values.help === true || folders.length === 0) {
    console.log(help);
    return values.help === true ? 0 : 2;
  }
  return conform(folders, values.list === true);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = 2;
}
