"""Stream events to Parquet: CPU time in warm processes, memory in processes of their own."""

import json
import statistics
from dataclasses import dataclass
from typing import Any

from . import contestants, measure
from .contestants import RUST
from .data import Data
from .measure import Contestant
from .places import progress
from .shapes import ORDERS

# An event's name in the data folder, and what it is.
EVENTS = {
    "1000": "1,000 full records",
    "6mb": "6 MB of full records",
    "6mb-small": "6 MB of small records",
}
LARGE = ("6mb", "6mb-small")
PATHS = ("direct", "raw", "typed")

# So many runs within a process make one of its medians. Python takes a hundred times as long.
RUNS, PYTHON_RUNS = 15, 3


@dataclass
class Event:
    """One event."""

    name: str
    bytes: int
    records: int
    # CPU seconds of each path, and the bytes of what it wrote.
    cpu_s: dict[str, float]
    written: dict[str, int]
    # Of the large events: bytes over those of the loaded event.
    memory: dict[str, float]

    @property
    def says(self) -> str:
        return EVENTS[self.name]

    def as_json(self) -> dict[str, Any]:
        return {
            "event": self.says,
            "bytes": self.bytes,
            "records": self.records,
            "cpu_s": self.cpu_s,
            "written_bytes": self.written,
            "memory_over_event_size": self.memory,
        }


def events(data: Data, rounds: int) -> list[Event]:
    return [_event(data, name, rounds) for name in EVENTS]


def _event(data: Data, name: str, rounds: int) -> Event:
    progress(f"an event of {EVENTS[name]}, {rounds} rounds")
    event, schema = str(data.event(name)), str(data.schema(ORDERS))
    takers = [Contestant("rust", (str(RUST), "events", str(RUNS), schema, event))]
    takers += [_python(event, schema, library) for library in ("orjson", "boto3")]
    if name in LARGE:
        takers += [Contestant(f"memory {path}", (str(RUST), "memory", path, schema, event)) for path in PATHS]
    printed = {
        taker: [json.loads(run.printed) for run in runs.runs]
        for taker, runs in measure.interleaved(takers, rounds).items()
    }
    rust, first = printed["rust"], printed["rust"][0]
    cpu = {path: statistics.median(run[path]["cpu_s"] for run in rust) for path in PATHS}
    written = {path: first[path]["bytes"] for path in PATHS}
    for library in ("orjson", "boto3"):
        cpu[library] = statistics.median(run["cpu_s"] for run in printed[library])
        written[library] = printed[library][0]["bytes"]
    size = first["event_bytes"]
    memory = {
        path: statistics.median(run["over_bytes"] for run in printed[f"memory {path}"]) / size
        for path in (PATHS if name in LARGE else ())
    }
    return Event(name, size, first["rows"], cpu, written, memory)


def _python(event: str, schema: str, library: str) -> Contestant:
    command = contestants.python("pyarrow_event.py", event, schema, library, str(PYTHON_RUNS))
    return Contestant(library, command)
