"""CSV or JSON lines to a table in memory by DuckDB, with the schema it is given.

usage: duckdb_items.py csv|json IN SCHEMA.json THREADS
"""

import json
import sys

import duckdb

TYPES = {"string": "VARCHAR", "bigint": "BIGINT"}


def reader(form: str, source: str, schema: str) -> str:
    with open(schema) as file:
        columns = {column["name"]: TYPES[column["type"]] for column in json.load(file)}
    if form == "json":
        return f"read_json('{source}', format='newline_delimited', columns={columns})"
    # A missing word is one in columns of numbers only.
    texts = [name for name, kind in columns.items() if kind == "VARCHAR"]
    return (
        f"read_csv('{source}', auto_detect=false, header=true, delim=',', quote='\"', escape='\"',"
        f" nullstr='NA', force_not_null={texts}, columns={columns})"
    )


def main(form: str, source: str, schema: str, threads: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"SET threads={threads}")
    connection.execute(f"CREATE TABLE items AS SELECT * FROM {reader(form, source, schema)}")
    count, *attributes = connection.execute("SELECT count(*), count(COLUMNS(*)) FROM items").fetchone() or (0,)
    print(f"{count} items of {sum(attributes)} attributes")


main(*sys.argv[1:])
