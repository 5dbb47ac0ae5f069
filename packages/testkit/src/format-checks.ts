import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import {
  type Batch,
  type FileContent,
  type Format,
  type FormatDefinition,
  type InvalidInput,
  isBatch,
  type Json,
  type Schema,
} from "@sferic/operator";
import { abortMsMax, assertSame, type Check, describeChecks, settlesWithin } from "./check.ts";
import { dataSet, uniform } from "./data-sets.ts";
import { declarationChecks } from "./declaration-checks.ts";
import { type Cells, cellsOf } from "./rows.ts";
import { fileAt, fileOf, temporaryFolder } from "./surroundings.ts";
import { typedRows } from "./typed-rows.ts";

type Config = Readonly<Record<string, Json>>;

/** A format under test. */
export interface FormatSubject {
  readonly definition: FormatDefinition;
  /** Column types that come back from a written file as they went in; see `sampleTypes`. Empty for a format that cannot write. */
  readonly types: readonly string[];
  /** Configuration for reading a file of such columns; the defaults when left out. */
  readConfig?(schema: Schema): Config;
  /** Configuration for writing such columns; the defaults when left out. */
  writeConfig?(schema: Schema): Config;
  /** A small valid file, by its path; written from `blobs` when left out. */
  readonly sample?: string;
  /** Configuration for reading the sample. */
  readonly sampleConfig?: Config;
  /** Whether any bytes are a valid file, as for text: damage then need not be found, only be survived. */
  readonly readsAnything?: boolean;
  /** Whether a row that cannot be read is an invalid input of its own, and the other rows of its file come. */
  readonly refusesRows?: boolean;
}

/** The rules for formats, beside those of their declaration. */
export const formatChecks: readonly Check<FormatSubject>[] = [
  writtenRowsReadBack,
  examplesRead,
  probedSchemaIsTheRealOne,
  bytesReadLikeAPath,
  writingStartsAnew,
  noiseIsInvalidInput,
  truncatedFilesAreInvalidInput,
  flippedBitsAreNoFailure,
  damageKeepsToItsFile,
  abortEndsDecodingWithinASecond,
];

/** Registers all rules for a format. To be called first in the format's test. */
export function describeFormat(subject: FormatSubject): void {
  describeChecks(`format ${subject.definition.type} keeps the contract`, declarationChecks, subject);
  describeChecks(`format ${subject.definition.type} keeps the contract of formats`, formatChecks, subject);
}

/** For every type: value for value, with the nulls, under the same type. */
export async function writtenRowsReadBack(subject: FormatSubject): Promise<void> {
  await using folder = await temporaryFolder();
  for (const [index, type] of subject.types.entries()) {
    const rows = typedRows(type);
    const path = folder.file(`${index}`);
    await write(writerOf(subject, rows), path, rows);
    const reader = create(subject.definition, subject.readConfig?.(rows.schema) ?? {});
    const { cells, types, invalid } = await decodeAll(reader, [await fileAt(path)]);
    assertSame(invalid, [], `${type}: a file just written must be valid`);
    const written = rows.schema.columns.map((column) => column.type);
    assertSame(types, written, `${type}: the types must come back`);
    assertSame(cells, cellsOf(rows), `${type}: the values must come back`);
    rows.close();
  }
}

/** Every example reads the sample and gives rows, or writes a file that is not empty. */
export async function examplesRead(subject: FormatSubject): Promise<void> {
  await using folder = await temporaryFolder();
  for (const [index, { title, config }] of subject.definition.examples.entries()) {
    const format = create(subject.definition, config);
    if (subject.sample === undefined) {
      const rows = await dataSet("glm-minute");
      await write(format, folder.file(`${index}`), rows);
      rows.close();
    }
    const { rowCount, invalid } = await decodeAll(format, [await fileAt(subject.sample ?? folder.file(`${index}`))]);
    assertSame(invalid, [], `${title}: the example must read a valid file`);
    assert.ok(rowCount > 0, `${title}: the example must give rows`);
  }
}

