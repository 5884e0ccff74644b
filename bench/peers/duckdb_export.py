"""An export to Parquet by DuckDB: `read_json` with the schema it is given, unwrapped in SQL.

usage: duckdb_export.py IN.json.gz OUT.parquet SCHEMA.json THREADS
"""

import json
import sys
from typing import Any

import duckdb

READ_AS = {
    "string": 'STRUCT("S" VARCHAR)',
    "string_or_null": 'STRUCT("NULL" BOOLEAN, "S" VARCHAR)',
    "string_or_number": 'STRUCT("N" VARCHAR, "S" VARCHAR)',
    "bigint": 'STRUCT("N" VARCHAR)',
    "double": 'STRUCT("N" VARCHAR)',
    "money": 'STRUCT("N" VARCHAR)',
    "boolean": 'STRUCT("BOOL" BOOLEAN)',
    "binary": 'STRUCT("B" VARCHAR)',
    "list": 'STRUCT("L" STRUCT("S" VARCHAR)[])',
    "string_set": 'STRUCT("SS" VARCHAR[])',
    "number_set": 'STRUCT("NS" VARCHAR[])',
}

WRITE_AS = {
    "string": "{0}.S",
    "string_or_null": "{0}.S",
    "string_or_number": "coalesce({0}.N, {0}.S)",
    "bigint": "{0}.N::BIGINT",
    "double": "{0}.N::DOUBLE",
    "money": "{0}.N::DECIMAL(18,2)",
    "boolean": "{0}.BOOL",
    "binary": "from_base64({0}.B)",
    "list": "list_transform({0}.L, lambda member: member.S)",
    "string_set": "{0}.SS",
    "number_set": "{0}.NS",
}


def read_as(column: dict[str, Any]) -> str:
    if column["type"] != "struct":
        return READ_AS[column["type"]]
    return f'STRUCT("M" {struct(column["fields"])})'


def struct(columns: list[dict[str, Any]]) -> str:
    return "STRUCT(" + ", ".join(f'"{column["name"]}" {read_as(column)}' for column in columns) + ")"


def write_as(column: dict[str, Any], parent: str) -> str:
    path = f'{parent}."{column["name"]}"'
    if column["type"] != "struct":
        return WRITE_AS[column["type"]].format(path)
    fields = ", ".join(f'"{field["name"]}" := {write_as(field, f"{path}.M")}' for field in column["fields"])
    packed = f"struct_pack({fields})"
    return f"CASE WHEN {path} IS NULL THEN NULL ELSE {packed} END" if column["optional"] else packed


def main(source: str, target: str, schema: str, threads: str) -> None:
    with open(schema) as file:
        columns = json.load(file)
    connection = duckdb.connect()
    connection.execute(f"SET threads={threads}")
    connection.execute("SET preserve_insertion_order=true")
    selected = ", ".join(f'{write_as(column, "Item")} AS "{column["name"]}"' for column in columns)
    connection.execute(
        f"COPY (SELECT {selected} FROM read_json('{source}', format='newline_delimited',"
        f" columns={{Item: '{struct(columns)}'}}))"
        f" TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880)"
    )


main(*sys.argv[1:])
