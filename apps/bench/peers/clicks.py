"""Writes click events as JSON, and is the side of DuckDB and Polars in summing them by 30 seconds.

    clicks.py make FOLDER ROWS FILE_ROWS           files of so many events each, one event a line, if not there yet
    clicks.py duckdb|polars FOLDER                 answers repetitions, see serve.py

The work: nested events flattened, and per 30 seconds the sums of clicks, impressions, quantity and total price, in memory.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from serve import serve

SUMS = ("clicks", "impressions", "quantity", "total_price")


def make(folder, row_count, file_rows):
    import numpy as np

    Path(folder).mkdir(parents=True)
    random = np.random.default_rng(30)
    start = np.datetime64("2026-01-01T00:00:00", "ms")
    for first in range(0, row_count, file_rows):
        count = min(file_rows, row_count - first)
        moments = start + (np.arange(first, first + count) * 10).astype("timedelta64[ms]")
        quantity, clicks, impressions = (random.integers(0, top, count) for top in (10, 100, 1000))
        price = np.round(quantity * random.uniform(1, 99, count), 2)
        columns = zip(np.datetime_as_string(moments), quantity, price, clicks, impressions)
        with open(f"{folder}/{first // file_rows:05}.json", "w") as file:
            for moment, q, p, c, i in columns:
                file.write(
                    f'{{"datetime": "{moment}", "sales": {{"quantity": {q}, "total_price": {p}}}, '
                    f'"analytics": {{"clicks": {c}, "impressions": {i}}}}}\n'
                )


def with_duckdb(folder):
    import duckdb
    import polars as pl

    nested = (
        "{datetime: 'TIMESTAMP', sales: 'STRUCT(quantity INTEGER, total_price DOUBLE)', "
        "analytics: 'STRUCT(clicks INTEGER, impressions INTEGER)'}"
    )
    return duckdb.sql(
        "SELECT time_bucket(INTERVAL 30 SECOND, datetime) AS window_start, sum(analytics.clicks)::BIGINT AS clicks, "
        "sum(analytics.impressions)::BIGINT AS impressions, sum(sales.quantity)::BIGINT AS quantity, "
        f"sum(sales.total_price) AS total_price FROM read_json('{folder}/*.json', format = 'newline_delimited', "
        f"columns = {nested}) GROUP BY 1 ORDER BY 1"
    ).pl()


def with_polars(folder):
    import polars as pl

    schema = {
        "datetime": pl.String,
        "sales": pl.Struct({"quantity": pl.Int32, "total_price": pl.Float64}),
        "analytics": pl.Struct({"clicks": pl.Int32, "impressions": pl.Int32}),
    }
    events = pl.scan_ndjson(f"{folder}/*.json", schema=schema).unnest("sales", "analytics")
    moment = pl.col("datetime").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f")
    windows = events.with_columns(moment.dt.truncate("30s").alias("window_start")).group_by("window_start")
    return windows.agg(pl.col(name).cast(pl.Int64 if name != "total_price" else pl.Float64).sum() for name in SUMS).sort("window_start").collect()


PEERS = {"duckdb": with_duckdb, "polars": with_polars}


def values(windows):
    return {"rows": len(windows), **{name: float(windows[name].sum()) for name in SUMS}}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, row_count, file_rows]:
            if not os.path.exists(folder):
                make(f"{folder}.tmp", int(row_count), int(file_rows))
                os.rename(f"{folder}.tmp", folder)
        case [("polars" | "duckdb") as peer, folder]:
            serve(lambda _: PEERS[peer](folder), values, versions={peer: version(peer)})
        case _:
            sys.exit(__doc__)
