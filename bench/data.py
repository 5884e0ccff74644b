"""Data on disk, made once: exports of both shapes and stream events.

A folder is named by all that decides about its contents, the generator's own text among them, and gets its name once
it is complete.

    python -m bench.data FOLDER ITEMS SMALL_ITEMS SEED    what `prepare` runs
"""

import contextlib
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from . import entities, orders
from .places import DATA, REPOSITORY, Failure, progress
from .shapes import ENTITIES, ORDERS, SHAPES, Shape

# Lambda takes no event larger than this, and no batch of a stream has more records.
EVENT_BYTES = 6 * 1024 * 1024
EVENT_RECORDS = 10_000

_SOURCES = ("data.py", "entities.py", "orders.py", "shapes.py")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class Data:
    """The files of one run."""

    folder: Path
    items: int
    small_items: int

    @property
    def wide_items(self) -> int:
        """Nothing is judged by the wide shape, and some peers are very slow on it."""
        return max(self.small_items // 2, 1)

    def export(self, shape: Shape, items: int) -> Path:
        return self.folder / f"{shape.name}-{items}.json.gz"

    def schema(self, shape: Shape) -> Path:
        return self.folder / f"{shape.name}.schema.json"

    def event(self, name: str) -> Path:
        return self.folder / f"event-{name}.json"


def prepare(items: int, small_items: int, seed: int) -> Data:
    """The data, made if it is not there yet.

    Another process makes it, so that this one stays small: a process that the bench starts cannot show less memory than
    the bench itself had.
    """
    key = hashlib.sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _SOURCES))
    folder = DATA / f"{items}-{small_items}-{seed}-{key.hexdigest()[:12]}"
    if not folder.exists():
        progress(f"generating {items:,} items, once (two minutes for 500,000)")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        command = [sys.executable, "-m", "bench.data", str(unfinished), str(items), str(small_items), str(seed)]
        if subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr).returncode != 0:
            raise Failure(f"the data could not be made, see above: {' '.join(command)}")
        unfinished.rename(folder)
    return Data(folder, items, small_items)


def _make(data: Data, seed: int) -> None:
    for shape in SHAPES:
        shape.write_schema(data.schema(shape))
    _write_exports(data, ORDERS, (data.small_items, data.items), orders.item, seed)
    _write_exports(data, ENTITIES, (data.wide_items,), entities.item, seed)
    random = Random(seed + 1)
    _write_event(data.event("1000"), random, small=False, records=1000)
    _write_event(data.event("6mb"), random, small=False, records=EVENT_RECORDS)
    _write_event(data.event("6mb-small"), random, small=True, records=EVENT_RECORDS)


def _write_exports(
    data: Data, shape: Shape, sizes: tuple[int, ...], item: Callable[[int, Random], orders.Item], seed: int
) -> None:
    """Exports of the first so many items each."""
    random = Random(seed)
    with contextlib.ExitStack() as stack:
        files = [(size, stack.enter_context(_gzip(data.export(shape, size)))) for size in sorted(set(sizes))]
        for number in range(max(sizes)):
            line = f'{{"Item":{_encode(item(number, random))}}}\n'.encode()
            for size, file in files:
                if number < size:
                    file.write(line)
            if number and number % 100_000 == 0:
                progress(f"{number:,} items of the shape {shape.name}")


def _gzip(path: Path) -> gzip.GzipFile:
    # Without a time, so that the same items are the same bytes.
    return gzip.GzipFile(path, "wb", compresslevel=6, mtime=0)


def _write_event(path: Path, random: Random, small: bool, records: int) -> None:
    """An event of so many records, or as many as Lambda takes."""
    texts: list[str] = []
    length = len(_event(texts))
    while len(texts) < records:
        text = _encode(orders.record(len(texts), random, small))
        length += len(text.encode()) + 1
        if length > EVENT_BYTES:
            break
        texts.append(text)
    path.write_text(_event(texts))


def _event(records: list[str]) -> str:
    return f'{{"Records":[{",".join(records)}]}}'


def _main(arguments: list[Any]) -> None:
    folder, items, small_items, seed = arguments
    _make(Data(Path(folder), int(items), int(small_items)), int(seed))


if __name__ == "__main__":
    _main(sys.argv[1:])
