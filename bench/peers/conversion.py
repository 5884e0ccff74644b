"""DynamoDB JSON to what pyarrow takes, as Python programs do it today: with boto3, or by hand after orjson.

Both know the schema, so each attribute has its own function: nobody is slowed down by asking for types.
"""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

Item = dict[str, Any]

_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "string_or_null": pa.string(),
    "string_or_number": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "money": pa.decimal128(18, 2),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "list": pa.list_(pa.string()),
    "string_set": pa.list_(pa.string()),
    "number_set": pa.list_(pa.string()),
}


def columns_of(schema: str) -> list[dict[str, Any]]:
    with open(schema) as file:
        columns: list[dict[str, Any]] = json.load(file)
    return columns


def fields(columns: list[dict[str, Any]]) -> list[tuple[str, pa.DataType]]:
    return [(column["name"], _type(column)) for column in columns]


def _type(column: dict[str, Any]) -> pa.DataType:
    return pa.struct(fields(column["fields"])) if column["type"] == "struct" else _TYPES[column["type"]]


# What is left to do after boto3's TypeDeserializer, which gives decimals, sets and wrapped bytes.
_AFTER_BOTO3: dict[str, Callable[[Any], Any]] = {
    "string_or_number": str,
    "bigint": int,
    "double": float,
    "binary": lambda value: value.value,
    "string_set": list,
    "number_set": lambda value: [str(member) for member in value],
}


def with_boto3(columns: list[dict[str, Any]]) -> Callable[[Item], Item]:
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    # In exports and events binary values are base64, which the deserializer refuses.
    binary = [column["name"] for column in columns if column["type"] == "binary"]
    after = _after_boto3(columns)

    def convert(item: Item) -> Item:
        for name in binary:
            if name in item:
                item[name] = {"B": base64.b64decode(item[name]["B"])}
        return after({name: deserialize(value) for name, value in item.items()})

    return convert


def _after_boto3(columns: list[dict[str, Any]]) -> Callable[[Item], Item]:
    conversions = {column["name"]: _AFTER_BOTO3[column["type"]] for column in columns if column["type"] in _AFTER_BOTO3}
    conversions |= {column["name"]: _after_boto3(column["fields"]) for column in columns if column["type"] == "struct"}

    def convert(values: Item) -> Item:
        for name in values.keys() & conversions.keys():
            values[name] = conversions[name](values[name])
        return values

    return convert


_BY_HAND: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: value["S"],
    "string_or_null": lambda value: value.get("S"),
    "string_or_number": lambda value: value["N"] if "N" in value else value["S"],
    "bigint": lambda value: int(value["N"]),
    "double": lambda value: float(value["N"]),
    "money": lambda value: Decimal(value["N"]),
    "boolean": lambda value: value["BOOL"],
    "binary": lambda value: base64.b64decode(value["B"]),
    "list": lambda value: [member["S"] for member in value["L"]],
    "string_set": lambda value: value["SS"],
    "number_set": lambda value: value["NS"],
}


def by_hand(columns: list[dict[str, Any]]) -> Callable[[Item], Item]:
    conversions = {column["name"]: _by_hand(column) for column in columns}
    return lambda item: {name: conversions[name](value) for name, value in item.items()}


def _by_hand(column: dict[str, Any]) -> Callable[[Any], Any]:
    if column["type"] != "struct":
        return _BY_HAND[column["type"]]
    convert = by_hand(column["fields"])
    return lambda value: convert(value["M"])


def reader(library: str, columns: list[dict[str, Any]]) -> tuple[Callable[[bytes], Any], Callable[[Item], Item]]:
    """How JSON is read and items are converted, by the library's name."""
    if library == "orjson":
        import orjson

        return orjson.loads, by_hand(columns)
    return json.loads, with_boto3(columns)
