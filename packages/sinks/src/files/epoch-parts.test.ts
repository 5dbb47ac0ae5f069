import { batches } from "@sferic/bindings/batch";
import { type Batch, column, type FileWriter, rowsOf, schema } from "@sferic/operator";
import { expect, test } from "vitest";
import { EpochParts, type Part } from "./epoch-parts.ts";

const columns = schema([column("k", "int32"), column("n", "int32")]);

function batchOf(rows: readonly (readonly [k: number, n: number])[]): Batch {
  return batches.fromRows(
    columns,
    rows.map(([k, n]) => ({ k, n })),
  );
}

/** Files in memory: numbers by name, and how many were ever in work together. */
function memory(): {
  written: Map<string, number[]>;
  openMax: () => number;
  create(name: string): Promise<FileWriter>;
} {
  const written = new Map<string, number[]>();
  let [open, most] = [0, 0];
  return {
    written,
    openMax: () => most,
    create: (name) => {
      const numbers: number[] = [];
      written.set(name, numbers);
      most = Math.max(most, (open += 1));
      return Promise.resolve({
        write: async (batch) => void numbers.push(...rowsOf(batch).map(({ n }) => Number(n))),
        finish: async () => {
          open -= 1;
          return { rows: numbers.length, bytes: 0, checksum: "" };
        },
        abort: () => (open -= 1),
      });
    },
  };
}

async function partsOf(files: ReturnType<typeof memory>, waitingBytesMax: number): Promise<Part[]> {
  const maker = {
    partitionBy: ["k"],
    name: (index: number) => `part-${String(index).padStart(3, "0")}`,
    create: files.create,
  };
  const parts = new EpochParts(maker, { waitingBytesMax, openCountMax: 10 });
  // Every batch has rows for all of 50 folders.
  for (const round of [0, 1, 2]) {
    await parts.add(batchOf(Array.from({ length: 50 }, (_, k) => [k, 50 * round + k])));
  }
  return parts.finish();
}

test("rows that fit into memory make one file for each folder", async () => {
  const files = memory();
  const parts = await partsOf(files, 1_000_000);
  expect(parts.map(({ folder }) => folder)).toEqual(Array.from({ length: 50 }, (_, k) => `k=${k}`));
  expect(files.written.get("part-007")).toEqual([7, 57, 107]);
  expect(files.openMax()).toBeLessThanOrEqual(10);
});

test("of more, files are completed early rather than kept open, and every row is in one", async () => {
  const files = memory();
  const parts = await partsOf(files, 0);
  expect(files.openMax()).toBe(10);
  expect(parts.map(({ name }) => name).toSorted()).toEqual([...files.written.keys()].toSorted());
  const numbers = [...files.written.values()].flat().toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 150 }, (_, n) => n));
  for (const { name, folder } of parts) {
    for (const n of files.written.get(name)!) expect(`k=${n % 50}`).toBe(folder);
  }
});
