/**
 * h5wasm's side of decoding granules: `h5wasm.ts FOLDER ROUNDS`. Reads every variable along the three tables' dimensions
 * as it is stored, which is less than the others do: no scaling, no fill values, no times.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import h5wasm, { type Dataset } from "h5wasm/node";
import manifest from "../../package.json" with { type: "json" };
import { serve } from "../ours/serve.ts";

const [folder = "", rounds = ""] = process.argv.slice(2);
const paths = globSync(join(folder, "*.nc")).toSorted();
await h5wasm.ready;

function rowsIn(path: string): number {
  const file = new h5wasm.File(path, "r");
  let rows = 0;
  for (const name of file.keys().filter((key) => /^(flash|group|event)_/.test(key))) {
    const dataset = file.get(name) as Dataset;
    if (dataset.shape?.length !== 1) continue;
    const { length } = dataset.value as ArrayLike<number>;
    if (/^(flash|group|event)_id$/.test(name)) rows += length;
  }
  file.close();
  return rows;
}

// Exact in the manifest, which h5wasm's own does not let anyone read.
const { h5wasm: version } = manifest.devDependencies;

await serve({
  versions: { h5wasm: version },
  work: async () => {
    let rows = 0;
    for (let round = 0; round < Number(rounds); round++) rows = paths.reduce((sum, path) => sum + rowsIn(path), 0);
    return rows;
  },
  values: (rows) => ({ rows }),
  parts: Number(rounds) * paths.length,
});
