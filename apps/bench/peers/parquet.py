"""Writes the benchmark's table, and is the side of Polars, DuckDB and pyarrow in writing it to Parquet.

    parquet.py make FILE ROWS                             writes the table (Parquet, uncompressed), if it is not there yet
    parquet.py polars|duckdb|pyarrow FILE zstd|snappy     answers repetitions, see serve.py

A peer holds the whole table in its own memory format before the clock starts. The clock covers writing the file and
flushing it to the disk (fsync), because a Sferic writer does both. zstd is level 3 everywhere; every other setting is
the peer's default. The file is written beside FILE and stays there until the next repetition.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from serve import serve

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
    level = ZSTD_LEVEL if codec == "zstd" else None
    return lambda path: frame.write_parquet(path, compression=codec, compression_level=level)


def duckdb_writer(source, codec):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE flashes AS SELECT * FROM read_parquet(?)", [source])
    options = f"FORMAT parquet, COMPRESSION {codec}"
    if codec == "zstd":
        options += f", COMPRESSION_LEVEL {ZSTD_LEVEL}"
    return lambda path: connection.execute(f"COPY flashes TO '{path}' ({options})")


def pyarrow_writer(source, codec):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(source).combine_chunks()
    level = ZSTD_LEVEL if codec == "zstd" else None
    return lambda path: pyarrow.parquet.write_table(table, path, compression=codec, compression_level=level)


PEERS = {"polars": polars_writer, "duckdb": duckdb_writer, "pyarrow": pyarrow_writer}


def row_count_of(path):
    import pyarrow.parquet

    return pyarrow.parquet.read_metadata(path).num_rows


def main(peer, source, codec):
    write = PEERS[peer](source, codec)
    path = f"{source}.{peer}.{codec}"

    def work(_):
        write(path)
        flush(path)

    serve(
        work,
        lambda _: {"rows": row_count_of(path), "bytes": os.path.getsize(path)},
        versions={peer: version(peer)},
        before=lambda: Path(path).unlink(missing_ok=True),
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", path, row_count]:
            if not os.path.exists(path):
                make(f"{path}.tmp", int(row_count))
                os.rename(f"{path}.tmp", path)
        case [("polars" | "duckdb" | "pyarrow") as peer, path, ("zstd" | "snappy") as codec]:
            main(peer, path, codec)
        case _:
            sys.exit(__doc__)
