"""Writes a JSON file of click events, and is the side of DuckDB, Polars and pyarrow in reading it into memory.

    json_reading.py make FILE ROWS                 writes the file, one event a line, if it is not there yet
    json_reading.py duckdb|polars|pyarrow FILE     answers repetitions, see serve.py

The columns and their types are declared to all, so that nobody has to look at the file twice.
"""

from readers import serve_readers

TAGS = ("sale", "new", "mobile", "returning customer", "café")


def make(path, row_count):
    import numpy as np

    random = np.random.default_rng(11)
    start = np.datetime64("2026-01-01T00:00:00", "ms")
    with open(path, "w", encoding="utf-8") as file:
        for first in range(0, row_count, 100_000):
            count = min(100_000, row_count - first)
            moments = np.datetime_as_string(start + (np.arange(first, first + count) * 10).astype("timedelta64[ms]"))
            users, clicks, impressions = (random.integers(0, top, count) for top in (1_000_000, 100, 1000))
            quantities, tags = random.integers(1, 4, count), random.integers(0, len(TAGS), (count, 3))
            prices = np.round(random.uniform(1, 99, (count, 3)), 2)
            for row in range(count):
                quantity = quantities[row]
                items = ", ".join(f'{{"sku": "A-{users[row] % 977}-{i}", "price": {prices[row, i]}}}' for i in range(quantity))
                words = ", ".join(f'"{TAGS[tag]}"' for tag in tags[row, : clicks[row] % 4])
                file.write(
                    f'{{"datetime": "{moments[row]}", "user": {{"id": {users[row]}, "is_member": {"true" if tags[row, 0] else "null"}}}, '
                    f'"sales": {{"quantity": {quantity}, "items": [{items}]}}, '
                    f'"analytics": {{"clicks": {clicks[row]}, "impressions": {impressions[row]}}}, "tags": [{words}]}}\n'
                )


def with_duckdb(path):
    import duckdb

    types = (
        "{datetime: 'TIMESTAMP', user: 'STRUCT(id INTEGER, is_member BOOLEAN)', "
        "sales: 'STRUCT(quantity INTEGER, items STRUCT(sku VARCHAR, price DOUBLE)[])', "
        "analytics: 'STRUCT(clicks INTEGER, impressions INTEGER)', tags: 'VARCHAR[]'}"
    )
    rows = duckdb.sql(f"SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {types})").to_arrow_table()
    return rows.num_rows


def with_polars(path):
    import polars as pl

    schema = {
        "datetime": pl.String,
        "user": pl.Struct({"id": pl.Int32, "is_member": pl.Boolean}),
        "sales": pl.Struct({"quantity": pl.Int32, "items": pl.List(pl.Struct({"sku": pl.String, "price": pl.Float64}))}),
        "analytics": pl.Struct({"clicks": pl.Int32, "impressions": pl.Int32}),
        "tags": pl.List(pl.String),
    }
    rows = pl.read_ndjson(path, schema=schema)
    return len(rows.with_columns(pl.col("datetime").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f")))


def with_pyarrow(path):
    import pyarrow as pa
    import pyarrow.json

    types = pa.schema(
        {
            "datetime": pa.timestamp("us"),
            "user": pa.struct({"id": pa.int32(), "is_member": pa.bool_()}),
            "sales": pa.struct({"quantity": pa.int32(), "items": pa.list_(pa.struct({"sku": pa.string(), "price": pa.float64()}))}),
            "analytics": pa.struct({"clicks": pa.int32(), "impressions": pa.int32()}),
            "tags": pa.list_(pa.string()),
        }
    )
    return pa.json.read_json(path, parse_options=pa.json.ParseOptions(explicit_schema=types)).num_rows


PEERS = {"duckdb": with_duckdb, "polars": with_polars, "pyarrow": with_pyarrow}

if __name__ == "__main__":
    serve_readers(PEERS, make, __doc__)
