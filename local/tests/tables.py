"""What the tests of views and audits share: the SQL that shared/lake/tests keeps, and the tables that it reads.

The tables are DuckDB's, filled with rows of a made up history.
"""

from pathlib import Path
from random import Random

import duckdb
from histories import ATTRIBUTES, EXPORTED, SNAPSHOT, Change, hash_of, in_changes, in_snapshot, key_text

SNAPSHOTS = Path(__file__).parents[2] / "shared" / "lake" / "tests" / "snapshots"
META = "_op VARCHAR, _ts TIMESTAMP, _stream VARCHAR, _seq VARCHAR, _key VARCHAR, _hash BIGINT, _by VARCHAR, _rest VARCHAR"


def statement(stem: str) -> str:
    _, _, text = (SNAPSHOTS / f"{stem}.snap").read_text().split("---\n", 2)
    return text


class Lake:
    """The tables that the views read."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute(f"""
            CREATE TABLE orders__changes ({META}, _event_id VARCHAR, _old VARCHAR, id BIGINT, id__double DOUBLE,
                note VARCHAR, note__bigint BIGINT, note__double DOUBLE, sizes BIGINT[], sizes__double_set DOUBLE[],
                tags VARCHAR[], paid BOOLEAN, scan BLOB, lines VARCHAR, total DOUBLE, total_eur DECIMAL(12, 2),
                never VARCHAR, added_later VARCHAR, dt VARCHAR);
            CREATE TABLE orders__snapshot ({META}, total BIGINT, id BIGINT, tags VARCHAR[], old VARCHAR,
                total_eur BLOB[], snapshot VARCHAR);
        """)

    def insert(self, table: str, rows: list[dict]) -> None:
        self.database.execute(f"DELETE FROM {table}")
        names = sorted({name for row in rows for name in row})
        if not rows:
            return
        marks = ", ".join(["(" + ", ".join("?" * len(names)) + ")"] * len(rows))
        values = [row.get(name) for row in rows for name in names]
        self.database.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES {marks}", values)

    def rows(self, query: str) -> list[dict]:
        result = self.database.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def files(random: Random, changes: list[Change]) -> list[tuple[Change, frozenset[str]]]:
    """Each change at least once, in any order; some again, and some without columns for newer attributes."""
    copies = []
    for change in changes:
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            # What a function does not know yet is the newest: the sets are one within the other.
            unknown = ATTRIBUTES[: random.choice([0, 0, 0, 1, 2, 4])] if change.item else ()
            copies.append((change, frozenset(unknown)))
    random.shuffle(copies)
    return copies


def row_of(change: Change, without: frozenset[str]) -> dict:
    return in_changes(change.item, change.key, without) | {
        "_op": change.op,
        "_ts": change.ts,
        "_stream": change.stream,
        "_seq": change.seq,
        "_key": key_text(change.key),
        "_hash": hash_of(change.item),
        "_by": change.by,
        "dt": str(change.ts.date()),
    }


def row_of_snapshot(key: str, item: tuple, snapshot: str = SNAPSHOT) -> dict:
    meta = {"_op": "SNAPSHOT", "_ts": EXPORTED, "_key": key_text(key), "_hash": hash_of(item), "snapshot": snapshot}
    return in_snapshot(item) | meta
