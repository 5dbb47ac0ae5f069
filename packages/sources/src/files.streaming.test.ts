import { appendFile, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { csv } from "@sferic/formats/csv";
import { json } from "@sferic/formats/json";
import { type Bounds, type Offset, rowsOf, type Source } from "@sferic/operator";
import { epochOf, linesFormat, operatorContext, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { files } from "./files.ts";

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

async function sourceIn(
  { path }: Folder,
  config: object = {},
  onFile?: () => Promise<void>,
  surroundings: object = {},
): Promise<Source> {
  const { definition } = linesFormat();
  const create: typeof definition.create = (c) => {
    const format = definition.create(c);
    return {
      ...format,
      async *decode(...given) {
        yield* format.decode!(...given);
        await onFile?.();
      },
    };
  };
  const context = operatorContext({ directory: path, formats: [{ ...definition, create }], ...surroundings });
  const parsed = files.config.parse({ url: "in/*.txt", format: { type: "lines" }, ...config });
  const source = files.create(parsed, context);
  await source.open?.([]);
  return source;
}

async function write(folder: Folder, name: string, text = `${name}\n`): Promise<string> {
  const path = folder.file(`in/${name}.txt`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

/** Names of the files that an epoch takes; none when there is nothing new. */
async function next(
  source: Source,
  from: Offset | null,
  bounds: Bounds = {},
  until?: Offset,
): Promise<[string[], Offset | null]> {
  const end = await source.latestOffset(from, bounds, until);
  if (end === null) return [[], from];
  await Array.fromAsync(source.read(from, end, epochOf()), (output) => "close" in output && output.close());
  const { files: entries } = end as unknown as { files: { key: string }[] };
  return [entries.map(({ key }) => key.replace(".txt", "")), end];
}

test("a file that has not settled waits, and others go on before it", async () => {
  await using folder = await temporaryFolder();
  const young = await write(folder, "a");
  const old = await write(folder, "b");
  await utimes(old, 1, 1);
  const source = await sourceIn(folder, { settleMs: 60_000 });
  const [first, end] = await next(source, null);
  expect(first).toEqual(["b"]);
  expect((await next(source, end))[0]).toEqual([]);
  await utimes(young, 1, 1);
  expect((await next(source, end))[0]).toEqual(["a"]);
});

test("a file that comes while others wait is taken in its turn, and none twice", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["b", "c", "d"]) await write(folder, name);
  const source = await sourceIn(folder);
  const one = { filesPerEpoch: 1 };
  const taken: string[] = [];
  let from: Offset | null = null;
  for (let epoch = 0; epoch < 6; epoch++) {
    const [names, end] = await next(source, from, one);
    from = end;
    taken.push(...names);
    if (epoch === 0) await write(folder, "a");
    if (epoch === 4) await write(folder, "e");
  }
  expect(taken[0]).toBe("b");
  expect(taken.at(-1)).toBe("e");
  expect(taken.toSorted()).toEqual(["a", "b", "c", "d", "e"]);
});

test("bytes bound an epoch, but one file always goes", async () => {
  await using folder = await temporaryFolder();
  for (const [name, size] of Object.entries({ a: 5, b: 5, c: 5, d: 50, e: 5 })) {
    await write(folder, name, `${"x".repeat(size - 1)}\n`);
  }
  const source = await sourceIn(folder);
  const epochs: string[][] = [];
  let from: Offset | null = null;
  for (let epoch = 0; epoch < 5; epoch++) {
    const [names, end] = await next(source, from, { bytesPerEpoch: 12 });
    from = end;
    epochs.push(names);
  }
  expect(epochs).toEqual([["a", "b"], ["c"], ["d"], ["e"], []]);
});

test("a file is what it is when its epoch is planned: one that changed or went before is no trouble", async () => {
  await using folder = await temporaryFolder();
  const [, b, c] = [await write(folder, "a"), await write(folder, "b"), await write(folder, "c")];
  await write(folder, "d");
  const source = await sourceIn(folder);
  const until = (await source.latestOffset(null, {}))!;
  let [names, from] = await next(source, null, { filesPerEpoch: 1 }, until);
  expect(names).toEqual(["a"]);
  await appendFile(b, "more\n");
  await rm(c);
  await write(folder, "e");
  [names, from] = await next(source, from, { filesPerEpoch: 2 }, until);
  expect(names).toEqual(["b", "d"]);
  expect((await next(source, from, {}, until))[0]).toEqual([]);
  expect((await next(source, from))[0]).toEqual(["e"]);
});

test.each<[string, (path: string) => Promise<void>, string]>([
  ["vanishes", (path) => rm(path), "is gone"],
  ["grows", (path) => appendFile(path, "more\n"), "has changed"],
  [
    "is replaced by one as large",
    (path) => writeFile(`${path}.new`, "b\n").then(() => rename(`${path}.new`, path)),
    "has changed",
  ],
  ["becomes a folder", (path) => rm(path).then(() => mkdir(path)), "is gone"],
])("a file that %s after it was planned, or while it is read, ends the run", async (_, change, how) => {
  await using folder = await temporaryFolder();
  const path = await write(folder, "a");
  const failure = { code: "source-changed", message: expect.stringContaining(`in/a.txt ${how}`) };
  const planned = await sourceIn(folder);
  const end = (await planned.latestOffset(null, {}))!;
  const during = await sourceIn(folder, {}, () => change(path));
  const outputs: unknown[] = [];
  const reading = (async () => {
    for await (const output of during.read(null, end, epochOf()))
      outputs.push("rowCount" in output && rowsOf(output).length);
  })();
  await expect(reading).rejects.toMatchObject(failure);
  expect(outputs).toEqual([1]);
  await expect(Array.fromAsync(planned.read(null, end, epochOf()))).rejects.toMatchObject(failure);
});

/** Takes all files one at a time, as a stream does; their names. */
async function streamed(source: Source): Promise<string[]> {
  const taken: string[] = [];
  let from: Offset | null = null;
  for (;;) {
    const [names, end] = await next(source, from, { filesPerEpoch: 1 });
    if (names.length === 0) return taken;
    taken.push(...names);
    from = end;
  }
}

const stream = { isEndless: true };

test("a stream takes files by modification time, and those of equal times in natural order", async () => {
  await using folder = await temporaryFolder();
  const times = { file_10: 3, file_9: 3, file_2: 4, G17_b: 2, G16_c: 3.5, G16_a: 1 };
  for (const [name, time] of Object.entries(times)) await utimes(await write(folder, name), time, time);
  const ordered = ["G16_a", "G17_b", "file_9", "file_10", "G16_c", "file_2"];
  expect(await streamed(await sourceIn(folder, {}, undefined, stream))).toEqual(ordered);
  const byName = Object.keys(times).toSorted();
  expect(await streamed(await sourceIn(folder, { order: "name" }, undefined, stream))).toEqual(byName);
  expect(await streamed(await sourceIn(folder))).toEqual(byName);
  expect(await streamed(await sourceIn(folder, {}, undefined, { ...stream, durable: false }))).toEqual(byName);
  expect(await streamed(await sourceIn(folder, { order: "modified" }))).toEqual(ordered);
  const natural = ["G16_a", "G16_c", "G17_b", "file_2", "file_9", "file_10"];
  expect(await streamed(await sourceIn(folder, { order: "natural" }, undefined, stream))).toEqual(natural);
});

test("an epoch that is computed again reads its files in the order of its intent, whatever their times and names say", async () => {
  await using folder = await temporaryFolder();
  for (const [index, name] of ["c", "a", "b"].entries()) await utimes(await write(folder, name), index + 1, index + 1);
  const end = (await (await sourceIn(folder, {}, undefined, stream)).latestOffset(null, {}))!;
  const kept = JSON.parse(JSON.stringify(end)) as Offset;
  const again = await sourceIn(folder);
  const rows: unknown[] = [];
  for await (const output of again.read(null, kept, epochOf())) {
    if ("rowCount" in output) rows.push(...rowsOf(output).map((row) => row["line"] ?? Object.values(row)[0]));
  }
  expect(rows).toEqual(["c", "a", "b"]);
});

test("why says that times are equal, and that files came behind their time", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["a", "b", "c"]) await utimes(await write(folder, name), 5, 5);
  const source = await sourceIn(folder, {}, undefined, stream);
  const end = (await source.latestOffset(null, {}))!;
  await next(source, null);
  expect(files.remarks!(end)).toEqual([expect.stringMatching(/^The modification times of its 3 files are all equal/)]);
  await utimes(await write(folder, "old"), 1, 1);
  const later = (await source.latestOffset(end, {}))!;
  expect(files.remarks!(later)).toEqual([expect.stringMatching(/^1 file is older than files of earlier epochs/)]);
  const { times, ...before } = later as unknown as { times: object };
  expect(files.remarks!(before as unknown as Offset)).toEqual([]);
});

