"""Apache Arrow's own reader, in C++."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from column import Column, Columns

NAMES = {
    pa.string(): "string",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.binary(): "binary",
    pa.timestamp("ms", tz="UTC"): "timestamp",
}


def read(path: Path) -> Columns:
    table = pq.read_table(path, partitioning=None)
    return {name: _column(table[name]) for name in table.column_names}


def _column(array: pa.ChunkedArray) -> Column:
    kind = _type(array.type)
    values = array.cast(pa.int64()) if kind == "timestamp" else array
    return Column(kind, values.to_pylist())


def _type(kind: pa.DataType) -> str:
    return f"array<{_type(kind.value_type)}>" if pa.types.is_list(kind) else NAMES.get(kind, str(kind))
