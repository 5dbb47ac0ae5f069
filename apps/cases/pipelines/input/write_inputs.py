"""Writes the input files of the cases from tables.sql, with the writers of Python and Apache Arrow.

    pip install pyarrow==26.0.1
    python write_inputs.py        # rewrites the files beside this one
"""

import gzip
import json
import math
import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ARROW_TYPES = {
    "INTEGER": pa.int64(),
    "REAL": pa.float64(),
    "TEXT": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def read(table, where="true"):
    """Column types by name, and rows as dictionaries with Python's own values."""
    types = {name: kind for _, name, kind, *_ in database.execute(f"PRAGMA table_info({table})")}
    rows = [dict(zip(types, row)) for row in database.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY rowid")]
    for row in rows:
        for name, kind in types.items():
            if row[name] == "NaN" and kind == "REAL":
                row[name] = math.nan
            elif row[name] is not None and kind == "BOOLEAN":
                row[name] = bool(row[name])
    return types, rows


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def field(value, delimiter):
    """Nothing is null, quotes are an empty text."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text == "" or any(character in text for character in f'{delimiter}"\n'):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text


def csv(path, names, rows, delimiter=",", header=True):
    lines = [delimiter.join(names)] if header else []
    lines += [delimiter.join(field(row[name], delimiter) for name in names) for row in rows]
    write(path, "".join(f"{line}\n" for line in lines).encode())


def write(path, content):
    file = HERE / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if path.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    elif path.endswith(".zst"):
        content = pa.Codec("zstd").compress(content, asbytes=True)
    file.write_bytes(content)


def json_lines(path, rows):
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def parquet(path, types, rows, times=()):
    kinds = {name: "TIMESTAMP" if name in times else kind for name, kind in types.items()}
    for row in rows:
        for name in times:
            if row[name] is not None:
                row[name] = datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    columns = [name for name in types if not rows or name in rows[0]]
    schema = pa.schema([(name, ARROW_TYPES[kinds[name]]) for name in columns])
    (HERE / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), HERE / path)


def nested(row):
    """A row of `clicks` as the objects that a shop sends."""
    sales = None if row["quantity"] is None else {"quantity": row["quantity"], "total": row["total"]}
    page = {"path": row["page"], "tags": None if row["tags"] is None else json.loads(row["tags"])}
    return {"at": row["at"], "sales": sales, "visit": {"clicks": row["clicks"], "page": page}}


database = sqlite3.connect(":memory:")
database.executescript((HERE / "tables.sql").read_text())

for table in ["people", "sensors", "customers", "numbers", "months", "nobody", "single", "notes", "moments"]:
    types, rows = read(table)
    csv(f"{table}.csv", types, rows)

types, rows = read("people")
csv("forms/people-semicolon.csv", types, rows, delimiter=";")
csv("forms/people.tsv", types, rows, delimiter="\t")
csv("forms/people-headless.csv", types, rows, header=False)
csv("forms/people.csv.gz", types, rows)
csv("forms/people.csv.zst", types, rows)
csv("forms/people-other-order.csv", list(reversed(types)), rows)
json_lines("forms/people.jsonl", rows)
json_lines("forms/people.jsonl.gz", rows)
json_lines("forms/people.jsonl.zst", rows)
write("forms/people-array.json", json.dumps(rows, ensure_ascii=False, indent=2).encode())
csv("forms/people-crlf.csv", types, rows)
crlf = HERE / "forms/people-crlf.csv"
crlf.write_bytes(crlf.read_bytes().replace(b"\n", b"\r\n"))

for day in ["2024-03-01", "2024-03-02", "2024-03-03"]:
    types, rows = read("readings", f"day = '{day}'")
    year, month, number = day.split("-")
    names = [name for name in types if name != "day"]
    csv(f"readings/{day}.csv", names, rows)
    csv(f"by-day/year={year}/month={month}/day={number}/part.csv", names, rows)
    parquet(f"readings-parquet/{day}.parquet", types, without(rows, "day"), times=["measured_at"])

for part in [1, 2, 3]:
    types, rows = read("orders", f"part = {part}")
    json_lines(f"orders/{part}.jsonl", without(rows, "part"))
for region in ["north", "south"]:
    types, rows = read("orders", f"region = '{region}'")
    csv(f"by-region/region={region}/orders.csv", ["order_id", "customer", "amount", "items"], rows)

for part in [1, 2]:
    types, rows = read("clicks", f"part = {part}")
    json_lines(f"clicks/{part}.jsonl", [nested(row) for row in rows])
    write(f"clicks-arrays/{part}.json", json.dumps([nested(row) for row in rows], ensure_ascii=False).encode())
    types, rows = read("trips", f"part = {part}")
    parquet(f"trips/{part}.parquet", types, without(rows, "part"), times=["start"])

types, rows = read("notes")
json_lines("notes.jsonl", rows)
types, rows = read("moments")
json_lines("moments.jsonl", rows)
types, rows = read("floats")
parquet("floats.parquet", types, rows)
types, rows = read("nobody")
parquet("nobody.parquet", types, rows)
write("nothing.jsonl", b"")
