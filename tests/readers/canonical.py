"""Canonical DynamoDB JSON and its hash, written from docs/lake-format.md and not from the code.

Compact, with map names and set members sorted by their bytes, numbers in plain notation without needless zeros,
binary as padded base64, strings that escape only what JSON demands. Items are DynamoDB JSON: `{"name": {"S": "text"}}`.
"""

import base64
import json
from decimal import Decimal
from typing import Any

import xxhash

Value = dict[str, Any]
Item = dict[str, Value]


def item_text(item: Item) -> str:
    names = sorted(item, key=str.encode)
    return "{" + ",".join(f"{string(name)}:{value_text(item[name])}" for name in names) + "}"


def hash_of(item: Item) -> int:
    """What stands in `_hash`: a signed number, since no engine has unsigned ones in common."""
    unsigned = xxhash.xxh64_intdigest(item_text(item).encode(), seed=0)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


def value_text(value: Value) -> str:
    descriptor, content = only(value)
    return f'{{"{descriptor}":{_content_text(descriptor, content)}}}'


def _content_text(descriptor: str, content: Any) -> str:
    match descriptor:
        case "S" | "B":
            return string(content)
        case "N":
            return string(number(content))
        case "BOOL" | "NULL":
            return "true" if content else "false"
        case "SS":
            return _array(string(member) for member in sorted(content, key=str.encode))
        case "NS":
            return _array(string(member) for member in sorted(map(number, content)))
        case "BS":
            return _array(string(member) for member in sorted(content, key=base64.b64decode))
        case "L":
            return _array(map(value_text, content))
        case "M":
            return item_text(content)
    raise ValueError(f"{descriptor} is no type of DynamoDB's")


def _array(members: Any) -> str:
    return "[" + ",".join(members) + "]"


def only(value: Value) -> tuple[str, Any]:
    """The type descriptor of a value, and what it describes."""
    ((descriptor, content),) = value.items()
    return descriptor, content


def string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number(text: str) -> str:
    """Plain notation. A Decimal takes text exactly; only arithmetic would round it."""
    plain = f"{Decimal(text):f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "0") else plain
