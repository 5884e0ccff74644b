"""The figures that Headwater must reach, those it aims for, and those that were found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .contestants import BATCH_WRITER, BOTO3, CSV, DUCKDB, HEADWATER, ION, JSON, NAIVE
from .exports import Export
from .imports import Decoding, Load
from .lakes import Compaction
from .starts import EMPTY, FUNCTIONS, GLIBC, Starts
from .streams import Event

# Items per CPU second over those of each peer: what must be reached, and what is aimed for.
_DECODING = {DUCKDB: (1.4, 2), CSV: (10, 15), JSON: (3, 5), ION: (3, 5)}


@dataclass(frozen=True)
class Figure:
    """One figure."""

    name: str
    unit: str
    must: float
    aim: float
    found: float

    @property
    def more_is_better(self) -> bool:
        return self.aim > self.must

    def reaches(self, bound: float) -> bool:
        return self.found >= bound if self.more_is_better else self.found <= bound

    @property
    def verdict(self) -> str:
        if self.reaches(self.aim):
            return "reached, the aim too"
        if self.reaches(self.must):
            return "reached"
        return f"MISSED by {abs(self.found / self.must - 1):.0%}"

    def as_json(self) -> dict[str, Any]:
        return {
            "figure": self.name,
            "unit": self.unit,
            "must": self.must,
            "aim": self.aim,
            "found": round(self.found, 3),
            "more_is_better": self.more_is_better,
            "must_reached": self.reaches(self.must),
            "aim_reached": self.reaches(self.aim),
        }


@dataclass
class Found:
    """What was measured; what `--only` left out is missing."""

    full_size: Export | None = None
    small: Export | None = None
    wide: Export | None = None
    events: list[Event] = field(default_factory=list)
    decodings: list[Decoding] = field(default_factory=list)
    load: Load | None = None
    compaction: Compaction | None = None
    days: list[dict[str, Any]] = field(default_factory=list)
    starts: Starts | None = None


def figures(found: Found) -> list[Figure]:
    """The figures of what was measured."""
    of_imports = (*_of_decodings(found.decodings), *_of_load(found.load))
    of_starts = _of_starts(found.starts)
    return [*_of_exports(found.full_size, found.small), *_of_events(found.events), *of_imports, *of_starts]


def _of_exports(full: Export | None, small: Export | None) -> Iterator[Figure]:
    if full is None or small is None:
        return
    ours = full.runs[HEADWATER]
    floor = sorted(run["cpu_s"] for run in full.floor)[len(full.floor) // 2]
    yield Figure(
        f"items per CPU second against {DUCKDB}, {full.items:,} items", "x", 1.4, 2, full.cpu_s(DUCKDB) / ours.cpu_s
    )
    for peer, must, aim in ((NAIVE, 3.5, 5), (BOTO3, 10, 15)):
        faster = small.cpu_s(peer) / small.cpu_s(HEADWATER)
        yield Figure(f"items per CPU second against {peer}, {small.items:,} items", "x", must, aim, faster)
    yield Figure(f"CPU over the floor, {full.items:,} items", "x", 1.75, 1.4, ours.cpu_s / floor)
    yield Figure(f"peak memory, {full.items:,} items", "MiB", 128, 96, ours.rss_mib)
    growth = ours.rss_mib / small.runs[HEADWATER].rss_mib
    yield Figure(f"peak memory over that of {small.items:,} items", "x", 1.2, 1.05, growth)
    theirs = full.footers[DUCKDB]["bytes"]
    yield Figure("bytes against DuckDB's, without our meta columns", "x", 1.05, 0.95, full.attribute_bytes / theirs)


def _of_events(events: list[Event]) -> Iterator[Figure]:
    if not events:
        return
    thousand = events[0]
    ours = thousand.cpu_s["direct"]
    yield Figure(f"CPU over typed events, {thousand.says}", "x", 0.5, 0.35, ours / thousand.cpu_s["typed"])
    yield Figure(f"faster than orjson + pyarrow, {thousand.says}", "x", 5, 8, thousand.cpu_s["orjson"] / ours)
    # The worse of the two: many small records and fewer full ones fill an event differently.
    worst = max(event.memory["direct"] for event in events if event.memory)
    yield Figure("memory over the event's size, the worse of the 6 MB events", "x", 3, 2, worst)


def _of_decodings(decodings: list[Decoding]) -> Iterator[Figure]:
    for decoding in decodings:
        for peer, (must, aim) in _DECODING.items():
            if peer in decoding.runs:
                faster = decoding.runs[peer].cpu_s / decoding.runs[HEADWATER].cpu_s
                yield Figure(f"items per CPU second against {peer}, {decoding.says}", "x", must, aim, faster)


def _of_load(load: Load | None) -> Iterator[Figure]:
    if load is None:
        return
    less = load.cpu_us(BATCH_WRITER) / load.cpu_us(HEADWATER)
    yield Figure(f"less CPU an item than {BATCH_WRITER}", "x", 10, 20, less)


def _of_starts(starts: Starts | None) -> Iterator[Figure]:
    if starts is None:
        return
    for name in FUNCTIONS:
        started, idle = starts.over_empty(name)
        yield Figure(f"CPU to start `{name}` over {EMPTY}", "x", 3, 2, started)
        yield Figure(f"idle memory of `{name}` over {EMPTY}", "x", 3, 2, idle)
    ours = [starts.functions[name] for name in FUNCTIONS]
    yield Figure("size of the largest function", "MB", 15, 10, max(start.megabytes for start in ours))
    yield Figure("newest glibc that a function asks for", "glibc", GLIBC, GLIBC, max(start.glibc for start in ours))
