"""The SQL of audits, as shared/lake/tests/audit.rs keeps it: Athena's by the grammar, and right on made up histories.

Here DuckDB runs it, translated by sqlglot. What Trino makes of the same text only AWS shows.
"""

from collections import Counter
from datetime import datetime
from random import Random

import pytest
import sqlglot
from histories import (
    ACCURACY,
    EXPORTED,
    EXPORTED_BEFORE,
    OVERLAY,
    SINCE,
    SNAPSHOT,
    SNAPSHOT_BEFORE,
    Change,
    History,
    hash_of,
    history,
    key_text,
    newest,
)
from sqlglot import exp
from tables import SNAPSHOTS, Lake, files, row_of, row_of_snapshot, statement

FILES = sorted(SNAPSHOTS.glob("audit__*.snap"))
AUDITS = ("orders", "orders_first")
KINDS = ["missing", "unexpected", "different", "repeated"]
TOTALS = ["expected", "found", *KINDS, "unsettled", "expected_sum", "found_sum"]
DIFFERENCES = ["key", "kind", "expected", "found"]
COLUMNS = {"_key", "_hash", "_ts", "_op", "_stream", "_seq", "dt", "snapshot"}
HISTORIES = 120
# Most of the changes are between the exports, and far from both.
LENGTHS = (4, 30, 4)

Items = dict[str, tuple]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_audit_is_one_statement_of_athena(file):
    (select,) = sqlglot.parse(statement(file.stem), read="athena")
    assert isinstance(select, exp.Select) and select.find(exp.Command) is None
    assert all(identifier.quoted for identifier in select.find_all(exp.Identifier))
    assert select.named_selects == (TOTALS if file.stem.endswith("totals") else DIFFERENCES)
    base = "select_from_where" if "hostile" in file.stem else "orders"
    read = Counter(table.name for table in select.find_all(exp.Table))
    for query in select.ctes:
        # Trino runs a query of WITH as often as it is named.
        assert read.pop(query.alias) == 1
    assert read == {f"{base}__changes": 1, f"{base}__snapshot": 1 if "first" in file.stem else 2}
    # Athena wants the snapshots' partitions by equality alone.
    conditions = [node.parent for node in select.find_all(exp.Column) if node.name == "snapshot"]
    assert len(conditions) == read[f"{base}__snapshot"]
    assert all(isinstance(condition, exp.EQ) and isinstance(condition.parent, exp.Where) for condition in conditions)


def test_there_are_both_statements_of_each_audit():
    assert [file.stem for file in FILES] == sorted(
        f"audit__{audit}_{statement}" for audit in (*AUDITS, "hostile") for statement in ("totals", "differences")
    )


@pytest.fixture(scope="module")
def sql() -> dict[str, str]:
    parsed = {file.stem: sqlglot.parse_one(statement(file.stem), read="athena") for file in FILES}
    return {stem: select.sql(dialect="duckdb") for stem, select in parsed.items()}


@pytest.fixture(scope="module")
def lake() -> Lake:
    return Lake()


class Audit:
    """What an audit says of a snapshot."""

    def __init__(self, lake: Lake, sql: dict[str, str], name: str) -> None:
        (self.totals,) = lake.rows(sql[f"audit__{name}_totals"])
        rows = lake.rows(sql[f"audit__{name}_differences"])
        self.differences = [tuple(row.values()) for row in rows]
        if len(rows) < 100:
            named = Counter(kind for _, kind, _, _ in self.differences)
            assert {kind: self.totals[kind] for kind in KINDS} == {kind: named[kind] for kind in KINDS}, self.totals


def fill(lake: Lake, random: Random, changes: list[Change], before: Items, exported: list[tuple[str, tuple]]) -> None:
    lake.insert("orders__changes", [audited(row_of(*copy)) for copy in files(random, changes)])
    snapshots = [row_of_snapshot(*entry, SNAPSHOT_BEFORE) for entry in before.items()]
    snapshots += [row_of_snapshot(*entry) for entry in exported]
    snapshots += [row_of_snapshot("9", (("id", 9),), "20261120T150000Z")]
    lake.insert("orders__snapshot", [audited(row) for row in snapshots])


def audited(row: dict) -> dict:
    """The columns of a row that an audit may look at."""
    return {name: value for name, value in row.items() if name in COLUMNS}


def expected(changes: list[Change], before: Items | None) -> Items:
    """What an audit has to make of the changes that it is given, on the snapshot before or on nothing."""
    begins = datetime.min if before is None else EXPORTED_BEFORE - OVERLAY
    overlaid = newest([one for one in changes if begins <= one.ts < EXPORTED], SINCE)
    items = {key: item for key, item in (before or {}).items() if key not in overlaid}
    return items | {key: one.item for key, one in overlaid.items() if one.item is not None}


def disagreeing(one: Items, other: Items) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def changed_near(changes: list[Change]) -> set[str]:
    return {one.key for one in changes if EXPORTED - OVERLAY <= one.ts < EXPORTED + OVERLAY and one.stream >= SINCE}


def difference(key: str, by_changes: Items, exported: Items) -> tuple:
    kind = "missing" if key not in exported else "unexpected" if key not in by_changes else "different"
    return key_text(key), kind, hash_of(by_changes.get(key)), hash_of(exported.get(key))


def total(items: Items) -> int:
    return sum(map(hash_of, items.values()))


