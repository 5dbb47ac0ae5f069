"""Writes the tables of this folder with Delta Lake on Spark, and the rows that Spark reads from them.

Needs pyspark 4.1 and the jars of delta-spark 4.4: python make.py <folder> <jar> <jar> ...
"""

import shutil
import sys

from pyspark.sql import SparkSession

folder, jars = sys.argv[1], sys.argv[2:]
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", ",".join(jars))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .getOrCreate()
)


def types(t):
    yield f"""CREATE TABLE {t} (id BIGINT, small SMALLINT, name STRING, at TIMESTAMP, local TIMESTAMP_NTZ,
        price DECIMAL(10,2), raw BINARY, ok BOOLEAN, day DATE, tags ARRAY<STRING>, place STRUCT<lat: DOUBLE, lon: DOUBLE>,
        year INT, when_ TIMESTAMP) USING delta PARTITIONED BY (day, year, ok, price, when_)"""
    yield f"""INSERT INTO {t} VALUES
        (1, 1S, 'a', TIMESTAMP'2024-01-01 00:00:00.123456', TIMESTAMP_NTZ'2024-01-01 12:00:00', 1.50, X'00FF', true,
         DATE'2024-02-29', array('x','y'), named_struct('lat',1.5D,'lon',-2.5D), 2024, TIMESTAMP'2024-01-01 10:11:12.5'),
        (2, NULL, 'ü', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""
    yield f"ALTER TABLE {t} ADD COLUMNS (extra INT)"
    yield f"""INSERT INTO {t} VALUES (3, 3S, NULL, TIMESTAMP'1969-12-31 23:59:59.5', NULL, -1.25, X'', false,
        DATE'1970-01-01', array(NULL), named_struct('lat',NULL,'lon',0D), -1, TIMESTAMP'1960-01-01 00:00:00', 30)"""


def mapped(t):
    yield f"""CREATE TABLE {t} (id BIGINT, name STRING, gone INT, part STRING) USING delta PARTITIONED BY (part)
        TBLPROPERTIES ('delta.enableDeletionVectors'='true', 'delta.columnMapping.mode'='name')"""
    yield f"""INSERT INTO {t} SELECT id, concat('n', id), CAST(id AS INT), CASE WHEN id % 2 = 0 THEN 'even' ELSE 'odd' END
        FROM range(0, 100, 1, 1)"""
    yield f"ALTER TABLE {t} RENAME COLUMN name TO label"
    yield f"ALTER TABLE {t} DROP COLUMN gone"
    yield f"DELETE FROM {t} WHERE id % 10 = 3"
    yield f"INSERT INTO {t} VALUES (1000, 'late', 'odd')"


def ids(t):
    yield f"""CREATE TABLE {t} (id BIGINT, name STRING) USING delta
        TBLPROPERTIES ('delta.columnMapping.mode'='id', 'delta.enableDeletionVectors'='false')"""
    yield f"INSERT INTO {t} VALUES (1,'a'), (2,'b')"
    yield f"ALTER TABLE {t} RENAME COLUMN name TO label"
    yield f"ALTER TABLE {t} ADD COLUMNS (n INT)"
    yield f"INSERT INTO {t} VALUES (3,'c',3)"


for table in (types, mapped, ids):
    path = f"{folder}/{table.__name__}"
    shutil.rmtree(path, ignore_errors=True)
    for statement in table(f"delta.`{path}`"):
        spark.sql(statement)
    rows = spark.sql(f"SELECT * FROM delta.`{path}` ORDER BY id").toJSON().collect()
    with open(f"{path}.jsonl", "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