/** What `probe` and `schema` say before reading is what the batches have. */
export async function probedSchemaIsTheRealOne(subject: FormatSubject): Promise<void> {
  const format = sampleReader(subject);
  const file = await sampleFile(subject);
  const { types } = await decodeAll(format, [file]);
  for (const promised of [format.schema, await format.probe?.(file)]) {
    if (promised === undefined) continue;
    const promisedTypes = promised.columns.map(({ type }) => type);
    assertSame(types, promisedTypes, "the promised schema must be the real one");
  }
}

/** A file from an object store has no path. */
export async function bytesReadLikeAPath(subject: FormatSubject): Promise<void> {
  await using folder = await temporaryFolder();
  const { name, bytes } = await sampleFile(subject);
  await writeFile(folder.file(name), await bytes());
  const fromPath = await decodeAll(sampleReader(subject), [await fileAt(folder.file(name))]);
  const fromBytes = await decodeAll(sampleReader(subject), [fileOf(name, await bytes())]);
  assertSame(fromBytes, fromPath, "bytes must give the same rows as a path");
}

/** What an attempt that was killed left at the path does not show in the file. */
export async function writingStartsAnew(subject: FormatSubject): Promise<void> {
  await using folder = await temporaryFolder();
  const rows = typedRows("int32");
  const format = writerOf(subject, rows);
  if (format.createWriter === undefined) return rows.close();
  await write(format, folder.file("clean"), rows);
  await writeFile(folder.file("leftover"), new Uint8Array(100_000).fill(7));
  await write(format, folder.file("leftover"), rows);
  rows.close();
  const [clean, leftover] = [await readFile(folder.file("clean")), await readFile(folder.file("leftover"))];
  assert.ok(clean.equals(leftover), "the file must be the same as one written where nothing was");
}

/** Nothing, text, zeros and random bytes are not files of this format. */
export async function noiseIsInvalidInput(subject: FormatSubject): Promise<void> {
  const random = uniform(1);
  const noise = {
    nothing: new Uint8Array(),
    text: Buffer.from('not a file of this format\n"'),
    zeros: new Uint8Array(4096),
    random: Uint8Array.from({ length: 4096 }, () => random() * 256),
  };
  for (const [name, bytes] of Object.entries(noise)) await assertSurvives(subject, fileOf(name, bytes), true);
}

export async function truncatedFilesAreInvalidInput(subject: FormatSubject): Promise<void> {
  const { bytes } = await sampleFile(subject);
  const whole = await bytes();
  const lengths = Array.from({ length: 40 }, (_, index) => Math.floor((whole.byteLength * index) / 40));
  for (const length of [...lengths, whole.byteLength - 1]) {
    await assertSurvives(subject, fileOf(`first ${length} bytes`, whole.slice(0, length)), true);
  }
}

/** A flipped bit may go unseen in the values; it may not crash, hang or throw. */
export async function flippedBitsAreNoFailure(subject: FormatSubject): Promise<void> {
  const { bytes } = await sampleFile(subject);
  const whole = await bytes();
  const random = uniform(2);
  for (let count = 0; count < 200; count++) {
    const bit = Math.floor(random() * whole.byteLength * 8);
    const damaged = Uint8Array.from(whole);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    await assertSurvives(subject, fileOf(`bit ${bit} flipped`, damaged), false);
  }
}

/** Good files before and after a damaged one give their rows, and the damaged one is named. */
export async function damageKeepsToItsFile(subject: FormatSubject): Promise<void> {
  if (subject.readsAnything === true) return;
  const good = await sampleFile(subject);
  const damaged = fileOf("damaged", (await good.bytes()).slice(0, 100));
  const alone = await decodeAll(sampleReader(subject), [good]);
  const { rowCount, invalid } = await decodeAll(sampleReader(subject), [good, damaged, good]);
  assert.equal(rowCount, 2 * alone.rowCount, "the good files beside a damaged one must give their rows");
  const named = invalid.map(({ name }) => name);
  assertSame(named, ["damaged"], "the damaged file must be named, and no other");
}

