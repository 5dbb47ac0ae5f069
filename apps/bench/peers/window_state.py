"""Writes keyed events as Parquet, and is the side of DuckDB and Polars in grouping them by day and key.

    window_state.py make FOLDER ROWS KEYS          bulk/ with 10 files, and few/ with 200 files of 1,000 rows, if not there yet
    window_state.py duckdb|polars FOLDER           answers repetitions, see serve.py

The work: count, sum and maximum per day and key over bulk/, in memory. All rows are of one day, every key comes up equally often.
"""

import os
import sys
from importlib.metadata import version

from serve import serve

BULK_FILES, FEW_FILES, FEW_ROWS = 10, 200, 1000


def write(path, first, count, key_count):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    index = np.arange(first, first + count)
    at = np.datetime64("2026-01-01T00:00:00", "ms") + (index // 1000).astype("timedelta64[ms]")
    values = np.random.default_rng(first).random(count)
    pq.write_table(pa.table({"at": at, "k": (index * 7919) % key_count, "v": values}), path)


def make(folder, row_count, key_count):
    for part in ("bulk", "few"):
        os.makedirs(f"{folder}/{part}")
    rows = row_count // BULK_FILES
    for file in range(BULK_FILES):
        write(f"{folder}/bulk/{file:05}.parquet", file * rows, rows, key_count)
    for file in range(FEW_FILES):
        write(f"{folder}/few/{file:05}.parquet", row_count + file * FEW_ROWS, FEW_ROWS, key_count)


def with_duckdb(folder):
    import duckdb
    import polars as pl

    return duckdb.sql(
        "SELECT time_bucket(INTERVAL 1 DAY, \"at\") AS day, k, count(*) AS n, sum(v) AS v, max(v) AS top "
        f"FROM read_parquet('{folder}/bulk/*.parquet') GROUP BY ALL"
    ).pl()


def with_polars(folder):
    import polars as pl

    events = pl.scan_parquet(f"{folder}/bulk/*.parquet").with_columns(pl.col("at").dt.truncate("1d").alias("day"))
    sums = (pl.len().alias("n"), pl.col("v").sum(), pl.col("v").max().alias("top"))
    return events.group_by("day", "k").agg(*sums).collect()


PEERS = {"duckdb": with_duckdb, "polars": with_polars}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, row_count, key_count]:
            if not os.path.exists(folder):
                make(f"{folder}.tmp", int(row_count), int(key_count))
                os.rename(f"{folder}.tmp", folder)
        case [("polars" | "duckdb") as peer, folder]:
            serve(lambda _: PEERS[peer](folder), lambda found: {"groups": len(found)}, versions={peer: version(peer)})
        case _:
            sys.exit(__doc__)