test("a file whose name is not UTF-8 is read, under a name that says so", async () => {
  await using folder = await temporaryFolder();
  await write(folder, "a");
  const name = Buffer.from("/in/caf\u00e9.txt", "latin1");
  await writeFile(Buffer.concat([Buffer.from(folder.path), name]), "late\n");
  const source = await sourceIn(folder, {}, undefined, stream);
  const end = (await source.latestOffset(null, {}))!;
  const kept = JSON.parse(JSON.stringify(end)) as Offset;
  const again = await sourceIn(folder);
  const rows: unknown[] = [];
  for await (const output of again.read(null, kept, epochOf())) if ("rowCount" in output) rows.push(...rowsOf(output));
  expect(JSON.stringify(rows)).toContain("late");
  expect((await again.latestOffset(kept, {})) === null).toBe(true);
});

test("a link that leads nowhere is reported once, and read when it leads somewhere", async () => {
  await using folder = await temporaryFolder();
  await write(folder, "a");
  await symlink("../later", folder.file("in/z.txt"));
  const warnings: string[] = [];
  const warn = (code: string, message: string): void => void warnings.push(`${code} ${message}`);
  const source = await sourceIn(folder, {}, undefined, { ...stream, warn });
  const [names, end] = await next(source, null);
  expect(names).toEqual(["a"]);
  expect(await next(source, end)).toEqual([[], end]);
  expect(warnings).toEqual([expect.stringMatching(/^file-passed-over .*z\.txt is a link to something that does not/)]);
  await writeFile(folder.file("later"), "z\n");
  expect((await next(source, end))[0]).toEqual(["z"]);
});

