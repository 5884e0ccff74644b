"""Change events as Lambda gets them, and the rows that their records must become."""

from collections.abc import Iterable
from typing import Any

from canonical import Item
from expected import Row

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/items/stream/2026-11-22T15:00:00.000"
STREAM_DIGITS = "20261122150000000"
# 2026-11-22T15:00:00Z
BEGAN = 1_795_359_600
FIRST_SEQUENCE = 4_421_584_500_000_000_017_450_439_091
TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def lives(items: Iterable[Item]) -> list[Row]:
    """For every item a life: most are inserted, some are changed, and some end, one way or the other."""
    rows: list[Row] = []
    for at, item in enumerate(items):
        rows.append(_row(len(rows), "INSERT", item, None))
        if at % 3 == 1:
            changed = {"pk": item["pk"], "sk": item["sk"], "changed": {"N": str(at)}}
            rows.append(_row(len(rows), "MODIFY", changed, item))
            item = changed
        if at % 4 == 3:
            rows.append(_row(len(rows), "REMOVE", None, item, "ttl" if at % 8 == 3 else "user"))
    return rows


def _row(at: int, op: str, new: Item | None, old: Item | None, by: str = "user") -> Row:
    image = new or old or {}
    return Row(
        op=op,
        ts_ms=(BEGAN + at // 10) * 1000,
        key={name: image[name] for name in ("pk", "sk")},
        item=new,
        stream=STREAM_DIGITS,
        seq=str(FIRST_SEQUENCE + at),
        by=by,
        event_id=f"{at:032x}",
        old=old,
    )


def event(rows: Iterable[Row]) -> dict[str, Any]:
    return {"Records": [_record(row) for row in rows]}


def _record(row: Row) -> dict[str, Any]:
    body = {
        "ApproximateCreationDateTime": (row.ts_ms or 0) // 1000,
        "Keys": row.key,
        "SequenceNumber": row.seq,
        "SizeBytes": 1,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    images = {"NewImage": row.item, "OldImage": row.old}
    body |= {name: image for name, image in images.items() if image is not None}
    record = {
        "eventID": row.event_id,
        "eventName": row.op,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": body,
        "eventSourceARN": STREAM,
    }
    return record | ({"userIdentity": TIME_TO_LIVE} if row.by == "ttl" else {})
