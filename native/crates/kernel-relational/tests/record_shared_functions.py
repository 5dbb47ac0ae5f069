"""Records Apache Spark's answers for the functions that expressions share with it.

    pip install pyspark==4.0.1
    python record_shared_functions.py        # fills in `answers` in shared_functions.json beside this file

Spark runs with its own defaults (ANSI mode) in UTC; the time zone of the process must be UTC too. An example's `spark` is
what Spark calls the same thing, where its spelling differs. Times and dates are recorded as Spark writes them as text.
"""

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, TimestampType

FILE = Path(__file__).with_name("shared_functions.json")
TYPES = {
    "int32": "int",
    "float64": "double",
    "utf8": "string",
    "timestamp": "timestamp",
    "date": "date",
    "bool": "boolean",
}


def cell(value, kind):
    if value is not None and kind == "timestamp":
        return datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
    return date.fromisoformat(value) if value is not None and kind == "date" else value


def answers(expression):
    kind = spark.sql(f"SELECT {expression} AS answer FROM t").schema["answer"].dataType
    if isinstance(kind, (DateType, TimestampType)):
        expression = f"CAST({expression} AS STRING)"
    found = [row.answer for row in spark.sql(f"SELECT {expression} AS answer FROM t").collect()]
    return [float(value) if isinstance(value, Decimal) else value for value in found]


def line(value):
    return json.dumps(value, ensure_ascii=False)


def lines(values, indent):
    return ",\n".join(f"{indent}{line(value)}" for value in values)


def file_text(recorded):
    """The file, with a line for every row and every example."""
    table = recorded["table"]
    groups = ",\n".join(map(group_text, recorded["groups"]))
    parts = [
        "{",
        f' "answeredBy": {line(recorded["answeredBy"])},',
        f' "table": {{\n  "columns": {line(table["columns"])},\n  "rows": [\n{lines(table["rows"], "   ")}\n  ]\n }},',
        f' "groups": [\n{groups}\n ],',
        f' "differences": [\n{lines(recorded["differences"], "  ")}\n ]',
        "}\n",
    ]
    return "\n".join(parts)


def group_text(group):
    told = "".join(f'   "{name}": {line(group[name])},\n' for name in ["title", "isAggregate"])
    functions = ",\n".join(map(function_text, group["functions"]))
    return f'  {{\n{told}   "functions": [\n{functions}\n   ]\n  }}'


def function_text(function):
    told = "".join(f'     "{name}": {line(function[name])},\n' for name in ["name", "call", "meaning"])
    return f'    {{\n{told}     "examples": [\n{lines(function["examples"], "      ")}\n     ]\n    }}'


spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
recorded = json.loads(FILE.read_text())
columns = recorded["table"]["columns"]
rows = [tuple(map(cell, row, columns.values())) for row in recorded["table"]["rows"]]
schema = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
spark.createDataFrame(rows, schema).coalesce(1).createOrReplaceTempView("t")

functions = [function for group in recorded["groups"] for function in group["functions"]]
examples = [example for function in functions for example in function["examples"]]
for example in examples + recorded["differences"]:
    example["answers"] = answers(example.get("spark", example["expression"]))
recorded["answeredBy"] = f"Apache Spark {pyspark.__version__}"
FILE.write_text(file_text(recorded))
print(f"{len(functions)} functions, {len(examples)} examples")
