"""An export to Parquet by polars: `scan_ndjson` with the schema it is given, unwrapped in expressions, streamed.

POLARS_MAX_THREADS says on how many threads.
usage: polars_export.py IN.json.gz OUT.parquet SCHEMA.json
"""

import json
import sys
from typing import Any

import polars as pl

READ_AS: dict[str, pl.Struct] = {
    "string": pl.Struct({"S": pl.String}),
    "string_or_null": pl.Struct({"NULL": pl.Boolean, "S": pl.String}),
    "string_or_number": pl.Struct({"N": pl.String, "S": pl.String}),
    "bigint": pl.Struct({"N": pl.String}),
    "double": pl.Struct({"N": pl.String}),
    "money": pl.Struct({"N": pl.String}),
    "boolean": pl.Struct({"BOOL": pl.Boolean}),
    "binary": pl.Struct({"B": pl.String}),
    "list": pl.Struct({"L": pl.List(pl.Struct({"S": pl.String}))}),
    "string_set": pl.Struct({"SS": pl.List(pl.String)}),
    "number_set": pl.Struct({"NS": pl.List(pl.String)}),
}


def read_as(column: dict[str, Any]) -> pl.Struct:
    if column["type"] != "struct":
        return READ_AS[column["type"]]
    return pl.Struct({"M": struct(column["fields"])})


def struct(columns: list[dict[str, Any]]) -> pl.Struct:
    return pl.Struct({column["name"]: read_as(column) for column in columns})


def write_as(column: dict[str, Any], parent: pl.Expr) -> pl.Expr:
    value = parent.struct.field(column["name"])
    field = value.struct.field
    match column["type"]:
        case "string" | "string_or_null":
            written = field("S")
        case "string_or_number":
            written = pl.coalesce(field("N"), field("S"))
        case "bigint":
            written = field("N").cast(pl.Int64)
        case "double":
            written = field("N").cast(pl.Float64)
        case "money":
            written = field("N").cast(pl.Decimal(18, 2))
        case "boolean":
            written = field("BOOL")
        case "binary":
            written = field("B").str.decode("base64")
        case "list":
            written = field("L").list.eval(pl.element().struct.field("S"))
        case "string_set":
            written = field("SS")
        case "number_set":
            written = field("NS")
        case _:
            written = pl.struct(*[write_as(member, field("M")) for member in column["fields"]])
            if column["optional"]:
                written = pl.when(field("M").is_not_null()).then(written)
    return written.alias(column["name"])


def main(source: str, target: str, schema: str) -> None:
    with open(schema) as file:
        columns = json.load(file)
    lines = pl.scan_ndjson(source, schema={"Item": struct(columns)})
    rows = lines.select(*[write_as(column, pl.col("Item")) for column in columns])
    rows.sink_parquet(target, compression="zstd", compression_level=3, row_group_size=122880)


main(*sys.argv[1:])
