import { defineConfig } from "vitest/config";

// Checks that need Delta Lake on Spark: `npm run test:spark`.
const conditions = ["@sferic/source", "module", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    root: import.meta.dirname,
    include: ["**/*.spark.ts"],
    // A session of Spark takes a gigabyte; brokers and killed runs want the rest of the machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
