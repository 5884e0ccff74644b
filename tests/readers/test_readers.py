"""Readers that no one here wrote read the files of the lake to the values of the source items."""

import json

import pyarrow.parquet as pq
import pytest
import read_duckdb
import read_polars
import read_pyarrow
import read_spark
from canonical import hash_of, item_text
from column import Columns
from comparing import differs, in_order
from conftest import Written
from document import reader
from examples import changes_to_items, parquet_to_export
from expected import META_TYPES, TYPES, Attribute, Row, holds, meta_of, value_in

READERS = {"duckdb": read_duckdb, "polars": read_polars, "pyarrow": read_pyarrow, "spark": read_spark}


@pytest.mark.parametrize("name", READERS)
def test_every_value_of_every_column(name: str, written: Written, columns: dict[str, Attribute]) -> None:
    found = READERS[name].read(written.path)
    types = META_TYPES | {column: TYPES[attribute.kind] for column, attribute in columns.items()}
    assert {column: cells.type for column, cells in found.items()} == types
    assert list(found) == list(types), "the columns are in the order of the catalog"
    assert {len(cells.values) for cells in found.values()} == {len(written.rows)}
    wrong = [*wrong_meta(found, written.rows, columns), *wrong_cells(found, written.rows, columns)]
    assert not wrong, "\n".join([f"{len(wrong)} cells differ, among them:", *wrong[:10]])


def wrong_meta(found: Columns, rows: list[Row], columns: dict[str, Attribute]) -> list[str]:
    wrong = []
    for at, row in enumerate(rows):
        for column, value in meta_of(row, columns).items():
            cell = found[column].values[at]
            if type(cell) is not type(value) or (in_order(cell) if column == "_rest" else cell) != value:
                wrong.append(differs(column, row, cell, value))
    return wrong


def wrong_cells(found: Columns, rows: list[Row], columns: dict[str, Attribute]) -> list[str]:
    wrong = []
    for column, attribute in columns.items():
        for row, cell in zip(rows, found[column].values, strict=True):
            value = value_in(row, attribute)
            if not (cell is None if value is None else holds(attribute.kind, value, cell)):
                wrong.append(differs(column, row, cell, value))
    return wrong


def test_the_items_come_back_from_what_pyarrow_reads(written: Written) -> None:
    rebuilt = list(reader()(written.path))
    source = [row.item for row in written.rows if row.item is not None]
    assert len(rebuilt) == len(source)
    for (row, item), expected in zip(rebuilt, source, strict=True):
        assert item_text(item) == item_text(expected)
        assert hash_of(item) == row["_hash"]


def test_the_items_come_back_from_our_own_programs(written: Written) -> None:
    found = parquet_to_export(written.path)
    assert list(map(item_text, found)) == [item_text(row.item) for row in written.rows if row.item is not None]
    current = {item_text(row.key): row.item for row in written.rows}
    left = [item_text(item) for item in current.values() if item is not None]
    assert sorted(map(item_text, changes_to_items(written.path))) == sorted(left)


def test_the_footer_says_what_the_columns_are(written: Written, columns: dict[str, Attribute]) -> None:
    metadata = pq.read_schema(written.path).metadata
    told = {name: {"attribute": attribute.name, "kind": attribute.kind} for name, attribute in columns.items()}
    assert json.loads(metadata[b"headwater.columns"]) == told
    assert metadata[b"headwater.format"] == b"1"
