"""The reader that docs/lake-format.md prints, taken from the document so that what it says is what is tested."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from canonical import Item

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lake-format.md"

Items = Callable[[Path], Iterator[tuple[dict[str, Any], Item]]]


def reader() -> Items:
    """Its `items(file)`, which yields each row with its item."""
    blocks = DOCUMENT.read_text().split("```python\n")[1:]
    (code,) = [block.split("\n```")[0] for block in blocks if "def items(file)" in block]
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)
    return names["items"]
