/** Holds a DuckDB file open (its path is the argument), says "open", and lets go when standard input ends. */
import duckdb from "@duckdb/node-bindings";

const database = await duckdb.open(process.argv[2]!);
console.log("open");
process.stdin.on("end", () => duckdb.close_sync(database)).resume();
