"""Incremental exports as DynamoDB writes them, and the rows that their lines must become."""

import json
from collections.abc import Iterable
from dataclasses import replace

from expected import Row


def net(rows: Iterable[Row]) -> list[Row]:
    """What a window did to each item that lives through these changes: every window ends within the lives of some."""
    changes = list(rows)
    kept = [row for at, row in enumerate(changes) if at + 1 == len(changes) or changes[at + 1].key != row.key]
    return [
        replace(row, ts_ms=(row.ts_ms or 0) + at % 1000, stream=None, seq=None, by=None, event_id=None)
        for at, row in enumerate(kept)
    ]


def lines(rows: Iterable[Row]) -> str:
    return "".join(f"{json.dumps(_line(row), ensure_ascii=False)}\n" for row in rows)


def _line(row: Row) -> dict:
    images = {"OldImage": row.old, "NewImage": row.item}
    # Microseconds, which the lake rounds down.
    written = str((row.ts_ms or 0) * 1000 + 999)
    line = {"Metadata": {"WriteTimestampMicros": {"N": written}}, "Keys": row.key}
    return line | {name: image for name, image in images.items() if image is not None}
