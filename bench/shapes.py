"""The two shapes of data: which attributes there are, and what peers are told about each.

Headwater is told nothing but the names of the key attributes. Peers get the schema as JSON, and each makes of it
whatever its library reads fastest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from . import entities


@dataclass(frozen=True)
class Column:
    """An attribute, its type in DynamoDB, and so the column that a peer makes of it."""

    name: str
    type: str
    fields: tuple[Column, ...] = ()
    optional: bool = True

    def as_json(self) -> dict[str, object]:
        described: dict[str, object] = {"name": self.name, "type": self.type, "optional": self.optional}
        if self.fields:
            described["fields"] = [field.as_json() for field in self.fields]
        return described


@dataclass(frozen=True)
class Shape:
    """A table: its key, and the columns that peers make of its items."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def write_schema(self, file: Path) -> None:
        file.write_text(json.dumps([column.as_json() for column in self.columns], indent=1) + "\n")


def _always(*columns: tuple[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind, optional=False) for name, kind in columns)


_GEO = Column("geo", "struct", _always(("lat", "double"), ("lon", "double")), optional=False)
_STREET = _always(("street", "string"), ("city", "string"), ("zip", "string"))

# Twenty attributes, most of them in every item, maps and sets among them.
ORDERS = Shape(
    "orders",
    ("pk", "sk"),
    (
        *_always(
            ("pk", "string"),
            ("sk", "string"),
            ("email", "string"),
            ("name", "string"),
            ("note", "string"),
            ("status", "string"),
            ("age", "bigint"),
            ("price", "money"),
            ("score", "double"),
            ("created_at", "bigint"),
            ("active", "boolean"),
        ),
        Column("address", "struct", (*_STREET, _GEO), optional=False),
        *_always(
            ("tags", "list"),
            ("labels", "string_set"),
            ("deleted_at", "string_or_null"),
            ("thumb", "binary"),
            ("ref", "string_or_number"),
        ),
        Column("nick", "string"),
        Column("coupon", "string"),
        Column("ratings", "number_set"),
    ),
)

_COLUMN_OF = {
    "identifier": "string",
    "word": "string",
    "words": "string",
    "text": "string",
    "email": "string",
    "address": "string",
    "moment": "string",
    "count": "bigint",
    "epoch": "bigint",
    "money": "money",
    "ratio": "double",
    "flag": "boolean",
    "bytes": "binary",
    "list": "list",
    "set": "string_set",
    "numbers": "number_set",
}


def _entity_column(name: str, maker: str) -> Column:
    if maker == "place":
        return Column(name, "struct", (*_STREET, _GEO))
    return Column(name, _COLUMN_OF[maker])


# Many kinds of items in one table, each with attributes of its own: wide and mostly empty.
ENTITIES = Shape(
    "entities",
    ("PK", "SK"),
    tuple(_entity_column(name, maker) for name, maker in entities.attributes().items()),
)

SHAPES = (ORDERS, ENTITIES)
