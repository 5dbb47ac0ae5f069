"""Writes the benchmark's table, and times how fast Polars, DuckDB and pyarrow write it to Parquet or CSV.

    parquet.py make FILE [ROWS]                                  writes the table (Parquet, uncompressed)
    parquet.py polars|duckdb|pyarrow FILE zstd|snappy|csv [REPEATS]   prints {"seconds", "bytes", "version"}

A peer holds the whole table in its own memory format before the clock starts. The clock covers writing the file and
flushing it to the disk (fsync), because a Sferic writer does both. `seconds` is the minimum of the repeats.
zstd is level 3 everywhere; every other setting is the peer's default. Needs numpy, polars, duckdb, pyarrow.
"""

import json
import os
import sys
import tempfile
import time

ROW_COUNT = 5_000_000
PRODUCT_ROWS = 20_000
PRODUCT_SECONDS = 20
STORM_COUNT = 400
ZSTD_LEVEL = 3


def make(path, row_count):
    """Lightning as a mapper delivers it: 20-second products, storms that last, and three satellites.

    time       timestamp[ns, UTC], sorted but for jitter inside a product, on the instrument's 0.38 ms lattice
    latitude   float64, degrees: float32 values (as stored in the product), widened
    longitude  float64, degrees: likewise
    energy     float64, joules: a 16-bit lattice, log-normal
    flash_id   int32: counts up in a product, then starts again
    satellite  utf8, 3 values
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(20180702)
    row = np.arange(row_count)
    start = np.datetime64("2018-07-02T04:33:00", "ns").astype("int64")
    lattice = np.sort(random.integers(0, 52_428, row_count).reshape(-1, min(PRODUCT_ROWS, row_count)), axis=1).ravel()
    lattice += random.integers(0, 40, row_count)
    nanoseconds = start + row // PRODUCT_ROWS * PRODUCT_SECONDS * 10**9 + np.rint(lattice * 381_475.55).astype("int64")

    storm = random.integers(0, STORM_COUNT, row_count // 12 + 1).repeat(12)[:row_count]
    storm_latitude = random.uniform(-50, 50, STORM_COUNT)
    storm_longitude = random.uniform(-130, -30, STORM_COUNT)
    latitude = (storm_latitude[storm] + random.normal(0, 0.4, row_count)).astype("float32").astype("float64")
    longitude = (storm_longitude[storm] + random.normal(0, 0.4, row_count)).astype("float32").astype("float64")
    counts = np.clip(random.lognormal(5.0, 1.1, row_count), 1, 65_535).astype("int64")
    energy = counts * 1.52597e-15 + 2.8515e-16
    satellites = pa.array(["G16", "G17", "G18"]).take(pa.array(np.repeat(random.integers(0, 3, row_count // 40 + 1), 40)[:row_count]))

    degrees, joules = {"unit": "degrees"}, {"unit": "J"}
    schema = pa.schema(
        [
            pa.field("time", pa.timestamp("ns", "UTC")),
            pa.field("latitude", pa.float64(), metadata=degrees),
            pa.field("longitude", pa.float64(), metadata=degrees),
            pa.field("energy", pa.float64(), metadata=joules),
            pa.field("flash_id", pa.int32()),
            pa.field("satellite", pa.string()),
        ]
    )
    flash_id = (row % PRODUCT_ROWS).astype("int32")
    table = pa.table([pa.array(nanoseconds, pa.timestamp("ns", "UTC")), latitude, longitude, energy, flash_id, satellites], schema)
    pq.write_table(table, path, compression="none", use_dictionary=False, row_group_size=1 << 20)


def flush(path):
    """Waits until the file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def polars_writer(source, codec):
    import polars

    frame = polars.read_parquet(source).rechunk()
    if codec == "csv":
        return polars.__version__, lambda path: frame.write_csv(path)
    level = ZSTD_LEVEL if codec == "zstd" else None
    return polars.__version__, lambda path: frame.write_parquet(path, compression=codec, compression_level=level)


def duckdb_writer(source, codec):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE flashes AS SELECT * FROM read_parquet(?)", [source])
    options = "FORMAT csv, HEADER" if codec == "csv" else f"FORMAT parquet, COMPRESSION {codec}"
    if codec == "zstd":
        options += f", COMPRESSION_LEVEL {ZSTD_LEVEL}"
    return duckdb.__version__, lambda path: connection.execute(f"COPY flashes TO '{path}' ({options})")


def pyarrow_writer(source, codec):
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(source).combine_chunks()
    if codec == "csv":
        return pyarrow.__version__, lambda path: pyarrow.csv.write_csv(table, path)
    level = ZSTD_LEVEL if codec == "zstd" else None
    return pyarrow.__version__, lambda path: pyarrow.parquet.write_table(
        table, path, compression=codec, compression_level=level
    )


PEERS = {"polars": polars_writer, "duckdb": duckdb_writer, "pyarrow": pyarrow_writer}


def measure(peer, source, codec, repeats):
    version, write = PEERS[peer](source, codec)
    best = float("inf")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(source))) as folder:
        path = os.path.join(folder, f"{peer}.{codec}")
        for _ in range(repeats):
            if os.path.exists(path):
                os.remove(path)
            begin = time.perf_counter()
            write(path)
            flush(path)
            best = min(best, time.perf_counter() - begin)
        return {"seconds": round(best, 4), "bytes": os.path.getsize(path), "version": version}


def main(arguments):
    match arguments:
        case ["make", path, *rows]:
            make(path, int(rows[0]) if rows else ROW_COUNT)
        case [peer, path, ("zstd" | "snappy" | "csv") as codec, *repeats] if peer in PEERS:
            print(json.dumps(measure(peer, path, codec, int(repeats[0]) if repeats else 5)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
