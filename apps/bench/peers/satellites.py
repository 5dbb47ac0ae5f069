"""The side of Spark Structured Streaming in taking events from Kafka into a Delta Lake table.

    satellites.py lake JARS BROKER TOPIC OUT    all events that are there, decoded from FlatBuffers, to a table; once
    satellites.py sums FOLDER                   rows and sums of a table, by the package deltalake, as JSON

The decoder is Google's package for Python, in a function over columns, as the original of this pipeline does it. The
process's memory is that of the Java process and of the Python process that it starts for the function.
"""

import glob
import json
import os
import resource
import sys

import pandas as pd
import pyarrow.compute as pc
from flatbuffers import encode, number_types, table

VALUES = ("temp_c", "battery_charge_pct", "altitude_km", "sensor1", "sensor2", "sensor3")
SCHEMA = "satellite_name string, timestamp_ns bigint, " + ", ".join(f"{name} double" for name in VALUES)
COLUMNS = ["satellite_name", "timestamp_ns", *VALUES]


def decode(batches):
    for batch in batches:
        rows = [row_of(bytes(payload)) for payload in batch["value"]]
        yield pd.DataFrame(rows, columns=COLUMNS)


def row_of(payload):
    message = table.Table(payload, encode.Get(number_types.UOffsetTFlags.packer_type, payload, 0))
    double = number_types.Float64Flags
    return (
        message.String(message.Pos + message.Offset(4)).decode(),
        message.GetSlot(6, 0, number_types.Int64Flags),
        *(message.GetSlot(8 + 2 * slot, 0.0, double) for slot in range(len(VALUES))),
    )


def session(jars):
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {
        "spark.jars": ",".join(glob.glob(f"{jars}/*.jar")),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def lake(jars, broker, topic, out):
    spark = session(jars)
    events = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", broker)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
        .select("value")
        .mapInPandas(decode, SCHEMA)
    )
    written = events.writeStream.format("delta").option("checkpointLocation", f"{out}/.checkpoint")
    written.trigger(availableNow=True).start(f"{out}/table").awaitTermination()
    process = spark._jvm.java.lang.ProcessHandle.current().pid()
    with open(f"/proc/{process}/status") as status:
        java = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    spark.stop()
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"peakMemoryBytes": max(java, workers)}))


def sums(folder):
    from deltalake import DeltaTable

    rows = DeltaTable(folder).to_pyarrow_table()
    events = rows.group_by(["satellite_name", "timestamp_ns"]).aggregate([])
    sums = {name: pc.sum(rows[name]).as_py() for name in VALUES}
    print(json.dumps({"rows": rows.num_rows, "events": events.num_rows, **sums}))


{"lake": lake, "sums": sums}[sys.argv[1]](*sys.argv[2:])
