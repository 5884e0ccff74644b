"""Exports to Parquet: who took how much, how large the files became, and that they hold the same values."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import contestants, measure
from .contestants import BOTO3, DUCKDB, FLOOR, HEADWATER, NAIVE, ORJSON, POLARS
from .data import Data
from .measure import Contestant, Runs
from .places import Failure, progress
from .shapes import ENTITIES, ORDERS, Shape

# The slow ones take part at the smaller size only.
AT_FULL_SIZE = (HEADWATER, DUCKDB)
ALL = (HEADWATER, DUCKDB, NAIVE, ORJSON, POLARS, BOTO3)


@dataclass
class Export:
    """One shape at one size."""

    shape: Shape
    items: int
    runs: dict[str, Runs]
    footers: dict[str, dict[str, int]]
    floor: list[dict[str, float]] = field(default_factory=list)

    def cpu_s(self, name: str) -> float:
        return self.runs[name].cpu_s

    @property
    def attribute_bytes(self) -> int:
        """Our bytes without the columns that only we have."""
        ours = self.footers[HEADWATER]
        return ours["bytes"] - ours["meta_bytes"]

    def as_json(self) -> dict[str, Any]:
        return {
            "shape": self.shape.name,
            "items": self.items,
            "contestants": {name: runs.as_json() | self.footers.get(name, {}) for name, runs in self.runs.items()},
            "floor": self.floor,
        }


def full_size(data: Data, rounds: int) -> Export:
    """The given shape at full size, with the floor."""
    return _export(data, ORDERS, data.items, AT_FULL_SIZE, rounds, with_floor=True)


def small(data: Data, rounds: int) -> Export:
    """The given shape at the smaller size, with all peers."""
    return _export(data, ORDERS, data.small_items, ALL, rounds)


def wide(data: Data, rounds: int) -> Export:
    """The wide sparse shape, with all peers."""
    return _export(data, ENTITIES, data.wide_items, ALL, rounds)


def _export(
    data: Data, shape: Shape, items: int, names: tuple[str, ...], rounds: int, with_floor: bool = False
) -> Export:
    progress(f"{items:,} items of the shape {shape.name}, {rounds} rounds of {', '.join(names)}")
    takers = [contestants.export(data, shape, items, name) for name in names]
    measure.into_page_cache([data.export(shape, items)])
    if with_floor:
        # The floor encodes what Headwater wrote.
        measure.run(takers[0])
        takers.append(contestants.floor(data, shape, items))
    runs = measure.interleaved(takers, rounds)
    floor = [json.loads(run.printed) for run in runs.pop(FLOOR).runs] if with_floor else []
    footers = _footers(takers)
    _check_rows(footers, items, shape)
    _check_values(data, shape, takers)
    for measured in floor:
        _check_floor(measured, footers[HEADWATER])
    return Export(shape, items, runs, footers, floor)


def _footers(takers: list[Contestant]) -> dict[str, dict[str, int]]:
    outputs = {taker.name: str(taker.output) for taker in takers if taker.output}
    by_file = json.loads(_checked(contestants.python("footers.py", *outputs.values())))
    return {name: by_file[output] for name, output in outputs.items()}


def _check_rows(footers: Mapping[str, Mapping[str, int]], items: int, shape: Shape) -> None:
    for name, footer in footers.items():
        if footer["rows"] != items:
            raise Failure(f"{name} wrote {footer['rows']} rows of {items} items of the shape {shape.name}")


def _check_values(data: Data, shape: Shape, takers: list[Contestant]) -> None:
    outputs: dict[str, Path] = {taker.name: taker.output for taker in takers if taker.output}
    files = (str(outputs[HEADWATER]), str(outputs[DUCKDB]), str(data.schema(shape)))
    _checked(contestants.python("values.py", *files))


def _check_floor(floor: Mapping[str, float], ours: Mapping[str, int]) -> None:
    """It is one only if it encodes what we encode."""
    apart = abs(floor["encoded_bytes"] / ours["column_bytes"] - 1)
    if floor["rows"] != ours["rows"] or apart > 0.01:
        raise Failure(f"the floor is not that of our file: {dict(floor)} and {dict(ours)}")


def _checked(command: tuple[str, ...]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"This failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout
