"""CSV to items by Python's `csv`: numbers as decimals, which boto3 takes, and nothing for what is missing.

usage: csv_items.py IN.csv SCHEMA.json
"""

import csv
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

MISSING = "NA"


def items(source: str, schema: str) -> Iterator[dict[str, Any]]:
    with open(schema) as file:
        texts = {column["name"] for column in json.load(file) if column["type"] == "string"}
    with open(source, newline="") as file:
        rows = csv.reader(file)
        columns = [(name, name in texts) for name in next(rows)]
        for row in rows:
            item: dict[str, Any] = {}
            for (name, is_text), text in zip(columns, row, strict=True):
                if is_text:
                    if text:
                        item[name] = text
                elif text and text != MISSING:
                    item[name] = Decimal(text)
            yield item


def main(source: str, schema: str) -> None:
    count = attributes = 0
    for item in items(source, schema):
        count += 1
        attributes += len(item)
    print(f"{count} items of {attributes} attributes")


main(*sys.argv[1:])
