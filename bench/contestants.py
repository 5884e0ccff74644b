"""Who takes part: the peers' environment, the builds of both sides, and the command of each.

Peers get the schema, Headwater the names of the key attributes.
"""

import subprocess
import sys
from pathlib import Path

from stack import environments

from .data import Data
from .measure import Contestant
from .places import BENCH, ENVIRONMENT, OUTPUT, PEERS, PINS, REPOSITORY, TARGET, Failure, progress
from .shapes import Shape

EXAMPLE = TARGET / "release" / "examples" / "export_to_parquet"
RUST = TARGET / "release" / "peers"

HEADWATER = "Headwater"
DUCKDB = "DuckDB, 1 thread"
NAIVE = "naive Rust"
BOTO3 = "Python, boto3 + pyarrow"
ORJSON = "Python, orjson + pyarrow"
POLARS = "polars, 1 thread"
FLOOR = "floor"


def prepare() -> None:
    """Installs the peers' environment and builds what is written in Rust."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    environments.prepare(ENVIRONMENT, PINS)
    progress("building Headwater and the peers in Rust (minutes the first time)")
    _cargo("build", "--release", "--locked", "--package", "lake", "--examples")
    # Into the same target folder: what both depend on in the same version and with the same features is compiled once.
    manifest = BENCH / "peers-rust" / "Cargo.toml"
    # Not `--locked`: a dependency that `item` or `lake` has since got is added to its lock file, and no version moves.
    _cargo("build", "--release", "--manifest-path", str(manifest), "--target-dir", str(TARGET))


def lock() -> None:
    """Pins the peers' packages anew."""
    environments.pin(PINS)


def _cargo(*arguments: str) -> None:
    command = ["cargo", *arguments]
    if subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr).returncode != 0:
        raise Failure(f"This failed, see above: {' '.join(command)}")


def python(script: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a peer's script."""
    return str(environments.python(ENVIRONMENT)), str(PEERS / script), *arguments


def export(data: Data, shape: Shape, items: int, name: str) -> Contestant:
    """One who makes Parquet of an export."""
    source, output = str(data.export(shape, items)), _output(shape, items, name)
    peer = (source, str(output), str(data.schema(shape)))
    commands = {
        HEADWATER: (str(EXAMPLE), source, str(output), "--key", ",".join(shape.key)),
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


def _output(shape: Shape, items: int, name: str) -> Path:
    plain = "".join(character if character.isalnum() else "-" for character in name.lower())
    return OUTPUT / f"{shape.name}-{items}-{plain}.parquet"
