"""Histories of a table, made up from a seed, and what its views and audits have to show: the model.

The columns are those of `orders` in shared/lake/tests/views.rs.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

# The times of two exports, and their snapshots' partitions.
EXPORTED_BEFORE, EXPORTED = datetime(2026, 11, 21, 15, 5), datetime(2026, 11, 22, 15)
SNAPSHOT_BEFORE, SNAPSHOT = "20261121T150500Z", "20261122T150000Z"
# An item is in an export as of some moment within a minute of its time.
ACCURACY = timedelta(minutes=1)
OVERLAY = timedelta(minutes=2)
# Of the table that had the name before, of this table at its creation, and after its stream was off and on.
FORMER, FIRST, SECOND = "20261120090000000", "20261121150000250", "20261122145930000"
# Streams from here on are of the table as it is now.
SINCE = "20261121150000000"
KEYS = ["1", "2", "2.5", "-3"]
ATTRIBUTES = ("note", "sizes", "tags", "total")
BIGINTS = {"id": "id", "note": "note__bigint", "sizes": "sizes"}
DOUBLES = {"id": "id__double", "note": "note__double", "sizes": "sizes__double_set"}


@dataclass(frozen=True)
class Change:
    op: str
    at: datetime
    stream: str
    seq: str
    key: str
    by: str
    item: tuple | None

    @property
    def ts(self) -> datetime:
        return self.at.replace(microsecond=0)

    @property
    def order(self) -> tuple[str, str]:
        return self.stream, self.seq


@dataclass
class History:
    changes: list[Change] = field(default_factory=list)
    # The items as each export found them.
    exported_before: dict[str, tuple] = field(default_factory=dict)
    exported: dict[str, tuple] = field(default_factory=dict)


def history(random: Random, lengths: tuple[int, int, int] = (4, 12, 12)) -> History:
    """Writes around the times of two exports, in order: of each stream fewer than its length."""
    made = History()
    begins = (
        datetime(2026, 11, 20, 9, 0, 5),
        datetime(2026, 11, 21, 15, 0, 0, 300000),
        datetime(2026, 11, 22, 14, 59, 31),
    )
    items: dict[str, tuple] = {}
    for stream, at, length in zip((FORMER, FIRST, SECOND), begins, lengths, strict=True):
        if stream == FIRST:
            items = {}
        for number in range(random.randrange(length)):
            made.changes.append(change(random, items, stream, number, at))
            at += timedelta(seconds=random.choice([0.0, 0.2, 30.0, 45.0, 90.0]))
    made.exported_before = export(random, made.changes, EXPORTED_BEFORE)
    made.exported = export(random, made.changes, EXPORTED)
    return made


def export(random: Random, changes: list[Change], at: datetime) -> dict[str, tuple]:
    """Each item as of a moment of its own: an export is no transaction."""
    found = {}
    for key in KEYS:
        taken = at + random.choice([-1, 1, random.uniform(-1, 1)]) * ACCURACY
        state = newest([one for one in changes if one.key == key and one.at < taken], SINCE)
        found |= {key: one.item for one in state.values() if one.item is not None}
    return found


def change(random: Random, items: dict[str, tuple], stream: str, number: int, at: datetime) -> Change:
    key = random.choice(KEYS)
    seq = str(90 + number).zfill(40)
    if key in items and random.random() < 0.3:
        del items[key]
        return Change("REMOVE", at, stream, seq, key, random.choice(["user", "ttl"]), None)
    op = "MODIFY" if key in items else "INSERT"
    items[key] = item(random, key)
    return Change(op, at, stream, seq, key, "user", items[key])


def item(random: Random, key: str) -> tuple:
    values = {
        "note": ["text", Decimal(7), Decimal("7.5")],
        "sizes": [(Decimal(1), Decimal(2)), (Decimal("0.5"), Decimal(2))],
        "tags": [("x", "y")],
        "total": [Decimal("1.25"), Decimal(40)],
    }
    chosen = {name: random.choice(of) for name, of in values.items() if random.random() < 0.7}
    return tuple(sorted({"id": Decimal(key), **chosen}.items()))


def hash_of(item: tuple | None) -> int | None:
    return None if item is None else int.from_bytes(hashlib.sha256(repr(item).encode()).digest()[:8], signed=True)


def key_text(key: str) -> str:
    return json.dumps({"id": {"N": key}})


def is_integral(value: object) -> bool:
    numbers = value if isinstance(value, tuple) else (value,)
    return all(isinstance(number, Decimal) and number == number.to_integral_value() for number in numbers)


def plain(value: object) -> object:
    """As a column has it."""
    match value:
        case Decimal():
            return int(value) if is_integral(value) else float(value)
        case tuple():
            whole = is_integral(value)
            return [member if isinstance(member, str) else int(member) if whole else float(member) for member in value]
    return value


def in_changes(item: tuple | None, key: str, without: frozenset[str]) -> dict[str, object]:
    """The columns of a row in a change file, written while some attributes had no column yet."""
    columns, rest = {}, {}
    for name, value in item or (("id", Decimal(key)),):
        if name in without or (name == "total" and is_integral(value)):
            rest[name] = repr(value)
        elif isinstance(value, str) or name in ("tags", "total"):
            columns[name] = plain(value)
        else:
            columns[(BIGINTS if is_integral(value) else DOUBLES)[name]] = plain(value)
        if name == "total" and "total" not in without:
            columns["total_eur"] = value.quantize(Decimal("0.01"))
    return columns | {"_rest": json.dumps(rest) if rest else None}


def in_snapshot(item: tuple) -> dict[str, object]:
    """The same in the snapshot, which has columns for whole numbers only."""
    columns, rest = {}, {}
    for name, value in item:
        if name in ("id", "total") and is_integral(value) or name == "tags":
            columns[name] = plain(value)
        else:
            rest[name] = repr(value)
    return columns | {"_rest": json.dumps(rest) if rest else None}


def merged(columns: dict[str, object]) -> dict[str, object]:
    """What a view shows of a row's columns: numbers of an attribute in one."""
    shown = dict(columns)
    for one, other, name in [("id", "id__double", "id"), ("note__bigint", "note__double", "note__bigint")]:
        value = shown.pop(one, None), shown.pop(other, None)
        shown[name] = next((float(number) for number in value if number is not None), None)
    sets = shown.pop("sizes", None), shown.pop("sizes__double_set", None)
    shown["sizes"] = next(([float(number) for number in one] for one in sets if one is not None), None)
    if shown.get("total") is not None:
        shown["total"] = float(shown["total"])
    return shown


def newest(changes: list[Change], since: str) -> dict[str, Change]:
    latest: dict[str, Change] = {}
    for one in sorted((one for one in changes if one.stream >= since), key=lambda one: one.order):
        latest[one.key] = one
    return latest
