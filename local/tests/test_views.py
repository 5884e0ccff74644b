"""The SQL of the views, as shared/lake/tests/views.rs keeps it: Athena's by the grammar, and right on made up histories.

Here DuckDB runs it, translated by sqlglot. What Trino makes of the same text only AWS shows.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest
import sqlglot
from histories import (
    EXPORTED,
    FIRST,
    FORMER,
    KEYS,
    OVERLAY,
    SECOND,
    SINCE,
    Change,
    hash_of,
    history,
    key_text,
    merged,
    newest,
)
from sqlglot import exp
from tables import SNAPSHOTS, Lake, files, row_of, row_of_snapshot, statement

FILES = sorted(SNAPSHOTS.glob("views__*.snap"))
HISTORIES = 60


def parsed(name: str) -> exp.Create:
    return sqlglot.parse_one(statement(f"views__{name}"), read="athena")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_view_is_one_statement_of_athena(file):
    name = file.stem.removeprefix("views__")
    (create,) = sqlglot.parse(statement(file.stem), read="athena")
    assert isinstance(create, exp.Create) and create.args["kind"] == "VIEW" and create.args["replace"]
    # A statement in parts that sqlglot does not know would be kept as text.
    assert create.find(exp.Command) is None
    assert all(identifier.quoted for identifier in create.find_all(exp.Identifier))
    names = create.expression.named_selects
    assert "" not in names and len(set(map(str.lower, names))) == len(names), names
    suffix = "__history" if name.endswith("history") else ""
    base = "select_from_where" if name.startswith("hostile") else name.split("_")[0]
    assert create.this.name == base + suffix
    read = {table.name for table in create.find_all(exp.Table)} - {create.this.name, create.expression.ctes[0].alias}
    on_snapshot = {f"{base}__snapshot"} if name.endswith("on_snapshot") else set()
    assert read == {f"{base}__changes"} | on_snapshot


def test_there_is_a_view_of_each_shape_and_hostile_names_stay_names():
    stems = {file.stem.removeprefix("views__") for file in FILES}
    shapes = ("current", "current_on_snapshot", "history")
    assert stems == {f"{table}_{shape}" for table in ("orders", "new", "hostile") for shape in shapes}
    assert ['it"s; DROP VIEW "x" --', "o'clock */", "naïve 名"] == parsed("hostile_current").expression.named_selects[-7:-4]


@pytest.fixture(scope="module")
def sql() -> dict[str, str]:
    shapes = ("current", "current_on_snapshot", "history")
    return {shape: parsed(f"orders_{shape}").expression.sql(dialect="duckdb") for shape in shapes}


@pytest.fixture(scope="module")
def lake() -> Lake:
    return Lake()


def richest(copies: list[tuple[Change, frozenset[str]]], change: Change) -> dict:
    """The copy that has most in columns."""
    rows = [row_of(change, without) for found, without in copies if found == change]
    return min(rows, key=lambda row: len(row["_rest"] or ""))


def same(found: list[dict], expected: list[dict]) -> None:
    """Equal as sets of rows; what a row does not name is null."""
    names = found[0].keys() if found else ()
    assert all(row.keys() <= set(names) for row in expected) or not found, (names, expected)
    full = [{name: row.get(name) for name in names} for row in expected] if found else expected
    assert sorted(map(repr, found)) == sorted(map(repr, full))


def shown(row: dict) -> dict:
    """What the current state has of a row."""
    hidden = ("_op", "_stream", "_seq", "_by", "dt", "snapshot")
    return {name: value for name, value in merged(row).items() if name not in hidden}


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_views_of_any_history(sql, lake, seed):
    random = Random(seed)
    made = history(random)
    copies = files(random, made.changes)
    lake.insert("orders__changes", [row_of(*copy) for copy in copies])
    same(lake.rows(sql["history"]), [merged(richest(copies, change)) for change in made.changes])
    latest = newest(made.changes, SINCE).values()
    expected = [shown(richest(copies, change)) for change in latest if change.op != "REMOVE"]
    same(lake.rows(sql["current"]), expected)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_current_state_on_a_snapshot_of_any_history(sql, lake, seed):
    random = Random(seed)
    made = history(random)
    # What is older than the two minutes may be gone, or have been lost: the snapshot has it.
    changes = [one for one in made.changes if one.ts >= EXPORTED - OVERLAY or random.random() < 0.5]
    copies = files(random, changes)
    lake.insert("orders__changes", [row_of(*copy) for copy in copies])
    other = [row_of_snapshot("9", (("id", 9),), "20261121T150000Z")]
    lake.insert("orders__snapshot", other + [row_of_snapshot(*entry) for entry in made.exported.items()])
    overlaid = newest([one for one in changes if one.ts >= EXPORTED - OVERLAY], SINCE)
    expected = [shown(richest(copies, change)) for change in overlaid.values() if change.op != "REMOVE"]
    expected += [shown(row_of_snapshot(key, item)) for key, item in made.exported.items() if key not in overlaid]
    same(lake.rows(sql["current_on_snapshot"]), expected)
    # And that is the table as it is now.
    now = {key: one for key, one in newest(made.changes, SINCE).items() if one.op != "REMOVE"}
    truth = sorted((key_text(key), hash_of(one.item)) for key, one in now.items())
    assert sorted((row["_key"], row["_hash"]) for row in expected) == truth


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_the_current_state_on_a_snapshot_shows_before_all_has_arrived(sql, lake, seed):
    random = Random(seed)
    made = history(random)
    begins = EXPORTED - OVERLAY
    arrived = [one for one in made.changes if random.random() < 0.6]
    lake.insert("orders__changes", [row_of(*copy) for copy in files(random, arrived)])
    lake.insert("orders__snapshot", [row_of_snapshot(*entry) for entry in made.exported.items()])
    rows = lake.rows(sql["current_on_snapshot"])
    there = {row["_key"]: row["_hash"] for row in rows}
    assert len(there) == len(rows)
    for key in KEYS:
        changes = [one for one in made.changes if one.key == key and one.stream >= SINCE]
        late = [one for one in changes if one.ts >= begins]
        before = changes[: len(changes) - len(late)]
        versions = [hash_of(before[-1].item) if before else None, *(hash_of(one.item) for one in late)]
        # No version that was over two minutes before the export, and the newest once its last change has arrived.
        if not late or late[-1] in arrived:
            versions = versions[-1:]
        assert there.get(key_text(key)) in versions


def test_the_histories_have_what_they_are_for():
    seen = Counter()
    for seed in range(HISTORIES):
        random = Random(seed)
        made = history(random)
        copies = files(random, made.changes)
        removed = set()
        for one in made.changes:
            seen["deleted by time to live"] += one.by == "ttl"
            seen["deleted by a user"] += one.op == "REMOVE" and one.by == "user"
            seen["inserted again"] += one.op == "INSERT" and (one.stream, one.key) in removed
            seen["removed in one stream, there in the next"] += one.stream == SECOND and (FIRST, one.key) in removed
            seen["a fraction as key"] += one.key == "2.5"
            near = abs(one.at - EXPORTED) < OVERLAY
            seen["changed in the window"] += near
            seen["removed in the window"] += near and one.op == "REMOVE" and one.key in made.exported
            if one.op == "REMOVE":
                removed.add((one.stream, one.key))
        keys = [{one.key for one in made.changes if one.stream == stream} for stream in (FORMER, FIRST, SECOND)]
        seen["only in the former table"] += bool(keys[0] - keys[1] - keys[2])
        as_one = [newest([one for one in made.changes if one.at < at], SINCE) for at in moments(made.changes)]
        as_one = [{key: one.item for key, one in state.items() if one.item is not None} for state in as_one]
        seen["exported as at no one moment"] += made.exported not in as_one
        in_window = {one.key for one in made.changes if one.ts >= EXPORTED - OVERLAY}
        seen["in the snapshot and not changed since"] += bool(made.exported.keys() - in_window)
        seen["files that differ"] += any(len({w for c, w in copies if c == one}) > 1 for one in made.changes)
        seen["exact duplicates"] += len(set(copies)) < len(copies)
    rare = {what: times for what, times in seen.items() if times < 5}
    assert not rare


def moments(changes: list[Change]) -> list[datetime]:
    """One before the first change and one after each."""
    return [datetime.min, *(one.at + timedelta(microseconds=1) for one in changes)]
