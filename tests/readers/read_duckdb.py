"""DuckDB, which has a Parquet reader of its own."""

from pathlib import Path

import duckdb
from column import Column, Columns

NAMES = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "BLOB": "binary",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def read(path: Path) -> Columns:
    with duckdb.connect() as connection:
        file = connection.read_parquet(str(path), hive_partitioning=False)
        names, kinds = file.columns, [_type(str(kind)) for kind in file.types]
        # As a number: in Python DuckDB's timestamps with a time zone need yet another package.
        rows = file.select('* REPLACE (epoch_ms("_ts") AS "_ts")').fetchall()
    values = zip(*rows, strict=True) if rows else ([] for _ in names)
    return {name: Column(kind, list(cells)) for name, kind, cells in zip(names, kinds, values, strict=True)}


def _type(kind: str) -> str:
    return f"array<{_type(kind[:-2])}>" if kind.endswith("[]") else NAMES.get(kind, kind)
