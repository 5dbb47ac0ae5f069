"""Reads files with the reference reader of their format and compares their rows with those that Sferic wrote.

One request a line on standard input, one answer a line on standard output:
{"op": "dimensions", "path"} -> {"dimensions": [name]}: those of a NetCDF file that have variables of their own;
{"op": "compare", "format", "path", "dimension"?, "parts": [Parquet file] | null, "invalid": count} ->
{"verdict": "equal" | "reported" | "wrong" | "refused-by-both" | "refused" | "only-sferic", "reason"?}.

Readers: pyarrow, then DuckDB (Parquet); Python's csv with DuckDB; Python's json; netCDF4; deltalake. "reported" means that
rows are missing, not more than Sferic reports as invalid, and that all others are equal and in order.
"""

import csv
import datetime
import decimal
import gzip
import io
import json
import math
import os
import sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
csv.field_size_limit(1 << 30)

UTC = datetime.timezone.utc


class Refused(Exception):
    """The reference reader cannot read the file."""


def parquet_rows(path):
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, partitioning=None, coerce_int96_timestamp_unit="us")
        return table.column_names, rows_of(table)
    except Exception as first:
        import duckdb

        try:
            relation = duckdb.sql(f"SELECT * FROM read_parquet('{path.replace(chr(39), chr(39) * 2)}')")
            return relation.columns, relation.fetchall()
        except Exception as second:
            raise Refused(f"{first}; {second}") from second


def rows_of(table):
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns)) if columns else [()] * table.num_rows


def text_of(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding)
    return data.decode("utf-8-sig")


def csv_rows(path):
    """Header and rows as texts: those of Python's csv, of which DuckDB has to find as many."""
    try:
        text = text_of(path)
        delimiter = "\t" if ".tsv" in os.path.basename(path) else ","
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except Exception as error:
        raise Refused(str(error)) from error
    if not rows:
        raise Refused("no header")
    header, *rest = rows
    return header, [tuple(row) for row in rest]


def json_rows(path):
    try:
        text = text_of(path)
        parse = lambda part: json.loads(part, parse_float=decimal.Decimal)
        values = parse(text) if text.lstrip().startswith("[") else [parse(line) for line in text.split("\n") if line.strip()]
    except Exception as error:
        raise Refused(str(error)) from error
    if not all(isinstance(value, dict) for value in values):
        raise Refused("a row is no object")
    names = list(dict.fromkeys(name for value in values for name in value))
    return names, [tuple(value.get(name) for name in names) for value in values]


def delta_rows(path):
    import deltalake

    try:
        table = deltalake.DeltaTable(path).to_pyarrow_table()
    except Exception as error:
        raise Refused(str(error)) from error
    return table.column_names, rows_of(table)


def netcdf_dimensions(path):
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            names = [variable.dimensions[0] for variable in file.variables.values() if len(variable.dimensions) == 1]
            return list(dict.fromkeys(names))
    except Exception:
        return []


def netcdf_rows(path, dimension):
    import netCDF4
    import numpy

    try:
        with netCDF4.Dataset(path) as file:
            names, columns = [], []
            for name, variable in file.variables.items():
                if variable.dimensions != (dimension,):
                    continue
                names.append(name)
                columns.append(netcdf_values(netCDF4, numpy, variable))
    except Exception as error:
        raise Refused(str(error)) from error
    return names, list(zip(*columns))


def netcdf_values(netCDF4, numpy, variable):
    """Values as netCDF4 unpacks them; times become texts, since their microseconds are rounded on the way."""
    values = variable[:]
    units = getattr(variable, "units", "")
    calendar = getattr(variable, "calendar", "standard")
    # Sferic leaves times of other calendars, which no timestamp can hold, as numbers.
    real = calendar in ("standard", "gregorian", "proleptic_gregorian")
    if real and isinstance(units, str) and " since " in units and numpy.issubdtype(values.dtype, numpy.number):
        times = netCDF4.num2date(values, units, calendar, only_use_cftime_datetimes=False)
        masked = numpy.ma.getmaskarray(times)
        return [None if hidden else Instant(time) for time, hidden in zip(times, masked)]
    if values.dtype == numpy.float32:
        largest = numpy.ma.max(numpy.ma.abs(numpy.ma.masked_invalid(values))) if values.size else 0
        tolerance = 1e-6 * float(largest) if largest is not numpy.ma.masked else 0
        masked = numpy.ma.getmaskarray(values)
        return [None if hidden else Single(value, tolerance) for value, hidden in zip(values.data, masked)]
    if numpy.ma.isMaskedArray(values):
        return [None if value is numpy.ma.masked else value for value in values]
    return list(values)


class Single:
    """A float of 32 bits, in which netCDF4 also computes scale and offset: right to a millionth of the largest."""

    def __init__(self, value, tolerance):
        self.value, self.tolerance = float(value), tolerance

    def is_near(self, ours):
        if is_nan(ours) or is_nan(self.value):
            return is_nan(ours) and is_nan(self.value)
        return isinstance(ours, (int, float)) and (ours == self.value or abs(ours - self.value) <= self.tolerance)


