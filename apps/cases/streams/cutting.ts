import { batches } from "@sferic/bindings/batch";
import { isBatch, type Source, type SourceDefinition } from "@sferic/operator";

/** The same source, whose batches have at most so many rows. */
export function cutting(definition: SourceDefinition, batchRows: number): SourceDefinition {
  return {
    ...definition,
    create: (config, context) => {
      const source = definition.create(config, context);
      const read: Source["read"] = (...range) => readCut(source, range, batchRows);
      return new Proxy(source, {
        get: (target, property) => {
          if (property === "read") return read;
          const value = Reflect.get(target, property) as unknown;
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

async function* readCut(
  source: Source,
  range: Parameters<Source["read"]>,
  batchRows: number,
): ReturnType<Source["read"]> {
  for await (const output of source.read(...range)) {
    if (!isBatch(output) || output.rowCount <= batchRows) {
      yield output;
      continue;
    }
    const table = output.toArrow();
    output.close();
    for (let start = 0; start < table.numRows; start += batchRows) {
      yield batches.fromArrow(table.slice(start, start + batchRows));
    }
  }
}
