"""Polars, which has a Parquet reader of its own, in Rust, and not ours."""

from pathlib import Path

import polars as pl
from column import Column, Columns

NAMES = {
    pl.String: "string",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Boolean: "boolean",
    pl.Binary: "binary",
    pl.Datetime("ms", "UTC"): "timestamp",
}


def read(path: Path) -> Columns:
    frame = pl.read_parquet(path, hive_partitioning=False)
    return {series.name: _column(series) for series in frame}


def _column(series: pl.Series) -> Column:
    kind = _type(series.dtype)
    values = series.dt.epoch("ms") if kind == "timestamp" else series
    return Column(kind, values.to_list())


def _type(kind: object) -> str:
    if isinstance(kind, pl.List):
        return f"array<{_type(kind.inner)}>"
    return next((name for known, name in NAMES.items() if kind == known), str(kind))
