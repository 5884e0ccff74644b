"""What queries of a lake read: before and after small files were merged, and day after day."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import contestants, measure
from .measure import Run
from .places import WORK, Failure, progress

# Days that are asked. Without a snapshot the last of them reads thousands of files.
SHOWN = (1, 2, 5, 10, 20, 30)


@dataclass
class Compaction:
    """Many small files and the few that they became."""

    before: dict[str, Any]
    after: dict[str, Any]
    # The merge, as a process.
    run: Run

    def as_json(self) -> dict[str, Any]:
        merge = {"cpu_s": self.run.cpu_s, "wall_s": self.run.wall_s, "rss_mib": self.run.rss_mib}
        return {"before": self.before, "after": self.after, "merge": merge}


def compaction(files: int, changes: int) -> Compaction:
    """Makes files, asks, merges, asks again. The answers have to be the same."""
    folder = _folder("small-files")
    progress(f"{files:,} files of {changes} changes, asked before and after they are merged")
    measure.run(contestants.lake_example("small_files", folder, "--files", str(files), "--changes", str(changes)))
    before = _asked(folder)
    run = measure.measured(contestants.lake_example("compact", folder, "--table", "orders"))
    after = _asked(folder)
    if before["answers"] != after["answers"]:
        raise Failure(f"answers differ: {before['answers']} before, {after['answers']} after the merge")
    return Compaction(before, after, run)


def days() -> list[dict[str, Any]]:
    """Thirty days of a table: what the current state reads at the end of each, with a snapshot and without."""
    folder = _folder("days")
    progress("thirty days of changes with a snapshot each, asked at the end of each day")
    measure.run(contestants.lake_example("thirty_days", folder))
    found: list[dict[str, Any]] = _asked(folder, *SHOWN)
    for day in found:
        if day["onSnapshot"]["items"] < day["onChanges"]["items"]:
            raise Failure(f"on a snapshot there are fewer items than without: {day}")
    return found


def _folder(name: str) -> Path:
    folder = WORK / "lakes" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _asked(folder: Path, *days: int) -> Any:
    return json.loads(measure.run(contestants.lake_queries(folder, *days)))
