"""The files that are read: what is in them, and what made them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import edge_cases
import examples
import expected
import generated_items
import incremental_export
import pytest
import stream_events
from expected import Row

SEED = 20261122


@dataclass(frozen=True)
class Written:
    """A Parquet file, and the rows that it must hold in their order."""

    path: Path
    rows: list[Row]


def exported(items: list, folder: Path) -> Written:
    rows = [
        Row(op="SNAPSHOT", ts_ms=examples.EXPORTED_MS, key={"pk": item["pk"], "sk": item["sk"]}, item=item)
        for item in items
    ]
    return Written(examples.export_to_parquet(items, folder), rows)


def streamed(items: list, folder: Path) -> Written:
    rows = stream_events.lives(items)
    return Written(examples.event_to_parquet(stream_events.event(rows), folder), rows)


def incremental(items: list, folder: Path) -> Written:
    rows = incremental_export.net(stream_events.lives(items))
    return Written(examples.increment_to_parquet(incremental_export.lines(rows), folder), rows)


FILES: dict[str, Callable[[Path], Written]] = {
    "export of edge cases": lambda folder: exported(edge_cases.items(), folder),
    "export of random items": lambda folder: exported(generated_items.Generator(SEED).items(1000), folder),
    "export of more attributes than columns": lambda folder: exported(generated_items.sparse(SEED, 400), folder),
    "event of edge cases": lambda folder: streamed(edge_cases.items(), folder),
    "increment of edge cases": lambda folder: incremental(edge_cases.items(), folder),
    "event of random items": lambda folder: streamed(generated_items.Generator(SEED + 1).items(400), folder),
}


@pytest.fixture(scope="session", params=FILES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return FILES[request.param](tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="session")
def columns(written: Written) -> dict[str, expected.Attribute]:
    """The columns that the file must have besides the meta columns."""
    return expected.columns_of(written.rows)
