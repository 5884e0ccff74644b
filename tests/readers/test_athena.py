"""Athena, over the catalog's table, answers with the values of the items that were put into the DynamoDB table.

The local Athena runs the query on DuckDB and writes values as Trino does, all of them as text. So this shows the
catalog's types and names, and that the feed's files are found by them; it cannot show Trino's own Parquet reader, nor
partition projection. And as on AWS an array is one text, `[a, b]`, in which nothing says where a member ends: strings
are compared in every order, but one that itself holds `, ` could be two.
"""

import base64
from dataclasses import replace
from itertools import permutations
from typing import Any

import boto3
import edge_cases
import expected
import generated_items
import pytest
from athena import CONFIG, Answer, Stack, until
from canonical import Item, item_text, number, only
from comparing import differs, in_order
from expected import META_TYPES, TYPES, Attribute, Row

TABLE = "readers"
CHANGES = "readers__changes"
SEED = 20261123
# As Athena names the types in its answers. Of an array it says that it is one; the local one says that it is text.
ANSWERED = {"string": "varchar", "binary": "varbinary", "array": "varchar"}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack()


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[Row]:
    """What was done to the table: puts, puts over them, deletes. At most one of each for a key."""
    items = [*edge_cases.items(), *generated_items.Generator(SEED).items(100)]
    stack.make_table(TABLE)
    done = []
    for at, item in enumerate(items):
        # The local DynamoDB, unlike the real one, deletes by a number's text, and keeps that in plain notation.
        key = {"pk": item["pk"], "sk": {"N": number(item["sk"]["N"])}}
        item = item | key
        inserted = Row(op="INSERT", ts_ms=None, key=key, item=item, by="user")
        done.append(inserted)
        if at % 3 == 1:
            done.append(replace(inserted, op="MODIFY", item=key | {"changed": {"N": str(at)}}, old=item))
        if at % 5 == 4:
            done.append(replace(inserted, op="REMOVE", item=None, old=done[-1].item))
    for row in done:
        if row.item is None:
            stack.delete(TABLE, boto_item(row.key))
        else:
            stack.put(TABLE, boto_item(row.item))
    return done


def boto_item(item: Item) -> dict[str, Any]:
    """The SDK takes binary as bytes."""
    return {name: boto_value(value) for name, value in item.items()}


def boto_value(value: expected.Value) -> dict[str, Any]:
    descriptor, content = only(value)
    match descriptor:
        case "B":
            content = base64.b64decode(content)
        case "BS":
            content = [base64.b64decode(member) for member in content]
        case "L":
            content = [boto_value(member) for member in content]
        case "M":
            content = boto_item(content)
    return {descriptor: content}


@pytest.fixture(scope="module")
def answer(stack: Stack, rows: list[Row]) -> Answer:
    """Every change, once: a retry of the feed may have written one twice."""
    seed = '"_key" <> \'{"pk":{"S":"seed"},"sk":{"N":"0"}}\''
    count = f'SELECT count(DISTINCT "_seq") AS n FROM "{CHANGES}" WHERE {seed}'
    until(f"{len(rows)} changes", lambda: stack.query(count).rows == [{"n": str(len(rows))}])
    every = stack.query(f'SELECT * FROM "{CHANGES}" WHERE {seed}')
    once = {(row["_stream"], row["_seq"]): row for row in every.rows}
    return Answer(every.types, list(once.values()))


@pytest.fixture(scope="module")
def catalogued() -> list[dict[str, Any]]:
    glue = boto3.client("glue", config=CONFIG)
    return glue.get_table(DatabaseName=Stack().database, Name=CHANGES)["Table"]["StorageDescriptor"]["Columns"]


@pytest.fixture(scope="module")
def columns(answer: Answer, catalogued: list[dict[str, Any]]) -> dict[str, Attribute]:
    """The columns as the catalog tells of them: in which order the feed saw the attributes is its own affair."""
    parameters = {column["Name"]: column.get("Parameters", {}) for column in catalogued}
    return {
        name: Attribute(told["headwater.attribute"], told["headwater.kind"])
        for name, told in parameters.items()
        if "headwater.kind" in told
    }


def test_every_attribute_and_kind_has_its_column_and_type(
    answer: Answer, catalogued: list[dict[str, Any]], columns: dict[str, Attribute], rows: list[Row]
) -> None:
    assert set(columns.values()) == set(expected.columns_of(rows).values())
    types = META_TYPES | {name: TYPES[attribute.kind] for name, attribute in columns.items()}
    assert {column["Name"]: column["Type"] for column in catalogued} == types
    types["dt"] = "string"
    assert answer.types == {name: ANSWERED.get(kind.partition("<")[0], kind) for name, kind in types.items()}


def test_every_value_of_every_column(answer: Answer, columns: dict[str, Attribute], rows: list[Row]) -> None:
    found = {(row["_key"], row["_op"]): row for row in answer.rows}
    assert len(found) == len(answer.rows) == len(rows)
    wrong = []
    for row in rows:
        told = found[item_text(row.key), row.op]
        for name, text in meta_of(row, columns):
            cell = in_order(told[name]) if name == "_rest" else told[name]
            wrong += [] if cell == text else [differs(name, row, cell, text)]
        for name, attribute in columns.items():
            value = expected.value_in(row, attribute)
            if not (told[name] is None if value is None else is_told(attribute.kind, value, told[name])):
                wrong.append(differs(name, row, told[name], value))
    assert not wrong, "\n".join([f"{len(wrong)} cells differ, among them:", *wrong[:10]])


def meta_of(row: Row, columns: dict[str, Attribute]) -> list[tuple[str, str | None]]:
    """The meta columns as text; those that DynamoDB chooses have a test of their own."""
    known = {name: value for name, value in expected.meta_of(row, columns).items() if name not in CHOSEN}
    return [(name, None if value is None else str(value)) for name, value in known.items()]


CHOSEN = {"_ts", "_stream", "_seq", "_event_id"}


def is_told(kind: str, value: expected.Value, text: str | None) -> bool:
    """Whether a text of Athena's is the value."""
    if text is None:
        return False
    if kind == "string_set":
        return text in {f"[{', '.join(order)}]" for order in permutations(only(value)[1])}
    return expected.holds(kind, value, parsed(kind, text))


def parsed(kind: str, text: str) -> Any:
    if kind.endswith("_set"):
        return [parsed(kind.removesuffix("_set"), member) for member in text[1:-1].split(", ")]
    match kind:
        case "bigint":
            return int(text)
        case "double":
            return float(text)
        case "boolean":
            return {"true": True, "false": False}.get(text)
        case "binary":
            return bytes.fromhex(text)
    return text


def test_the_order_of_a_key_and_the_times(answer: Answer, rows: list[Row]) -> None:
    found = {(row["_key"], row["_op"]): row for row in answer.rows}
    for before, after in (("INSERT", "MODIFY"), ("MODIFY", "REMOVE")):
        both = [key for key, op in found if op == after and (key, before) in found]
        assert both
        for key in both:
            assert order_of(found[key, before]) < order_of(found[key, after])
    for row in answer.rows:
        assert len(row["_seq"] or "") == 40
        assert (row["_ts"] or "").startswith(row["dt"] or "none")
    assert len({row["_event_id"] for row in answer.rows}) == len(rows)


def order_of(row: dict[str, str | None]) -> tuple[str, str]:
    return row["_stream"] or "", row["_seq"] or ""
