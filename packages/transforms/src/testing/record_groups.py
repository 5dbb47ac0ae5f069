"""Records SQLite's answers for the tests of the transforms `aggregate` and `deduplicate`.

    python record_groups.py        # rewrites groups.json beside this file

The rows have duplicates, nulls, empty text and text that differs in case only. No NaN, which SQLite stores as null.
"""

import json
import random
import sqlite3
from pathlib import Path

ROWS = 300
MEASURES = {
    "rows": "count(*)",
    "values": "count(x)",
    "kinds": "count(DISTINCT kind)",
    "least": "min(x)",
    "greatest": "max(name)",
    "total": "sum(x)",
    "mean": "avg(n)",
    "whole": "CAST(sum(n) AS BIGINT)",
    "some": "count(*) FILTER (WHERE x > 0)",
    "ratio": "sum(x) / count(*)",
}
GROUPINGS = [[], ["name"], ["kind"], ["kind", "name"], ["x"], ["name", "kind", "n"]]


def rows(chance):
    def one(row):
        return {
            "row": row,
            "name": chance.choice([None, "", "a", "A", "b", "é", "⚡"]),
            "kind": chance.choice([None, -1, 0, 1, 2]),
            "x": chance.choice([None, -1.5, 0.0, 0.25, 3e10]),
            "n": chance.choice([None, -7, 0, 5, 2147483647]),
        }

    return [one(row) for row in range(ROWS)]


def main():
    given = rows(random.Random(4))
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE t ("row" INTEGER, name TEXT, kind INTEGER, x REAL, n INTEGER)')
    database.executemany("INSERT INTO t VALUES (:row, :name, :kind, :x, :n)", given)
    aggregated, unique = [], []
    for keys in GROUPINGS:
        columns = keys + [f'{measure} AS "{name}"' for name, measure in MEASURES.items()]
        order = ", ".join(f"{key} NULLS LAST" for key in keys)
        grouping = f" GROUP BY {', '.join(keys)} ORDER BY {order}" if keys else ""
        answer = database.execute(f"SELECT {', '.join(columns)} FROM t{grouping}").fetchall()
        aggregated.append({"groupBy": keys, "rows": answer})
        if keys:
            first = database.execute(f'SELECT min("row") FROM t GROUP BY {", ".join(keys)} ORDER BY 1')
            unique.append({"keys": keys, "rows": [row for (row,) in first]})
    recorded = {"sqlite": sqlite3.sqlite_version, "rows": given, "measures": MEASURES}
    recorded |= {"aggregated": aggregated, "unique": unique}
    text = json.dumps(recorded, ensure_ascii=False, separators=(",", ":"))
    Path(__file__).with_name("groups.json").write_text(text + "\n", encoding="utf-8")


main()
