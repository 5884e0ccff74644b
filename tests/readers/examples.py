"""The programs of shared/lake/examples, which make files of items and items of files."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from canonical import Item

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = REPOSITORY / "target" / "debug" / "examples"
# An export's lines do not say when it was taken; the program is told.
EXPORTED, EXPORTED_MS = "2026-11-22T15:00:00Z", 1_795_359_600_000


def export_to_parquet(items: Iterable[Item], folder: Path, key: str = "pk,sk") -> Path:
    """The Parquet file of items that stand as a full export has them, one line each."""
    export, parquet = folder / "export.json", folder / "export.parquet"
    export.write_text("".join(f"{json.dumps({'Item': item}, ensure_ascii=False)}\n" for item in items))
    _run("export_to_parquet", export, parquet, "--key", key, "--time", EXPORTED)
    return parquet


def event_to_parquet(event: dict[str, Any], folder: Path) -> Path:
    """The Parquet file of the changes in an event."""
    source, parquet = folder / "event.json", folder / "event.parquet"
    source.write_text(json.dumps(event, ensure_ascii=False))
    _run("event_to_parquet", source, parquet)
    return parquet


def increment_to_parquet(lines: str, folder: Path) -> Path:
    """The Parquet file of the lines of an incremental export."""
    source, parquet = folder / "increment.json", folder / "increment.parquet"
    source.write_text(lines)
    _run("increment_to_parquet", source, parquet)
    return parquet


def parquet_to_export(parquet: Path) -> list[Item]:
    """The item of each row that has one, in the file's order."""
    export = parquet.with_suffix(".items.json")
    _run("parquet_to_export", parquet, export)
    return _items(export.read_text())


def changes_to_items(parquet: Path) -> list[Item]:
    """The items that the changes in a file leave."""
    return _items(_run("changes_to_items", parquet))


def _items(lines: str) -> list[Item]:
    # Not splitlines(), which also ends lines at characters that strings may hold.
    return [json.loads(line)["Item"] for line in lines.split("\n") if line]


def _run(program: str, *arguments: Path | str) -> str:
    binary = BINARIES / program
    if not binary.exists():
        raise RuntimeError(f"{binary} is not there. Build it with: cargo build -p lake --examples")
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr}")
    return done.stdout
