"""The side of Spark Structured Streaming in reading files epoch by epoch, and the sums that tell whether windows are equal.

    streams.py clickstream FOLDER OUT      click events, JSON to flat CSV, then CSV to sums per 30 seconds; once
    streams.py epochs FOLDER OUT EPOCHS    small JSON files to Parquet, five to an epoch; answers repetitions, see serve.py
    streams.py sums FOLDER                 sums over the windows in a folder's Parquet files, as JSON

Both use two local threads, the memory and compiler that Spark comes with, two shuffle partitions for the two cores, and
nothing that would run beside the query. The processes' memory is that of the Java process, which does the work.
"""

import json
import shutil
import sys
from pathlib import Path

from serve import serve

FILES_PER_EPOCH = 5
SUMS = ("clicks", "impressions", "quantity", "total_price")


def session():
    from pyspark.sql import SparkSession

    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as failure:
        sys.exit(f"Spark does not start; it needs Java 17 or newer on the PATH, or JAVA_HOME. {failure}")
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def peak_memory_bytes(spark):
    process = spark._jvm.java.lang.ProcessHandle.current().pid()
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def read(spark, form, schema, pattern):
    stream = spark.readStream.format(form).schema(schema).option("maxFilesPerTrigger", FILES_PER_EPOCH)
    return stream.option("header", True).load(pattern) if form == "csv" else stream.load(pattern)


def write(rows, form, folder):
    stream = rows.writeStream.format(form).option("checkpointLocation", f"{folder}/.checkpoint").trigger(availableNow=True)
    query = (stream.option("header", True) if form == "csv" else stream).start(folder)
    query.awaitTermination()
    return query


def clickstream(spark, folder, out):
    from pyspark.sql.functions import col, sum as sum_of, window

    nested = "datetime TIMESTAMP, sales STRUCT<quantity: INT, total_price: DOUBLE>, analytics STRUCT<clicks: INT, impressions: INT>"
    flat = "datetime TIMESTAMP, quantity INT, total_price DOUBLE, clicks INT, impressions INT"
    events = read(spark, "json", nested, f"{folder}/*.json")
    write(events.select("datetime", "sales.*", "analytics.*"), "csv", f"{out}/csv")
    clicks = read(spark, "csv", flat, f"{out}/csv/*.csv").withWatermark("datetime", "10 seconds")
    windows = clicks.groupBy(window("datetime", "30 seconds")).agg(*(sum_of(name).alias(name) for name in SUMS))
    times = col("window.start").alias("window_start"), col("window.end").alias("window_end")
    write(windows.select(*times, *SUMS), "parquet", f"{out}/parquet")


def epochs(spark, folder, out, count):
    rows = read(spark, "json", "k INT, v DOUBLE", f"{folder}/*.json").where("v > 1")
    query = write(rows, "parquet", out)
    # What was read of progress is only that of the newest 100 epochs.
    ran = query.lastProgress["batchId"] + 1
    if ran != count:
        sys.exit(f"{ran} epochs ran, not {count}")
    return spark.read.parquet(out).count() / count


def sums(folder):
    import polars as pl

    windows = pl.read_parquet(f"{folder}/*.parquet")
    return {"windows": len(windows), **{name: float(windows[name].sum()) for name in SUMS}}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["clickstream", folder, out]:
            spark = session()
            clickstream(spark, folder, out)
            print(json.dumps({"version": spark.version, "peakMemoryBytes": peak_memory_bytes(spark)}))
            spark.stop()
        case ["epochs", folder, out, count]:
            spark = session()
            serve(
                lambda _: epochs(spark, folder, out, int(count)),
                lambda rows: {"rowsPerEpoch": rows, "peakMemoryBytes": peak_memory_bytes(spark)},
                versions={"pyspark": spark.version},
                before=lambda: shutil.rmtree(out, ignore_errors=True),
                parts=int(count),
            )
        case ["sums", folder]:
            print(json.dumps(sums(folder)))
        case _:
            sys.exit(__doc__)
