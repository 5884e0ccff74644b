"""Whole processes, measured in turn.

Contestants run one after the other, round after round, and each round begins with another one: what the machine does
meanwhile meets all of them alike. Figures are medians over the rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .places import Failure, progress

# Tell numpy's and other libraries' linear algebra which processor to believe in; nobody here should be misled.
_MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True)
class Contestant:
    """A process to measure, and the file it writes, if any."""

    name: str
    command: tuple[str, ...]
    output: Path | None = None
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Run:
    """What one process took."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    printed: str


@dataclass
class Runs:
    """What a contestant took, round by round."""

    runs: list[Run] = field(default_factory=list)

    def median(self, of: Callable[[Run], float]) -> float:
        return statistics.median(map(of, self.runs))

    @property
    def wall_s(self) -> float:
        return self.median(lambda run: run.wall_s)

    @property
    def cpu_s(self) -> float:
        return self.median(lambda run: run.cpu_s)

    @property
    def cpu_range_s(self) -> tuple[float, float]:
        seconds = [run.cpu_s for run in self.runs]
        return min(seconds), max(seconds)

    @property
    def rss_mib(self) -> float:
        return self.median(lambda run: run.rss_mib)

    def as_json(self) -> dict[str, Any]:
        least, most = self.cpu_range_s
        taken = {"cpu_s": self.cpu_s, "least_cpu_s": least, "most_cpu_s": most, "wall_s": self.wall_s}
        return {**taken, "rss_mib": self.rss_mib}


def interleaved(contestants: list[Contestant], rounds: int) -> dict[str, Runs]:
    """Every contestant, as often as there are rounds."""
    measured = {contestant.name: Runs() for contestant in contestants}
    for number in range(rounds):
        turn = number % len(contestants)
        for contestant in contestants[turn:] + contestants[:turn]:
            run = _measure(contestant)
            measured[contestant.name].runs.append(run)
            progress(
                f"  round {number + 1} of {rounds}: {contestant.name}"
                f" {run.cpu_s:.2f} s CPU, {run.wall_s:.2f} s, {run.rss_mib:.0f} MiB"
            )
    return measured


def into_page_cache(files: Iterable[Path]) -> None:
    """Reads the files once, so that the first contestant does not wait for the disk on behalf of the others."""
    for path in files:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def run(contestant: Contestant) -> str:
    """A process that is not measured; what it printed."""
    return _measure(contestant).printed


def measured(contestant: Contestant) -> Run:
    """A process that is measured once."""
    return _measure(contestant)


def _measure(contestant: Contestant) -> Run:
    environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    environment |= dict(contestant.environment)
    began = time.perf_counter()
    process = subprocess.Popen(
        contestant.command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # Whoever prints much to the one pipe while we read the other would wait forever; no contestant prints more than a
    # line to standard output, and errors come at the end.
    assert process.stdout and process.stderr
    errors = process.stderr.read().decode(errors="replace")
    printed = process.stdout.read().decode(errors="replace")
    # `wait4` and not `wait`: it tells what this very child has used.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    if process.returncode != 0:
        command = " ".join(contestant.command)
        raise Failure(f"{contestant.name} failed ({process.returncode}):\n{command}\n{printed}{errors}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed)
