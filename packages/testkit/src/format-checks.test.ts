import { createHash } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { type Batch, type FileContent, type FileWriter, type Format, defineFormat, Schema } from "@sferic/operator";
import { type Table, tableFromIPC, tableToIPC } from "apache-arrow";
import { z } from "zod";
import {
  abortEndsDecodingWithinASecond,
  bytesReadLikeAPath,
  damageKeepsToItsFile,
  examplesRead,
  flippedBitsAreNoFailure,
  formatChecks,
  type FormatSubject,
  noiseIsInvalidInput,
  probedSchemaIsTheRealOne,
  truncatedFilesAreInvalidInput,
  writingStartsAnew,
  writtenRowsReadBack,
} from "./format-checks.ts";
import { describeDoubles, forever } from "./testing/doubles.ts";

/** A sealed file: the SHA-256 of an Arrow IPC stream, and the stream. */
function sealed(table: Table): Buffer {
  const stream = tableToIPC(table, "stream");
  return Buffer.concat([digest(stream), stream]);
}

/** The rows of a sealed file; undefined when the seal is broken. */
function opened(file: Uint8Array): Batch | undefined {
  const stream = file.subarray(32);
  return digest(stream).equals(file.subarray(0, 32)) ? batches.fromArrow(tableFromIPC(stream)) : undefined;
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

async function contentOf({ path, bytes }: FileContent): Promise<Uint8Array> {
  return path === undefined ? bytes() : readFile(path);
}

/** How a sealed file is written. */
type Save = (path: string, file: Uint8Array) => Promise<void>;

function writerTo(path: string, save: Save): FileWriter {
  let file: Uint8Array = Buffer.alloc(0);
  let rows = 0;
  return {
    write: async (batch) => {
      rows += batch.rowCount;
      file = sealed(batch.toArrow());
    },
    finish: async () => {
      await save(path, file);
      return { rows, bytes: file.byteLength, checksum: "" };
    },
    abort: () => {},
  };
}

/** The format of sealed files as it should be. */
const good: Required<Pick<Format, "ending" | "probe" | "decode" | "createWriter">> = {
  ending: "sealed",
  probe: async (file) => {
    const batch = opened(await contentOf(file))!;
    const { schema } = batch;
    batch.close();
    return schema;
  },
  decode: async function* (files, signal) {
    for (const file of files) {
      signal.throwIfAborted();
      yield opened(await contentOf(file)) ?? broken(file.name);
    }
  },
  createWriter: async (path) => writerTo(path, writeFile),
};

function broken(name: string): { invalid: { name: string; reason: string; position: number | null } } {
  return { invalid: { name, reason: "the seal is broken", position: 0 } };
}

/** The good format, but for what is changed. */
function format(changes: Partial<Format> = {}): FormatSubject {
  const definition = defineFormat({
    type: "sealed",
    since: "0.1.0",
    status: "experimental",
    summary: "Arrow streams under a seal.",
    config: z.strictObject({}),
    errors: [],
    examples: [{ title: "Sealed", config: {} }],
    create: () => ({ ...good, ...changes }),
  });
  return { definition, types: ["int64", "utf8"] };
}

/** A format that decodes one file after the other. */
function decoding(one: (file: FileContent) => Promise<Batch | ReturnType<typeof broken>>): Partial<Format> {
  return {
    decode: async function* (files) {
      for (const file of files) yield await one(file);
    },
  };
}

function withoutLastRow(batch: Batch): Batch {
  const kept = batches.fromArrow(batch.toArrow().slice(0, -1));
  batch.close();
  return kept;
}

const nothing = (): Batch => batches.concat([], new Schema([]));

describeDoubles(formatChecks, format(), [
  {
    breaks: writtenRowsReadBack,
    defect: "it loses the last row",
    subject: format(decoding(async (file) => withoutLastRow(opened(await contentOf(file))!))),
    message: /int64: the values must come back/,
  },
  {
    breaks: examplesRead,
    defect: "it refuses what it wrote",
    subject: format(decoding(async ({ name }) => broken(name))),
    message: /Sealed: the example must read a valid file[^]*the seal is broken/,
  },
  {
    breaks: examplesRead,
    defect: "it reads no rows",
    subject: format(decoding(async () => nothing())),
    message: /Sealed: the example must give rows/,
  },
  {
    breaks: probedSchemaIsTheRealOne,
    defect: "it promises text",
    subject: format({
      probe: async (file) => new Schema((await good.probe(file)).columns.map((one) => ({ ...one, type: "utf8" }))),
    }),
    message: /the promised schema must be the real one[^]*utf8/,
  },
  {
    breaks: bytesReadLikeAPath,
    defect: "it reads only what has a path",
    subject: format(decoding(async (file) => (file.path === undefined ? nothing() : opened(await contentOf(file))!))),
    message: /bytes must give the same rows as a path/,
  },
  {
    breaks: writingStartsAnew,
    defect: "it writes behind what is there",
    subject: format({ createWriter: async (path) => writerTo(path, appendFile) }),
    message: /must be the same as one written where nothing was/,
  },
  {
    breaks: noiseIsInvalidInput,
    defect: "it takes an empty file for one without rows",
    subject: format(
      decoding(async (file) =>
        file.byteLength === 0 ? nothing() : (opened(await contentOf(file)) ?? broken(file.name)),
      ),
    ),
    message: /nothing: must be refused/,
  },
  {
    breaks: noiseIsInvalidInput,
    defect: "it refuses without a reason",
    subject: format(decoding(async ({ name }) => ({ invalid: { name, reason: "", position: null } }))),
    message: /nothing: must be refused for a reason/,
  },
  {
    breaks: noiseIsInvalidInput,
    defect: "it counts places from -1",
    subject: format(decoding(async ({ name }) => ({ invalid: { name, reason: "bad", position: -1 } }))),
    message: /nothing: the position must be null or count from 0, not -1/,
  },
  {
    breaks: truncatedFilesAreInvalidInput,
    defect: "it takes what is cut off for empty",
    subject: format(decoding(async (file) => opened(await contentOf(file)) ?? nothing())),
    message: /first 0 bytes: must be refused/,
  },
  {
    breaks: flippedBitsAreNoFailure,
    defect: "it throws",
    subject: format(
      decoding(async (file) => {
        const batch = opened(await contentOf(file));
        if (batch === undefined) throw new RangeError("Out of bounds.");
        return batch;
      }),
    ),
    message: /flipped bits are no failure.*Out of bounds\./,
  },
  {
    breaks: flippedBitsAreNoFailure,
    defect: "it gives rows of a file that it refuses",
    subject: format({
      decode: async function* ([file]) {
        const content = await contentOf(file!);
        yield batches.fromArrow(tableFromIPC(sealed(tableOfOne()).subarray(32)));
        if (opened(content) === undefined) yield broken(file!.name);
      },
    }),
    message: /an invalid file must give no rows/,
  },
  {
    breaks: damageKeepsToItsFile,
    defect: "it stops at a damaged file",
    subject: format({
      decode: async function* (files, signal) {
        for await (const decoded of good.decode(files, signal)) {
          yield decoded;
          if ("invalid" in decoded) return;
        }
      },
    }),
    message: /the good files beside a damaged one must give their rows/,
  },
  {
    breaks: damageKeepsToItsFile,
    defect: "it skips a damaged file",
    subject: format({
      decode: async function* (files, signal) {
        for await (const decoded of good.decode(files, signal)) if (!("invalid" in decoded)) yield decoded;
      },
    }),
    message: /the damaged file must be named/,
  },
  {
    breaks: abortEndsDecodingWithinASecond,
    defect: "it does not listen to the signal",
    subject: format(decoding(forever)),
    message: /must end within a second of the abort/,
  },
]);

function tableOfOne(): Table {
  const one = batches.fromRows(new Schema([{ name: "x", type: "int32", nullable: false }]), [{ x: 1 }]);
  const table = one.toArrow();
  one.close();
  return table;
}
