"""Histories of a table, made up from a seed, and what its views have to show: the model.

The columns are those of `orders` in shared/lake/tests/views.rs.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

EXPORTED = datetime(2026, 11, 22, 15)
OVERLAY = timedelta(minutes=2)
SNAPSHOT = "20261122T150000Z"
# Of the table that had the name before, of this table at its creation, and after its stream was off and on.
FORMER, FIRST, SECOND = "20261120090000000", "20261121150000250", "20261122145930000"
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
    # The items as the export found them; `None` before it is taken.
    exported: dict[str, tuple] | None = None


def history(random: Random) -> History:
    """Writes around the time of an export, in the order in which they happened."""
    made = History()
    # An export may be taken within a minute of its time.
    taken = EXPORTED + timedelta(seconds=random.uniform(-60, 60))
    at = datetime(2026, 11, 20, 9, 0, 5)
    items: dict[str, tuple] = {}
    for stream, begins, length in [
        (FORMER, at, random.randrange(4)),
        (FIRST, datetime(2026, 11, 21, 15, 0, 0, 300000), random.randrange(12)),
        (SECOND, datetime(2026, 11, 22, 14, 59, 31), random.randrange(12)),
    ]:
        at = begins
        if stream == FIRST:
            items = {}
        for number in range(length):
            if at >= taken and made.exported is None:
                made.exported = dict(items)
            made.changes.append(change(random, items, stream, number, at))
            at += timedelta(seconds=random.choice([0.0, 0.2, 30.0, 45.0, 90.0]))
    if made.exported is None:
        made.exported = dict(items)
    return made


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
    return None if item is None else int.from_bytes(hashlib.sha256(repr(item).encode()).digest()[:7])


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
