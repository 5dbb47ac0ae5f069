"""h5py's and netCDF4's side of decoding granules.

    glm.py h5py|netcdf4 flashes|all FOLDER ROUNDS      answers repetitions, see serve.py

A repetition decodes every granule of FOLDER as many times as ROUNDS says, and seconds are per granule. `flashes` gives
seven columns of the flash table, `all` every variable along the three tables' dimensions. Numbers become what they mean:
unsigned, scaled, fill values NaN, times nanoseconds since 1970.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from serve import serve

FLASH_VARIABLES = [
    "flash_id",
    "flash_time_offset_of_first_event",
    "flash_lat",
    "flash_lon",
    "flash_energy",
    "flash_area",
    "flash_quality_flag",
]
TABLES = ("flash_", "group_", "event_")


def decoded(raw: np.ndarray, attributes) -> np.ndarray:
    """The meaning of stored numbers. Looks attributes up one by one: reading them all would cost more than the data."""
    if raw.dtype.kind != "i":
        return raw
    scaled = "scale_factor" in attributes
    offset = np.float64(attributes["add_offset"][0]) if scaled else 0
    # Granules of late 2018 count time offsets from -5 s on, unsigned without saying so.
    unsigned = "_Unsigned" in attributes or offset == -5
    values = raw.view(raw.dtype.str.replace("i", "u")) if unsigned else raw
    if scaled:
        values = values * np.float64(attributes["scale_factor"][0]) + offset
    if "_FillValue" in attributes:
        missing = raw == attributes["_FillValue"][0]
        if missing.any():
            values = np.where(missing, np.nan, values)
    return values


def times(offsets: np.ndarray, units: str) -> np.ndarray:
    """Nanoseconds since 1970, int64, from `seconds since 2018-07-02 04:33:00.000` or the same in milliseconds."""
    unit, since = units.split(" since ")
    nanoseconds = {"seconds": 1e9, "milliseconds": 1e6}[unit]
    with np.errstate(invalid="ignore"):
        return np.datetime64(since, "ns").astype("int64") + np.rint(offsets * nanoseconds).astype("int64")


def read_h5py(path: str, names: list[str] | None) -> dict:
    import h5py

    with h5py.File(path) as file:
        columns = {}
        for name in names or [name for name in file if is_column(name, file[name].ndim)]:
            variable = file[name]
            values = decoded(variable[:], variable.attrs)
            columns[name] = times(values, variable.attrs["units"].decode()) if "_time_offset" in name else values
        return columns


def read_netcdf4(path: str, names: list[str] | None) -> dict:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        columns = {}
        for name in names or [name for name, variable in file.variables.items() if is_column(name, variable.ndim)]:
            variable = file.variables[name]
            values = variable[:]
            if isinstance(values, np.ma.MaskedArray):
                values = values.filled(np.nan) if values.dtype.kind == "f" else values.filled()
            columns[name] = times(values.astype("f8"), variable.units) if "_time_offset" in name else values
        return columns


def is_column(name: str, dimension_count: int) -> bool:
    return dimension_count == 1 and name.startswith(TABLES)


READERS = {"h5py": read_h5py, "netcdf4": read_netcdf4}


def sums(granules: list[dict]) -> dict:
    """What every side must agree on, over all granules: rows, and sums of columns of the flash table."""
    table = {name: np.concatenate([granule[name] for granule in granules]) for name in FLASH_VARIABLES}
    rows = {prefix: sum(len(granule.get(f"{prefix}id", ())) for granule in granules) for prefix in TABLES}
    return {
        "rows": sum(rows.values()),
        "latitudes": float(table["flash_lat"].sum(dtype="f8")),
        "longitudes": float(table["flash_lon"].sum(dtype="f8")),
        "joules": float(np.nansum(table["flash_energy"])),
        "secondsOfTime": float((table["flash_time_offset_of_first_event"] / 1e9).sum()),
    }


def main(peer: str, names: list[str] | None, folder: str, rounds: int) -> None:
    read = READERS[peer]
    paths = sorted(str(path) for path in Path(folder).glob("*.nc"))

    def work(_):
        for _ in range(rounds):
            granules = [read(path, names) for path in paths]
        return granules

    serve(work, sums, versions={peer: version(peer)}, parts=rounds * len(paths))


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("h5py" | "netcdf4") as peer, ("flashes" | "all") as table, folder, rounds]:
            main(peer, FLASH_VARIABLES if table == "flashes" else None, folder, int(rounds))
        case _:
            sys.exit(__doc__)
