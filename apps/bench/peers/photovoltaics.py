"""Writes a system-year of photovoltaic readings, and is the side of Polars, DuckDB and pandas in joining it.

    photovoltaics.py make FOLDER DAYS                   daily Parquet files and the table of metrics, if not there yet
    photovoltaics.py polars|duckdb|pandas FOLDER OUT    answers repetitions, see serve.py

The files are laid out as PVDAQ's: year=Y/month=M/day=D, one row per metric and minute. The work: readings whose value is
not null, of the metrics of three sensors, with the sensor's name, into one Parquet file, which is flushed to the disk.
"""

import datetime
import os
import sys
from importlib.metadata import version
from pathlib import Path

from serve import serve

METRIC_COUNT = 30
MINUTES = 1440
SENSORS = ("dc_power", "ac_power", "poa_irradiance")


def make(folder, day_count):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(1846021)
    metrics = np.arange(METRIC_COUNT, dtype="int32") + 730
    names = [*SENSORS, *(f"inverter_{index}_temperature" for index in range(METRIC_COUNT - len(SENSORS)))]
    table = pa.table({"metric_id": metrics, "sensor_name": names, "raw_units": ["W", "W", "W/m2", *["C"] * (METRIC_COUNT - 3)]})
    readings = Path(folder) / "readings"
    readings.mkdir(parents=True)
    pq.write_table(table, Path(folder) / "metrics.parquet")
    minute = np.arange(MINUTES, dtype="int64").repeat(METRIC_COUNT)
    light = np.clip(np.sin((minute - 360) / 720 * np.pi), 0, None)
    for day in range(day_count):
        date = datetime.date(2018, 1, 1) + datetime.timedelta(days=day)
        start = int(np.datetime64(date, "us").astype("int64"))
        value = np.round(light * random.uniform(0.2, 1) * 5000 + random.normal(0, 20, light.size), 2)
        utc = start + minute * 60_000_000
        columns = {
            "measured_on": pa.array(utc - 7 * 3600 * 10**6, pa.timestamp("us")),
            "utc_measured_on": pa.array(utc, pa.timestamp("us")),
            "metric_id": np.tile(metrics, MINUTES),
            "value": pa.array(value, mask=random.random(light.size) < 0.01),
        }
        place = readings / f"year={date.year}/month={date.month}/day={date.day}"
        place.mkdir(parents=True)
        pq.write_table(pa.table(columns), place / "part.parquet", compression="snappy")


def with_polars(folder, out):
    import polars as pl

    sensors = pl.scan_parquet(f"{folder}/metrics.parquet").filter(pl.col("sensor_name").is_in(SENSORS))
    readings = pl.scan_parquet(f"{folder}/readings/**/*.parquet", hive_partitioning=False)
    facts = readings.filter(pl.col("value").is_not_null()).join(sensors, on="metric_id")
    facts.select("measured_on", "sensor_name", "raw_units", "value").sink_parquet(out, compression="zstd")


def with_duckdb(folder, out):
    import duckdb

    names = ", ".join(f"'{name}'" for name in SENSORS)
    duckdb.execute(
        f"COPY (SELECT measured_on, sensor_name, raw_units, value FROM read_parquet('{folder}/readings/**/*.parquet', "
        f"hive_partitioning = false) JOIN (SELECT * FROM '{folder}/metrics.parquet' WHERE sensor_name IN ({names})) "
        f"USING (metric_id) WHERE value IS NOT NULL) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
    )


def with_pandas(folder, out):
    import pandas as pd

    metrics = pd.read_parquet(f"{folder}/metrics.parquet")
    metrics = metrics[metrics.sensor_name.isin(SENSORS)]
    readings = pd.concat(pd.read_parquet(path) for path in sorted(Path(folder, "readings").rglob("*.parquet")))
    facts = readings[readings.value.notna()].merge(metrics, on="metric_id")
    facts[["measured_on", "sensor_name", "raw_units", "value"]].to_parquet(out, compression="zstd", index=False)


PEERS = {"polars": with_polars, "duckdb": with_duckdb, "pandas": with_pandas}


def main(peer, folder, out):
    import pyarrow.parquet as pq

    def work(_):
        PEERS[peer](folder, out)
        descriptor = os.open(out, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    Path(out).parent.mkdir(parents=True, exist_ok=True)
    serve(
        work,
        lambda _: {"rows": pq.read_metadata(out).num_rows},
        versions={peer: version(peer)},
        before=lambda: Path(out).unlink(missing_ok=True),
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, day_count]:
            if not os.path.exists(folder):
                make(f"{folder}.tmp", int(day_count))
                os.rename(f"{folder}.tmp", folder)
        case [("polars" | "duckdb" | "pandas") as peer, folder, out]:
            main(peer, folder, out)
        case _:
            sys.exit(__doc__)
