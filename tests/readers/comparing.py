"""What two tests say in the same way."""

import json
import reprlib
from typing import Any

from canonical import item_text
from expected import Row


def differs(column: str, row: Row, found: Any, expected: Any) -> str:
    return f"{column} of {item_text(row.key)}: {reprlib.repr(found)} instead of {reprlib.repr(expected)}"


def in_order(rest: str | None) -> str | None:
    """`_rest` is an object, whose entries have no order that anyone was promised."""
    return None if rest is None else item_text(json.loads(rest, object_pairs_hook=_distinct))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a name occurs twice"
    return dict(pairs)
