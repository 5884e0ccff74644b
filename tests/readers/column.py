"""What every reader gives: `read(path)` is the columns of a file by name, in the file's order.

A type is spelt as the catalog spells it, so that a reader which sees another type fails. Values are what the reader
itself makes of them in Python; `_ts` is in milliseconds since 1970 UTC, since that is what readers differ in most.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    type: str
    values: list[Any]


Columns = dict[str, Column]
