"""JSON lines to items by orjson: floats as decimals, since boto3 takes no floats.

usage: orjson_items.py IN.jsonl
"""

import sys
from decimal import Decimal
from typing import Any

import orjson


def exact(value: Any) -> Any:
    return Decimal(str(value)) if type(value) is float else value


def main(source: str) -> None:
    count = attributes = 0
    with open(source, "rb") as lines:
        for line in lines:
            item = {name: exact(value) for name, value in orjson.loads(line).items()}
            count += 1
            attributes += len(item)
    print(f"{count} items of {attributes} attributes")


main(*sys.argv[1:])