const rowCount = 12_000_000;
const large: Record<string, () => [object, string]> = {
  csv: () => [{ type: "csv", header: false, schema: { n: "int64" } }, "1\n".repeat(rowCount)],
  "irregular csv": () => [{ type: "csv", header: false, schema: { n: "int64" } }, `${"1\n".repeat(rowCount)}1"\n`],
  json: () => [{ type: "json", schema: { n: "int64", m: "int64", o: "int64" } }, "{}\n".repeat(rowCount)],
  "json array": () => [
    { type: "json", layout: "array", schema: { n: "int64", m: "int64", o: "int64" } },
    `[${"{},".repeat(rowCount)}{}]`,
  ],
};

test.each(
  Object.keys(large).flatMap((format) => [
    { format, how: "has changed", name: "is cut", change: (path: string) => truncate(path, 20_000_000) },
    { format, how: "is gone", name: "is taken away", change: (path: string) => rm(path) },
    {
      format,
      how: "has changed",
      name: "is replaced",
      change: (path: string) => writeFile(`${path}.new`, "new\n").then(() => rename(`${path}.new`, path)),
    },
  ]),
)("a large $format file that $name while it is read ends the run, whatever its reader sees", async (example) => {
  await using folder = await temporaryFolder();
  const [format, text] = large[example.format]!();
  const path = await write(folder, "a", text);
  const context = operatorContext({ directory: folder.path, formats: [csv, json] });
  const source = files.create(files.config.parse({ url: "in/*.txt", format }), context);
  await source.open?.([]);
  const end = (await source.latestOffset(null, {}))!;
  let rows = 0;
  const reading = (async () => {
    for await (const output of source.read(null, end, epochOf())) {
      if (!("rowCount" in output)) continue;
      // So many rows are not held ahead of their taker, and the rest of the file is still to be read.
      if (rows === 0) await example.change(path);
      rows += output.rowCount;
      output.close();
    }
  })();
  await expect(reading).rejects.toMatchObject({
    code: "source-changed",
    message: expect.stringContaining(example.how),
  });
  expect(rows).toBeGreaterThan(0);
});