def lost_file(random: Random, made: History) -> list[Change]:
    """Some changes in a row that the export before cannot know, over two minutes before the other."""
    between = [one for one in made.changes if EXPORTED_BEFORE + ACCURACY <= one.at and one.ts < EXPORTED - OVERLAY]
    first = random.randrange(len(between) + 1)
    return between[first : first + random.choice([1, 2, 4])]


def keys_lost_for_good(lost: list[Change], left: list[Change]) -> set[str]:
    """The keys of lost changes that no later change makes up for, as far as the audit looks."""
    again = {one.key for one in left if one.order > lost[0].order and one.ts < EXPORTED + OVERLAY} if lost else set()
    return {one.key for one in lost} - again


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_without_faults_an_audit_is_clean(sql, lake, seed):
    random = Random(seed)
    made = history(random, LENGTHS)
    # What is older than the two minutes may be gone, or have been lost: the snapshot before has it.
    kept = [one for one in made.changes if one.ts >= EXPORTED_BEFORE - OVERLAY or random.random() < 0.5]
    as_of = expected(made.changes, None)
    unsettled = disagreeing(as_of, made.exported)
    assert unsettled <= changed_near(made.changes)
    for name, changes in [("orders", kept), ("orders_first", made.changes)]:
        fill(lake, random, changes, made.exported_before, list(made.exported.items()))
        audit = Audit(lake, sql, name)
        assert audit.differences == []
        assert audit.totals == dict.fromkeys(TOTALS, 0) | {
            "expected": len(as_of),
            "found": len(made.exported),
            "unsettled": len(unsettled),
            "expected_sum": total(as_of),
            "found_sum": total(made.exported),
        }


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_lost_file_of_changes_is_told_by_the_keys_that_did_not_change_again(sql, lake, seed):
    random = Random(seed)
    made = history(random, LENGTHS)
    lost = lost_file(random, made)
    left = [one for one in made.changes if one not in lost]
    fill(lake, random, left, made.exported_before, list(made.exported.items()))
    for name, before in [("orders", made.exported_before), ("orders_first", None)]:
        by_changes = expected(left, before)
        wrong = disagreeing(by_changes, made.exported)
        named = wrong & keys_lost_for_good(lost, left)
        audit = Audit(lake, sql, name)
        assert audit.differences == sorted(difference(key, by_changes, made.exported) for key in named)
        assert audit.totals["unsettled"] == len(wrong - named)
        assert wrong - named <= changed_near(left)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_snapshot_that_lacks_an_item_or_has_it_twice_is_not_clean(sql, lake, seed):
    random = Random(seed)
    made = history(random, LENGTHS)
    by_changes = expected(made.changes, None)
    key = random.choice(sorted(made.exported) or ["1"])
    lacking = {other: item for other, item in made.exported.items() if other != key}
    fill(lake, random, made.changes, made.exported_before, list(lacking.items()))
    # What changed within the two minutes may just as well have been deleted.
    is_missing = key in made.exported and key not in changed_near(made.changes)
    assert Audit(lake, sql, "orders").differences == [difference(key, by_changes, lacking)] * is_missing

    again = [entry for entry in made.exported.items() if entry[0] == key]
    fill(lake, random, made.changes, made.exported_before, [*made.exported.items(), *again])
    audit = Audit(lake, sql, "orders")
    repeated = [(key_text(key), "repeated", hash_of(by_changes.get(key)), hash_of(item)) for key, item in again]
    assert (audit.differences, audit.totals["found"]) == (repeated, len(made.exported) + len(again))


def test_an_empty_table_is_clean(sql, lake):
    fill(lake, Random(0), [], {}, [])
    for name in AUDITS:
        audit = Audit(lake, sql, name)
        assert (audit.totals, audit.differences) == (dict.fromkeys(TOTALS, 0), [])


def test_a_hundred_keys_are_named_and_all_are_counted(sql, lake):
    items = {str(number): (("id", number),) for number in range(100, 250)}
    fill(lake, Random(0), [], items, [])
    audit = Audit(lake, sql, "orders")
    assert audit.totals["missing"] == 150
    assert [key for key, *_ in audit.differences] == [key_text(key) for key in sorted(items)[:100]]


def test_the_histories_have_what_they_are_for():
    seen = Counter()
    for seed in range(HISTORIES):
        random = Random(seed)
        made = history(random, LENGTHS)
        unsettled = disagreeing(expected(made.changes, None), made.exported)
        seen["unsettled keys"] += bool(unsettled)
        seen["changed within two minutes and agreeing"] += bool(changed_near(made.changes) - unsettled)
        while_exported = [one for one in made.changes if abs(one.at - EXPORTED_BEFORE) < ACCURACY]
        seen["changed while the export before was taken"] += bool(while_exported)
        seen["gone by the export before"] += any(
            one.ts < EXPORTED_BEFORE - OVERLAY and one.stream >= SINCE for one in made.changes
        )
        lost = lost_file(random, made)
        left = [one for one in made.changes if one not in lost]
        named = keys_lost_for_good(lost, left)
        seen["lost and changed again"] += bool({one.key for one in lost} - named)
        by_changes = expected(left, made.exported_before)
        for key in named & disagreeing(by_changes, made.exported):
            seen[difference(key, by_changes, made.exported)[1]] += 1
    rare = {what: times for what, times in seen.items() if times < 5}
    assert not rare and len(seen) == 8
