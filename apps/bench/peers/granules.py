"""Python's side of turning a folder of granules into Parquet and CSV, the flash table's seven columns.

    granules.py seed|xarray|h5py FOLDER OUT            answers repetitions, see serve.py
    granules.py seed|xarray|h5py FOLDER OUT once       does it once and prints {"rows"}: for measuring a whole process

seed     as the notebook this project grew from does: xarray and pandas, one Parquet and one CSV file per granule
xarray   xarray for every granule, then one Parquet and one CSV file by pandas
h5py     h5py for every granule, then one Parquet and one CSV file by pyarrow: the fastest that is usual in Python

All write Parquet with zstd. OUT is removed before each repetition.
"""

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from serve import serve

COLUMNS = {
    "flash_id": "flash_id",
    "flash_time_offset_of_first_event": "flash_time",
    "flash_lat": "flash_lat",
    "flash_lon": "flash_lon",
    "flash_energy": "flash_energy",
    "flash_area": "flash_area",
    "flash_quality_flag": "quality_flag",
}


def open_with_xarray(path: Path):
    """One granule's flashes as a pandas frame."""
    import pandas
    import xarray

    with xarray.open_dataset(path, decode_timedelta=False) as granule:
        return pandas.DataFrame({name: granule[variable].values for variable, name in COLUMNS.items()})


def seed(paths: list[Path], out: Path) -> int:
    row_count = 0
    for path in paths:
        frame = open_with_xarray(path)
        frame.to_parquet(out / f"{path.stem}.parquet", compression="zstd")
        frame.to_csv(out / f"{path.stem}.csv", index=False)
        row_count += len(frame)
    return row_count


def with_xarray(paths: list[Path], out: Path) -> int:
    import pandas

    frame = pandas.concat([open_with_xarray(path) for path in paths])
    frame.to_parquet(out / "flashes.parquet", compression="zstd")
    frame.to_csv(out / "flashes.csv", index=False)
    return len(frame)


def with_h5py(paths: list[Path], out: Path) -> int:
    import numpy
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    from glm import read_h5py

    granules = [read_h5py(str(path), list(COLUMNS)) for path in paths]
    columns = {name: numpy.concatenate([granule[variable] for granule in granules]) for variable, name in COLUMNS.items()}
    columns["flash_time"] = columns["flash_time"].view("datetime64[ns]")
    table = pyarrow.table(columns)
    pyarrow.parquet.write_table(table, out / "flashes.parquet", compression="zstd")
    pyarrow.csv.write_csv(table, out / "flashes.csv")
    return table.num_rows


WAYS = {"seed": seed, "xarray": with_xarray, "h5py": with_h5py}
PACKAGES = {"seed": ["xarray", "pandas"], "xarray": ["xarray", "pandas"], "h5py": ["h5py", "pyarrow"]}


def main(way: str, folder: str, out: Path, once: bool) -> None:
    paths = sorted(Path(folder).glob("*.nc"))

    def clear() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)

    if once:
        clear()
        print(json.dumps({"rows": WAYS[way](paths, out)}))
        return
    versions = {package: version(package) for package in PACKAGES[way]}
    serve(lambda _: WAYS[way](paths, out), lambda rows: {"rows": rows}, versions=versions, before=clear)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("seed" | "xarray" | "h5py") as way, folder, out, *rest] if rest in ([], ["once"]):
            main(way, folder, Path(out), rest == ["once"])
        case _:
            sys.exit(__doc__)
