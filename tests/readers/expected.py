"""What the columns of a file must hold, worked out from the source items by the rules of docs/lake-format.md.

Nothing here reads Parquet, and nothing comes from the Rust code. A cell is expected as the DynamoDB value it comes
from; `holds` says whether what a reader found is that value, type and all.
"""

import base64
import json
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xxhash
from canonical import Item, Value, hash_of, item_text, number, only

COLUMN_LIMIT = 500
LONGEST_NAME = 255
PARTITION_COLUMNS = {"dt", "snapshot", "window_end"}
BIGINT = range(-(2**63), 2**63)

META_TYPES = {
    "_op": "string",
    "_ts": "timestamp",
    "_stream": "string",
    "_seq": "string",
    "_key": "string",
    "_hash": "bigint",
    "_by": "string",
    "_event_id": "string",
    "_old": "string",
    "_rest": "string",
}
TYPES = {
    "string": "string",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "binary": "binary",
    "string_set": "array<string>",
    "bigint_set": "array<bigint>",
    "double_set": "array<double>",
    "binary_set": "array<binary>",
    "json": "string",
}


@dataclass(frozen=True)
class Row:
    """A change, or an item of a snapshot, as its source tells it."""

    op: str
    ts_ms: int | None
    key: Item
    item: Item | None
    stream: str | None = None
    seq: str | None = None
    by: str | None = None
    event_id: str | None = None
    old: Item | None = None

    def attributes(self) -> Item:
        return self.key if self.item is None else self.item


@dataclass(frozen=True)
class Attribute:
    """What a column is for."""

    name: str
    kind: str


def kind_of(value: Value) -> str | None:
    descriptor, content = only(value)
    match descriptor:
        case "N":
            return "bigint" if is_bigint(content) else "double"
        case "NS":
            return "bigint_set" if all(map(is_bigint, content)) else "double_set"
        case "NULL":
            return None
    kinds = {"S": "string", "BOOL": "boolean", "B": "binary", "SS": "string_set", "BS": "binary_set"}
    return kinds.get(descriptor, "json")


def is_bigint(text: str) -> bool:
    plain = number(text)
    return "." not in plain and int(plain) in BIGINT


def columns_of(rows: Iterable[Row], limit: int = COLUMN_LIMIT) -> dict[str, Attribute]:
    """The columns of a table that these rows begin, by name, in the order they are first seen."""
    columns: dict[str, Attribute] = {}
    first: dict[str, str] = {}
    for row in rows:
        for attribute, value in row.attributes().items():
            kind = kind_of(value)
            wanted = Attribute(attribute, kind or "")
            if kind is None or len(columns) >= limit or wanted in columns.values():
                continue
            name = shortened(f"{first[attribute]}__{kind}") if attribute in first else plain_name(attribute)
            name = _free(name, columns)
            columns[name] = wanted
            first.setdefault(attribute, name)
    return columns


def plain_name(attribute: str) -> str:
    safe = re.sub("[^a-z0-9_]", "_", re.sub("[A-Z]", lambda letter: letter[0].lower(), attribute))
    if attribute.startswith("_"):
        safe = f"c{safe}"
    elif not re.match("[A-Za-z]", attribute):
        safe = f"c_{safe}"
    return shortened(safe, attribute)


def shortened(name: str, source: str | None = None) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    mark = f"_{xxhash.xxh64_hexdigest((source or name).encode(), seed=0)}"
    return name[: LONGEST_NAME - len(mark)] + mark


def _free(name: str, taken: dict[str, Attribute]) -> str:
    candidate, count = name, 1
    while candidate in taken or candidate in PARTITION_COLUMNS:
        count += 1
        suffix = f"_{count}"
        candidate = name[: LONGEST_NAME - len(suffix)] + suffix
    return candidate


def meta_of(row: Row, columns: dict[str, Attribute]) -> dict[str, Any]:
    rest = rest_of(row, columns)
    return {
        "_op": row.op,
        "_ts": row.ts_ms,
        "_stream": row.stream,
        "_seq": None if row.seq is None else row.seq.rjust(40, "0"),
        "_key": item_text(row.key),
        "_hash": None if row.item is None else hash_of(row.item),
        "_by": row.by,
        "_event_id": row.event_id,
        "_old": None if row.old is None else item_text(row.old),
        "_rest": item_text(rest) if rest else None,
    }


