/**
 * Rows of a query of DuckDB's own client for Node, which may read any file, unlike the core's; values as JSON has them,
 * integers beyond 32 bits as texts. Throws with DuckDB's words when it fails.
 */
export async function duckdbRows(sql: string): Promise<Record<string, unknown>[]> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
