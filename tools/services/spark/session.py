"""Answers SQL over Delta tables with Delta Lake on Spark, or with DuckDB's reader of Delta tables.

One request a line on standard input, {"reader": "spark" | "duckdb", "sql": …}; one answer a line on standard output,
{"rows": [{column: value}]} or {"error": …}. Values that JSON does not have are answered as text. Argument: the folder
with the jars of Delta Lake. Readers start with their first request.
"""

import glob
import json
import os
import sys

jars = sys.argv[1]
# Spark prints to standard output, which is for answers only.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def start_spark():
    from pyspark.sql import SparkSession

    # One small process: checks of a few megabytes would otherwise spend their time in planning hundreds of tasks.
    settings = {
        "spark.jars": ",".join(glob.glob(f"{jars}/*.jar")),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("sferic-checks")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    return lambda sql: [row.asDict(recursive=True) for row in session.sql(sql).collect()]


def start_duckdb():
    import duckdb
    import duckdb_extension_delta

    folder = os.path.dirname(duckdb_extension_delta.__file__)
    [extension] = glob.glob(f"{folder}/extensions/v{duckdb.__version__}/delta.duckdb_extension")
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(config=settings)
    connection.execute(f"LOAD '{extension}'")

    def query(sql):
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row)) for row in result.fetchall()]

    return query


readers = {}
for line in sys.stdin:
    request = json.loads(line)
    try:
        reader = request["reader"]
        if reader not in readers:
            readers[reader] = {"spark": start_spark, "duckdb": start_duckdb}[reader]()
        answer = {"rows": readers[reader](request["sql"])}
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer, default=str), file=answers, flush=True)
