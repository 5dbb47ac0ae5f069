"""Writes a CSV file, and is the side of DuckDB, Polars and pyarrow in reading it into memory.

    csv_reading.py make FILE ROWS                  writes the file, if it is not there yet
    csv_reading.py duckdb|polars|pyarrow FILE      answers repetitions, see serve.py

The columns and their types are declared to all, so that nobody has to look at the file twice.
"""

from readers import serve_readers


def make(path, row_count):
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv

    random = np.random.default_rng(7)
    table = pa.table(
        {
            "time": pa.array(1_514_764_800_000_000 + np.arange(row_count) * 1_000_000, pa.timestamp("us")),
            "sensor": pa.array(random.integers(0, 100, row_count), pa.int32()),
            "name": pa.array([f"inverter {index}" for index in range(50)]).take(pa.array(random.integers(0, 50, row_count))),
            "value": np.round(random.normal(100, 20, row_count), 3),
            "quality": pa.array(random.integers(0, 4, row_count), pa.int32(), mask=random.random(row_count) < 0.1),
        }
    )
    pa.csv.write_csv(table, path)


def with_duckdb(path):
    import duckdb

    types = "{time: 'TIMESTAMP', sensor: 'INTEGER', name: 'VARCHAR', value: 'DOUBLE', quality: 'INTEGER'}"
    return duckdb.sql(f"SELECT * FROM read_csv('{path}', columns = {types}, header = true)").to_arrow_table().num_rows


def with_polars(path):
    import polars as pl

    schema = {"time": pl.Datetime("us"), "sensor": pl.Int32, "name": pl.String, "value": pl.Float64, "quality": pl.Int32}
    return len(pl.read_csv(path, schema=schema))


def with_pyarrow(path):
    import pyarrow as pa
    import pyarrow.csv

    types = {"time": pa.timestamp("us"), "sensor": pa.int32(), "name": pa.string(), "value": pa.float64(), "quality": pa.int32()}
    return pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(column_types=types)).num_rows


PEERS = {"duckdb": with_duckdb, "polars": with_polars, "pyarrow": with_pyarrow}

if __name__ == "__main__":
    serve_readers(PEERS, make, __doc__)