class Instant:
    """A time of netCDF4, right to the microsecond."""

    def __init__(self, time):
        fields = (time.year, time.month, time.day, time.hour, time.minute, time.second, time.microsecond)
        self.text = "%04d-%02d-%02dT%02d:%02d:%02d.%06d" % fields

    def is_near(self, ours):
        if not isinstance(ours, tuple):
            return False
        theirs = plain(datetime.datetime.fromisoformat(self.text))
        return abs(ours[1] - theirs[1]) <= 1


READERS = {"parquet": parquet_rows, "csv": csv_rows, "json": json_rows, "delta": delta_rows, "netcdf": netcdf_rows}


def plain(value):
    """A value in the form in which values of all readers can be compared."""
    if value is None or value is True or value is False:
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    kind = type(value).__name__
    if kind in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime.datetime):
        nanosecond = getattr(value, "nanosecond", 0)
        whole = datetime.datetime(*value.timetuple()[:6], value.microsecond, value.tzinfo or UTC)
        return ("time", (whole - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1), nanosecond)
    if isinstance(value, datetime.date):
        return ("time", (value - datetime.date(1970, 1, 1)).days * 86_400_000_000, 0)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return value


def same(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(theirs, (Instant, Single)):
        return theirs.is_near(ours)
    if isinstance(theirs, bytes) and isinstance(ours, str):
        return ours.encode() == theirs
    if isinstance(theirs, str) and not isinstance(ours, str):
        return same_as_text(ours, theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(same(ours.get(name), theirs.get(name)) for name in {*ours, *theirs})
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if is_nan(ours) and is_nan(theirs):
        return True
    if isinstance(ours, float) and isinstance(theirs, decimal.Decimal):
        return ours == float(theirs)
    if isinstance(ours, bool) != isinstance(theirs, bool):
        return False
    return ours == theirs


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def same_as_text(ours, text):
    """Whether a value is what a text says, as far as its type can say it."""
    if ours is None:
        return text == ""
    if isinstance(ours, bool):
        return text.strip().lower() in (("true", "t", "1") if ours else ("false", "f", "0"))
    if isinstance(ours, float):
        try:
            return ours == float(text) or (is_nan(ours) and is_nan(float(text)))
        except ValueError:
            return False
    if isinstance(ours, (int, decimal.Decimal)):
        try:
            # A code with a leading zero or plus is no number.
            return decimal.Decimal(text) == ours and text.lstrip("-")[:1] not in ("+",) and not leading_zero(text)
        except decimal.InvalidOperation:
            return False
    if isinstance(ours, tuple):
        try:
            return plain(datetime.datetime.fromisoformat(text.strip())) == ours
        except ValueError:
            return False
    return False


def leading_zero(text):
    digits = text.lstrip("-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def compare(format, path, parts, invalid, dimension=None):
    arguments = [dimension] if format == "netcdf" else []
    try:
        names, theirs = READERS[format](path, *arguments)
    except Refused as error:
        return {"verdict": "refused-by-both"} if parts is None else {"verdict": "only-sferic", "reason": str(error)}
    if parts is None:
        return {"verdict": "refused"}
    our_names, ours = written(parts)
    if ours is None:
        missing = len(theirs)
        return {"verdict": "equal" if missing == 0 else "reported" if missing <= invalid else "wrong", "reason": "no rows"}
    if format == "csv":
        at = range(len(names)) if len(our_names) == len(names) else None
    else:
        at = [our_names.index(name) for name in names if name in our_names]
        if len(at) < len(our_names) or (len(at) < len(names) and format != "json"):
            at = None
    if at is None:
        return {"verdict": "wrong", "reason": f"columns {our_names} for {names}"[:400]}
    kept = [index for index, name in enumerate(names) if format == "csv" or name in our_names]
    ours = [tuple(row[index] for index in at) for row in ours]
    theirs = [tuple(row[index] if index < len(row) else "" for index in kept) for row in theirs]
    if format == "delta":
        ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
    return judged(ours, theirs, invalid)


def written(parts):
    import pyarrow
    import pyarrow.parquet

    if not parts:
        return [], None
    table = pyarrow.concat_tables([pyarrow.parquet.ParquetFile(part).read() for part in sorted(parts)])
    return table.column_names, rows_of(table)


def judged(ours, theirs, invalid):
    at = 0
    for row in ours:
        start = at
        while at < len(theirs) and not all(map(same, row, theirs[at])):
            at += 1
            if at - start > invalid:
                break
        if at >= len(theirs) or at - start > invalid:
            other = theirs[start] if start < len(theirs) else "nothing"
            return {"verdict": "wrong", "reason": f"{row!r:.200} for {other!r:.200}"}
        at += 1
    missing = len(theirs) - len(ours)
    if missing == 0:
        return {"verdict": "equal"}
    return {"verdict": "reported" if missing <= invalid else "wrong", "reason": f"{missing} rows missing, {invalid} reported"}


for line in sys.stdin:
    request = json.loads(line)
    operation = request.pop("op")
    try:
        answer = {"dimensions": netcdf_dimensions(**request)} if operation == "dimensions" else compare(**request)
    except Exception as error:  # What stops the comparison is a finding too.
        answer = {"verdict": "wrong", "reason": f"comparison failed: {error!r:.300}", "dimensions": []}
    print(json.dumps(answer), file=answers, flush=True)
