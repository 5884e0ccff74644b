"""Who takes part: the peers' environment, the builds of both sides, and the command of each.

Peers get the schema, Headwater the names of the key attributes.
"""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from stack import environments

from .data import Data
from .flights import FLIGHTS, Flights
from .measure import Contestant
from .places import (
    BENCH,
    ENVIRONMENT,
    FLIGHTS_ENVIRONMENT,
    FLIGHTS_PINS,
    OUTPUT,
    PEERS,
    PINS,
    REPOSITORY,
    TARGET,
    Failure,
    progress,
)
from .shapes import Shape
from .starts import FUNCTIONS

EXAMPLES = TARGET / "release" / "examples"
RUST = TARGET / "release" / "peers"
# Whose examples each part runs.
CRATES = {"export": "lake", "wide": "lake", "decode": "item", "load": "aws", "compaction": "lake", "days": "lake"}
# Parts that have no peer in Rust and need none of the peers' environments, but the local AWS's, which translates views.
LAKES = ("compaction", "days")
# The functions themselves, beside one that does nothing.
START = "start"

HEADWATER = "Headwater"
DUCKDB = "DuckDB, 1 thread"
NAIVE = "naive Rust"
BOTO3 = "Python, boto3 + pyarrow"
ORJSON = "Python, orjson + pyarrow"
POLARS = "polars, 1 thread"
FLOOR = "floor"
CSV = "Python, csv + Decimal"
JSON = "Python, orjson + Decimal"
ION = "Python, amazon.ion"
BATCH_WRITER = "Python, boto3's batch_writer"


def prepare(parts: Collection[str]) -> None:
    """Installs the peers' environments and builds what is written in Rust, as far as the parts need it."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if has_peers(parts):
        environments.prepare(ENVIRONMENT, PINS)
    if has_lakes(parts):
        environments.prepare(environments.EMULATOR, environments.LOCKS[environments.EMULATOR])
    if has_flights(parts):
        environments.prepare(FLIGHTS_ENVIRONMENT, FLIGHTS_PINS)
    progress("building Headwater and the peers in Rust (minutes the first time)")
    for crate in sorted({CRATES[part] for part in parts if part in CRATES}):
        _cargo("build", "--release", "--locked", "--package", crate, "--examples")
    if START in parts:
        # One by one, as `sam build` does: together, each would have the features of all.
        for function in FUNCTIONS:
            _cargo("build", "--release", "--locked", "--package", function)
        empty = BENCH / "empty-function" / "Cargo.toml"
        _cargo("build", "--release", "--locked", "--manifest-path", str(empty), "--target-dir", str(TARGET))
    if not has_peers(parts):
        return
    # Into the same target folder: what both depend on in the same version and with the same features is compiled once.
    manifest = BENCH / "peers-rust" / "Cargo.toml"
    # Not `--locked`: a dependency that `item` or `lake` has since got is added to its lock file, and no version moves.
    _cargo("build", "--release", "--manifest-path", str(manifest), "--target-dir", str(TARGET))


def has_flights(parts: Collection[str]) -> bool:
    """Whether one of the parts is about import."""
    return not {"decode", "load"}.isdisjoint(parts)


def has_lakes(parts: Collection[str]) -> bool:
    """Whether one of the parts is about queries of a lake."""
    return not set(LAKES).isdisjoint(parts)


def has_peers(parts: Collection[str]) -> bool:
    """Whether one of the parts is about something else."""
    return not {*LAKES, START}.issuperset(parts)


def lock() -> None:
    """Pins the peers' packages anew."""
    for pins in (PINS, FLIGHTS_PINS):
        environments.pin(pins)


def _cargo(*arguments: str) -> None:
    command = ["cargo", *arguments]
    if subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr).returncode != 0:
        raise Failure(f"This failed, see above: {' '.join(command)}")


def python(script: str, *arguments: str, environment: Path = ENVIRONMENT) -> tuple[str, ...]:
    """The command that runs a peer's script."""
    return str(environments.python(environment)), str(PEERS / script), *arguments


def export(data: Data, shape: Shape, items: int, name: str) -> Contestant:
    """One who makes Parquet of an export."""
    source, output = str(data.export(shape, items)), _output(shape, items, name)
    peer = (source, str(output), str(data.schema(shape)))
    commands = {
        HEADWATER: (str(EXAMPLES / "export_to_parquet"), source, str(output), "--key", ",".join(shape.key)),
        NAIVE: (str(RUST), "naive", *peer),
        DUCKDB: python("duckdb_export.py", *peer, "1"),
        POLARS: python("polars_export.py", *peer),
        BOTO3: python("pyarrow_export.py", *peer, "boto3"),
        ORJSON: python("pyarrow_export.py", *peer, "orjson"),
    }
    environment = (("POLARS_MAX_THREADS", "1"),) if name == POLARS else ()
    return Contestant(name, commands[name], output, environment)


def floor(data: Data, shape: Shape, items: int) -> Contestant:
    """Inflating and encoding alone; it encodes what Headwater wrote, which has to be there."""
    ours = _output(shape, items, HEADWATER)
    return Contestant(FLOOR, (str(RUST), "floor", str(data.export(shape, items)), str(ours)))


def decoders(flights: Flights, form: str) -> list[Contestant]:
    """Those who read the flights to items in one format, Headwater first."""
    source, schema = str(flights.file(form)), str(flights.schema)
    ours = (str(EXAMPLES / "decode"), source, "--format")
    duckdb = (source, schema, "1")
    ion = {HEADWATER: (*ours, "ion"), ION: python("ion_items.py", source, environment=FLIGHTS_ENVIRONMENT)}
    commands = {
        "csv": {
            HEADWATER: (*ours, "csv", "--infer"),
            DUCKDB: python("duckdb_items.py", "csv", *duckdb),
            CSV: python("csv_items.py", source, schema),
        },
        "jsonl": {
            HEADWATER: (*ours, "jsonl"),
            DUCKDB: python("duckdb_items.py", "json", *duckdb),
            JSON: python("orjson_items.py", source),
        },
        "ion": ion,
        "10n": ion,
    }
    return [Contestant(name, command) for name, command in commands[form].items()]


def loaders(flights: Flights, endpoint: str) -> list[Contestant]:
    """Those who load the flights, each into a table of its own: Headwater into `ours`, boto3 into `theirs`."""
    source = str(flights.to_load)
    table = ("--table", "ours", "--key", ",".join(FLIGHTS.key))
    ours = (str(EXAMPLES / "load_items"), source, *table, "--endpoint", endpoint)
    # A proxy that the environment names would stand in between.
    direct = (("NO_PROXY", "127.0.0.1"),)
    theirs = python("boto3_load.py", source, "theirs", endpoint)
    return [Contestant(HEADWATER, ours, environment=direct), Contestant(BATCH_WRITER, theirs, environment=direct)]


def lake_example(name: str, folder: Path, *arguments: str) -> Contestant:
    """An example that works on a lake in a folder."""
    return Contestant(name, (str(EXAMPLES / name), str(folder), *arguments))


def lake_queries(folder: Path, *days: int) -> Contestant:
    """DuckDB, asked the views of a lake in a folder, at the end of some days."""
    arguments = (str(folder), *map(str, days))
    return Contestant("DuckDB", python("lake_queries.py", *arguments, environment=environments.EMULATOR))


def _output(shape: Shape, items: int, name: str) -> Path:
    plain = "".join(character if character.isalnum() else "-" for character in name.lower())
    return OUTPUT / f"{shape.name}-{items}-{plain}.parquet"
