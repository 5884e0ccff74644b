"""Whether Headwater and DuckDB wrote the same values, so that nobody is fast by being wrong.

Scalar columns are compared in every row; maps, lists and sets, which the two keep in different types, in every 997th.

usage: values.py OURS.parquet DUCKDB.parquet SCHEMA.json
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from conversion import columns_of

STEP = 997

AS_COMPARED = {
    "string": pa.string(),
    "string_or_null": pa.string(),
    "string_or_number": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "money": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
}


class Ours:
    """Our file by attributes: one may have several columns, of which a row has a value in one."""

    def __init__(self, path: str) -> None:
        self.file = pq.ParquetFile(path)
        described = json.loads(self.file.schema_arrow.metadata[b"headwater.columns"])
        self.names: dict[str, list[str]] = {}
        for name, column in described.items():
            self.names.setdefault(column["attribute"], []).append(name)

    def columns(self, attribute: str) -> list[pa.ChunkedArray]:
        names = self.names.get(attribute, [])
        table = self.file.read(columns=[part for name in names for part in (name, f"{name}.list.element")])
        return [table.column(name) for name in names]


def scalars_differ(ours: list[pa.ChunkedArray], theirs: pa.ChunkedArray, kind: str) -> str | None:
    wanted = AS_COMPARED[kind]
    if kind == "money":
        # By way of its digits: the cast from decimals multiplies by 0.01, which is not always the nearest double.
        theirs = theirs.cast(pa.string())
    mine = pc.coalesce(*[column.cast(wanted) for column in ours]) if ours else pa.nulls(len(theirs), wanted)
    same = pc.equal(mine, theirs.cast(wanted)).fill_null(False)
    both_null = pc.and_(pc.is_null(mine), pc.is_null(theirs))
    row = pc.index(pc.or_(same, both_null), False).as_py()
    return None if row < 0 else f"row {row}: {mine[row].as_py()!r} and {theirs[row].as_py()!r}"


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return value


# Ours is JSON text or a list, theirs a struct or a list.
AS_SAMPLED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "struct": (json.loads, without_nulls),
    "list": (json.loads, list),
    "string_set": (set, set),
    "number_set": (set, lambda members: {float(member) for member in members}),
}


def samples_differ(ours: list[pa.ChunkedArray], theirs: pa.ChunkedArray, kind: str) -> str | None:
    read_ours, read_theirs = AS_SAMPLED[kind]
    for row in range(0, len(theirs), STEP):
        found = [value for value in (column[row].as_py() for column in ours) if value is not None]
        mine = read_ours(found[0]) if found else None
        other = theirs[row].as_py()
        other = None if other is None else read_theirs(other)
        if mine != other:
            return f"row {row}: {mine!r} and {other!r}"
    return None


def main(ours_path: str, theirs_path: str, schema: str) -> None:
    ours, theirs = Ours(ours_path), pq.ParquetFile(theirs_path)
    columns = columns_of(schema)
    for column in columns:
        name, kind = column["name"], column["type"]
        differ = samples_differ if kind in AS_SAMPLED else scalars_differ
        theirs_column = theirs.read(columns=[name]).column(0)
        difference = differ(ours.columns(name), theirs_column, kind)
        if difference:
            sys.exit(f"{name} differs from DuckDB's: {difference}")
    print(json.dumps({"columns_compared": len(columns)}))


main(*sys.argv[1:])