def rest_of(row: Row, columns: dict[str, Attribute]) -> Item:
    """What the columns do not give back exactly."""
    named = set(columns.values())

    def stays(attribute: str, value: Value) -> bool:
        kind = kind_of(value)
        return kind is None or Attribute(attribute, kind) not in named or not is_exact(value)

    return {name: value for name, value in row.attributes().items() if stays(name, value)}


def is_exact(value: Value) -> bool:
    """Whether a column of the value's kind gives it back."""
    descriptor, content = only(value)
    match descriptor:
        case "N":
            return is_bigint(content) or is_exact_double(content)
        case "NS":
            return all(map(is_bigint, content)) or all(map(is_exact_double, content))
        case "L":
            return all(map(_is_plain, content))
        case "M":
            return all(map(_is_plain, content.values()))
    return True


def is_exact_double(text: str) -> bool:
    """Whether the nearest double gives the number back, whoever writes it.

    Not if the double stands exactly between two numbers of so few digits: of 1000000000000000.25 some write the
    shortest text with .2 and others with .3, and both read back as it.
    """
    plain, double = number(text), float(text)
    places = len(plain.partition(".")[2])
    is_halfway = Decimal(double).as_tuple().exponent == -(places + 1)
    return number(repr(double)) == plain and not is_halfway


def _is_plain(value: Value) -> bool:
    """Whether plain JSON says what type it is."""
    return only(value)[0] not in ("B", "SS", "NS", "BS") and (only(value)[0] not in ("L", "M") or is_exact(value))


def value_in(row: Row, attribute: Attribute) -> Value | None:
    """What a row has in a column."""
    value = row.attributes().get(attribute.name)
    return value if value is not None and kind_of(value) == attribute.kind else None


def holds(kind: str, value: Value, found: Any) -> bool:
    """Whether a cell of a column of this kind holds the value, as the type it should have."""
    _, content = only(value)
    return CHECKS[kind](content, found) if kind != "json" else is_json_of(value, found)


def is_text(content: str, found: Any) -> bool:
    return type(found) is str and found == content


def is_integer(content: str, found: Any) -> bool:
    return type(found) is int and found == int(number(content))


def is_double(content: str, found: Any) -> bool:
    """Bit by bit the double nearest to the number."""
    return type(found) is float and struct.pack("<d", found) == struct.pack("<d", float(content))


def is_truth(content: bool, found: Any) -> bool:
    return type(found) is bool and found is content


def is_binary(content: str, found: Any) -> bool:
    return type(found) is bytes and found == base64.b64decode(content)


def set_of(is_member: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    """A set has no order, and each member once; two numbers may have one nearest double."""

    def check(content: list[Any], found: Any) -> bool:
        if type(found) is not list or len(found) != len(content):
            return False
        left = list(found)
        for member in content:
            at = next((at for at, other in enumerate(left) if is_member(member, other)), None)
            if at is None:
                return False
            del left[at]
        return True

    return check


CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "string": is_text,
    "bigint": is_integer,
    "double": is_double,
    "boolean": is_truth,
    "binary": is_binary,
    "string_set": set_of(is_text),
    "bigint_set": set_of(is_integer),
    "double_set": set_of(is_double),
    "binary_set": set_of(is_binary),
}


def is_json_of(value: Value, found: Any) -> bool:
    """Plain JSON of the value: compact, all digits, sorted names."""
    if type(found) is not str:
        return False
    plain = json.loads(found, parse_int=Decimal, parse_float=Decimal)
    return _is_json(value, plain) and _written(plain) == found


def _is_json(value: Value, plain: Any) -> bool:
    descriptor, content = only(value)
    match descriptor:
        case "NULL":
            return plain is None
        case "BOOL":
            return plain is content
        case "N":
            return type(plain) is Decimal and f"{plain:f}" == number(content)
        case "S" | "B":
            return is_text(content, plain)
        case "SS" | "BS":
            return set_of(is_text)(content, plain)
        case "NS":
            return set_of(lambda member, other: _is_json({"N": member}, other))(content, plain)
        case "L":
            return type(plain) is list and len(plain) == len(content) and all(map(_is_json, content, plain))
    return (
        type(plain) is dict
        and plain.keys() == content.keys()
        and all(_is_json(member, plain[name]) for name, member in content.items())
    )


def _written(plain: Any) -> str:
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    if isinstance(plain, list):
        return "[" + ",".join(map(_written, plain)) + "]"
    if isinstance(plain, dict):
        names = sorted(plain, key=str.encode)
        return "{" + ",".join(f"{_written(name)}:{_written(plain[name])}" for name in names) + "}"
    return json.dumps(plain, ensure_ascii=False)
