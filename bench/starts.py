"""How functions start, how large they are, and how fast a warm one answers: release builds, as Lambda would run them."""

import json
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import lambda_stub
from .data import Data
from .lambda_stub import Aws
from .places import TARGET, Failure, progress

RELEASE = TARGET / "release"
EMPTY = "an empty Rust function"
FUNCTIONS = ("import", "stream", "backup", "compaction", "snapshot")

# A start takes milliseconds: so many of each function in a round.
STARTS_A_ROUND = 10
# Batches of a warm function in a round, after some that warm it.
BATCHES_A_ROUND, WARMING = 100, 20
RECORDS = 100

# What `provided.al2023` has. Source: https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
GLIBC = 2.34


@dataclass
class Start:
    """One function, start after start."""

    name: str
    megabytes: float
    glibc: float
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)

    @property
    def cpu_ms(self) -> float:
        return statistics.median(self.cpu_s) * 1e3

    @property
    def wall_ms(self) -> float:
        return statistics.median(self.wall_s) * 1e3

    @property
    def idle_mib(self) -> float:
        return statistics.median(self.memory_mib)

    def as_json(self) -> dict[str, Any]:
        return {
            "function": self.name,
            "starts": len(self.wall_s),
            "cpu_ms": self.cpu_ms,
            "wall_ms": self.wall_ms,
            "least_wall_ms": min(self.wall_s) * 1e3,
            "most_wall_ms": max(self.wall_s) * 1e3,
            "idle_mib": self.idle_mib,
            "megabytes": self.megabytes,
            "glibc": self.glibc,
        }


@dataclass
class Warm:
    """The stream function, batch after batch."""

    records: int
    event_bytes: int
    file_bytes: int
    wall_s: list[float]
    cpu_s: float
    peak_mib: float

    def percentile_ms(self, percent: int) -> float:
        return statistics.quantiles(self.wall_s, n=100)[percent - 1] * 1e3

    @property
    def cpu_ms(self) -> float:
        """Of one batch, the mean: the kernel tells of the process, not of the batch."""
        return self.cpu_s / len(self.wall_s) * 1e3

    def as_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "event_bytes": self.event_bytes,
            "file_bytes": self.file_bytes,
            "batches": len(self.wall_s),
            "p50_ms": self.percentile_ms(50),
            "p99_ms": self.percentile_ms(99),
            "cpu_ms": self.cpu_ms,
            "peak_mib": self.peak_mib,
        }


@dataclass
class Starts:
    """Every function and the empty one, and the largest and usual batches of the stream function."""

    functions: dict[str, Start]
    warm: list[Warm]

    def over_empty(self, name: str) -> tuple[float, float]:
        """A function's CPU time to start and idle memory over those of the empty one."""
        empty, ours = self.functions[EMPTY], self.functions[name]
        return ours.cpu_ms / empty.cpu_ms, ours.idle_mib / empty.idle_mib

    def as_json(self) -> dict[str, Any]:
        functions = [start.as_json() for start in self.functions.values()]
        return {"functions": functions, "warm": [warm.as_json() for warm in self.warm]}


def starts(data: Data, rounds: int) -> Starts:
    binaries = {EMPTY: RELEASE / "empty-function"} | {name: RELEASE / name for name in FUNCTIONS}
    functions = {name: Start(name, binary.stat().st_size / 1e6, _glibc(binary)) for name, binary in binaries.items()}
    variables = lambda_stub.variables()
    progress(f"{rounds * STARTS_A_ROUND} starts of each function")
    names = list(binaries)
    for number in range(rounds * STARTS_A_ROUND):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            with lambda_stub.running(binaries[name], variables) as function:
                functions[name].wall_s.append(function.start_s)
                functions[name].cpu_s.append(function.cpu_s)
                functions[name].memory_mib.append(function.memory_mib())
    batches = rounds * BATCHES_A_ROUND
    usual, full = _first(data.event("1000"), RECORDS), data.event("6mb").read_bytes()
    warm = [_warm(usual, batches, variables), _warm(full, rounds * 4, variables)]
    return Starts(functions, warm)


def _glibc(binary: Path) -> float:
    """The newest version of glibc that the binary asks for."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary.read_bytes())
    major, minor = max((int(major), int(minor)) for major, minor in versions)
    return float(f"{major}.{minor:02}")


def _first(event: Path, records: int) -> bytes:
    whole = json.loads(event.read_bytes())
    return json.dumps({"Records": whole["Records"][:records]}, separators=(",", ":"), ensure_ascii=False).encode()


def _warm(event: bytes, batches: int, variables: dict[str, str]) -> Warm:
    records = json.loads(event)["Records"]
    progress(f"{batches} batches of {len(records):,} records, {len(event) / 1e3:,.0f} KB")
    aws = Aws(_catalog(records))
    binary = RELEASE / "stream"
    try:
        with lambda_stub.running(binary, {**variables, "AWS_ENDPOINT_URL": f"http://{aws.address}"}) as function:
            for _ in range(min(WARMING, batches)):
                function.invoke(event)
            aws.objects, before = 0, function.cpu_s
            answered = [function.invoke(event) for _ in range(batches)]
            cpu_s, peak_mib = function.cpu_s - before, function.memory_mib("VmHWM")
    finally:
        aws.close()
    _check(answered, aws, batches)
    return Warm(len(records), len(event), sum(aws.stored.values()), [wall for wall, _ in answered], cpu_s, peak_mib)


def _check(answered: list[tuple[float, bytes]], aws: Aws, batches: int) -> None:
    """Every batch has to be answered with no failure, and with a file in the lake that is always the same."""
    failed = [body for _, body in answered if json.loads(body) != {"batchItemFailures": []}]
    if failed:
        raise Failure(f"a batch was not written: {failed[0].decode()}")
    if len(aws.stored) != 1 or aws.objects != batches:
        raise Failure(f"{batches} batches became {aws.objects} files of {len(aws.stored)} names: {list(aws.stored)}")
    if len(aws.catalog["StorageDescriptor"]["Columns"]) < 10:
        raise Failure("the catalog was given no columns: attributes travelled in _rest, which is not the usual case")


def _catalog(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The table of changes, as the catalog has it before the first change."""
    table = records[0]["eventSourceARN"].split(":table/")[1].split("/")[0]
    return {
        "Name": f"{table}__changes",
        "DatabaseName": "bench",
        "VersionId": "1",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"headwater.table": table},
        "StorageDescriptor": {"Columns": [], "Location": f"s3://bench/changes/{table}/"},
    }
