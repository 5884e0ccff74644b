"""Imports: files to items, and items to a table that takes whatever it is sent."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import contestants, measure
from .contestants import BATCH_WRITER, HEADWATER, RUST
from .flights import FORMS, Flights
from .measure import Runs
from .places import Failure, progress


@dataclass
class Decoding:
    """One format."""

    form: str
    items: int
    bytes: int
    runs: dict[str, Runs]

    @property
    def says(self) -> str:
        return FORMS[self.form]

    def as_json(self) -> dict[str, Any]:
        contestants = {name: runs.as_json() for name, runs in self.runs.items()}
        return {"format": self.says, "items": self.items, "bytes": self.bytes, "contestants": contestants}


@dataclass
class Load:
    """The clients' side of a load."""

    items: int
    # Of a request, as each contestant makes it.
    request_bytes: dict[str, int]
    runs: dict[str, Runs]

    def cpu_us(self, name: str) -> float:
        """Microseconds of an item."""
        return self.runs[name].cpu_s / self.items * 1e6

    def as_json(self) -> dict[str, Any]:
        def row(name: str, runs: Runs) -> dict[str, Any]:
            return {**runs.as_json(), "cpu_us_per_item": self.cpu_us(name), "request_bytes": self.request_bytes[name]}

        return {"items": self.items, "contestants": {name: row(name, runs) for name, runs in self.runs.items()}}


def decodings(flights: Flights, rounds: int) -> list[Decoding]:
    return [_decoding(flights, form, rounds) for form in FORMS]


def _decoding(flights: Flights, form: str, rounds: int) -> Decoding:
    file, items = flights.file(form), flights.rows_in(form)
    takers = contestants.decoders(flights, form)
    progress(f"{items:,} flights as {FORMS[form]}, {rounds} rounds of {', '.join(taker.name for taker in takers)}")
    measure.into_page_cache([file])
    runs = measure.interleaved(takers, rounds)
    _check_counts(runs, items, FORMS[form])
    return Decoding(form, items, file.stat().st_size, runs)


def _check_counts(runs: dict[str, Runs], items: int, form: str) -> None:
    """All have to find every row, and as many values in them."""
    first = runs[HEADWATER].runs[0].printed
    for name, measured in runs.items():
        for run in measured.runs:
            if _counts(run.printed)[0] != items or _counts(run.printed) != _counts(first):
                raise Failure(
                    f"{name} found {run.printed.strip()} in {items} flights as {form}, Headwater {first.strip()}"
                )


def _counts(printed: str) -> tuple[int, int]:
    counted = re.match(r"(\d+) items of (\d+) attributes", printed)
    if not counted:
        raise Failure(f"this does not begin with 'N items of N attributes': {printed}")
    return int(counted[1]), int(counted[2])


def load(flights: Flights, rounds: int) -> Load:
    """What it takes each client to have all items written."""
    items = flights.loaded_rows
    progress(f"{items:,} flights loaded, one round to compare what is sent and {rounds} to measure")
    measure.into_page_cache([flights.to_load])
    with _stub("check") as stub:
        for taker in contestants.loaders(flights, stub.endpoint):
            measure.run(taker)
    _check_sent(stub.sent, items)
    with _stub("count") as stub:
        runs = measure.interleaved(contestants.loaders(flights, stub.endpoint), rounds)
    _check_sent(stub.sent, items * rounds)
    tables = {HEADWATER: stub.sent["ours"], BATCH_WRITER: stub.sent["theirs"]}
    return Load(items, {name: sent["bytes"] // sent["requests"] for name, sent in tables.items()}, runs)


@dataclass
class _Stub:
    """The endpoint, and what each table was sent, once it has ended."""

    endpoint: str
    sent: dict[str, dict[str, Any]]


@contextmanager
def _stub(mode: str) -> Iterator[_Stub]:
    """Serves meanwhile. Its time is nobody's: only that of the clients is measured."""
    with subprocess.Popen((str(RUST), "stub", mode), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        stub = _Stub(json.loads(process.stdout.readline())["endpoint"], {})
        yield stub
        process.stdin.close()
        stub.sent |= json.loads(process.stdout.read())


def _check_sent(sent: dict[str, dict[str, Any]], items: int) -> None:
    for table, tally in sent.items():
        if tally["items"] != items:
            raise Failure(f"the table {table} was sent {tally['items']} of {items} items")
    if set(sent) != {"ours", "theirs"} or sent["ours"]["sum"] != sent["theirs"]["sum"]:
        raise Failure(f"the tables were not sent the same items: {sent}")