export async function abortEndsDecodingWithinASecond(subject: FormatSubject): Promise<void> {
  const abort = new AbortController();
  const file = await sampleFile(subject);
  const decoding = decodeAll(
    sampleReader(subject),
    Array.from({ length: 10_000 }, () => file),
    abort.signal,
  );
  setTimeout(() => abort.abort(), 50);
  const ended = await settlesWithin(decoding, abortMsMax + 50);
  assert.ok(ended, "decoding many files must end within a second of the abort");
}

/** Reading gives rows, or exactly one invalid input with a reason, or both where rows are refused alone; with `mustBeRefused`, unless the format reads anything, the latter. */
async function assertSurvives(subject: FormatSubject, file: FileContent, mustBeRefused: boolean): Promise<void> {
  const { rowCount, invalid } = await decodeAll(sampleReader(subject), [file]);
  if (invalid.length === 0) {
    assert.ok(!mustBeRefused || subject.readsAnything === true, `${file.name}: must be refused`);
    return;
  }
  if (subject.refusesRows !== true) {
    assert.equal(rowCount, 0, `${file.name}: an invalid file must give no rows`);
    assert.equal(invalid.length, 1, `${file.name}: must be refused once`);
  }
  for (const { name, reason, position } of invalid) {
    assert.equal(name, file.name, "the invalid input must be named for its file");
    assert.ok(reason.length > 0, `${file.name}: must be refused for a reason`);
    const isPlace = position === null || (Number.isInteger(position) && position >= 0);
    assert.ok(isPlace, `${file.name}: the position must be null or count from 0, not ${position}`);
  }
}

function create<C extends FormatDefinition>(definition: C, config: Config): Format {
  return definition.create(definition.config.parse(config));
}

function writerOf({ definition, writeConfig }: FormatSubject, { schema }: Batch): Format {
  return create(definition, writeConfig?.(schema) ?? {});
}

function sampleReader({ definition, sampleConfig = {} }: FormatSubject): Format {
  return create(definition, sampleConfig);
}

/** The sample, or `blobs` as the format writes them. */
async function sampleFile(subject: FormatSubject): Promise<FileContent> {
  if (subject.sample !== undefined) return fileAt(subject.sample);
  await using folder = await temporaryFolder();
  const rows = await dataSet("blobs");
  await write(writerOf(subject, rows), folder.file("sample"), rows);
  rows.close();
  return fileOf("sample", await readFile(folder.file("sample")));
}

async function write(format: Format, path: string, rows: Batch): Promise<void> {
  const writer = await format.createWriter!(path, rows.schema);
  await writer.write(rows);
  await writer.finish();
}

interface DecodedFiles {
  readonly cells: Cells;
  readonly types: readonly string[];
  readonly rowCount: number;
  readonly invalid: readonly InvalidInput["invalid"][];
}

async function decodeAll(
  format: Format,
  files: readonly FileContent[],
  signal: AbortSignal = new AbortController().signal,
): Promise<DecodedFiles> {
  const cells: Record<string, unknown[]> = {};
  let types: string[] = [];
  const invalid: InvalidInput["invalid"][] = [];
  let rowCount = 0;
  for await (const decoded of format.decode!(files, signal)) {
    if (!isBatch(decoded)) {
      invalid.push(decoded.invalid);
      continue;
    }
    types = decoded.schema.columns.map((column) => column.type);
    for (const [name, values] of Object.entries(cellsOf(decoded))) (cells[name] ??= []).push(...values);
    rowCount += decoded.rowCount;
    decoded.close();
  }
  return { cells, types, rowCount, invalid };
}
