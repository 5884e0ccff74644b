"""What a person sees: steps, small tables, progress, and where to look next."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence

DEADLINE_SECONDS = 60


def step(number: int, title: str) -> None:
    print(f"\n{number}. {title}", flush=True)


def line(text: str) -> None:
    print(f"   {text}", flush=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    for index, row in enumerate(cells):
        line("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
        if index == 0:
            line("  ".join("-" * width for width in widths))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 76 else text[:75] + "…"


def until(what: str, look: Callable[[], object], seconds: int = DEADLINE_SECONDS):
    """Looks until there is something to see, and gives it; says so when it takes long."""
    began = time.monotonic()
    said = began
    while not (seen := look()):
        now = time.monotonic()
        if now - began > seconds:
            raise Unmet(f"{what}: not so within {seconds} seconds. Look at the logs: local/aws logs --name demo")
        if now - said > 5:
            line(f"… waiting for {what} ({now - began:.0f} s)")
            said = now
        time.sleep(0.2)
    return seen


class Unmet(Exception):
    """A step did not do what it says."""


def require(truth: bool, otherwise: str) -> None:
    if not truth:
        raise Unmet(otherwise)


def fail(problem: Unmet) -> int:
    print(f"\n   ✗ {problem}", file=sys.stderr, flush=True)
    return 1
