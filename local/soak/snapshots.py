"""A full export of a table, and the snapshot that it becomes."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from demo.items import comparable
from demo.show import Unmet, until

from .cloud import Cloud
from .lake import items_of
from .views import key_of


def export(cloud: Cloud, table: str) -> None:
    """What the scheduled run asks of DynamoDB, and waits until it has ended."""
    now = datetime.now(UTC)
    asked = cloud.dynamodb.export_table_to_point_in_time(
        TableArn=cloud.dynamodb.describe_table(TableName=table)["Table"]["TableArn"],
        S3Bucket=cloud.exports,
        S3Prefix=f"{table}/full/{now:%Y%m%dT%H%M%SZ}",
        ExportTime=now,
    )
    arn = asked["ExportDescription"]["ExportArn"]

    def ended() -> bool:
        described = cloud.dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        return described["ExportStatus"] == "COMPLETED"

    until(f"the export of {table}", ended)


def finished(cloud: Cloud, table: str) -> list[dict]:
    return cloud.json_objects(cloud.lake, f"state/snapshot/{table}/finished/")


def snapshot_problem(cloud: Cloud, table: str) -> str | None:
    """What is wrong with the snapshot, if anything: it has to be whole, with each item of the table once and as it is there.
    Nothing is written between the export and this."""
    deadline = time.monotonic() + 60
    while not (notes := finished(cloud, table)) and time.monotonic() < deadline:
        time.sleep(0.5)
    if len(notes) != 1:
        return f"{table}: {len(notes)} snapshots are finished"
    (note,) = notes
    items = {key_of(item): item for item in cloud.items(table)}
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        if not cloud.download(cloud.lake, f"snapshots/{table}/", Path(folder)):
            return f"{table}: of {len(items)} items the snapshot has none, and says {note}"
        sql = f"SELECT _key FROM read_parquet('{folder}/*.parquet', union_by_name=true)"
        rows = [key for (key,) in duckdb.sql(sql).fetchall()]
        if len(rows) != len(items) or set(rows) != items.keys() or note["rows"] != len(items):
            lost, foreign = sorted(items.keys() - set(rows)), sorted(set(rows) - items.keys())
            return (
                f"{table}: of {len(items)} items the snapshot has {len(rows)} rows, lacks {lost[:3]}, has {foreign[:3]} that "
                f"are none, and says {note}"
            )
        problem = problem_of_items(folder, items)
    return f"{table}: of its snapshot {problem}" if problem else None


def problem_of_items(folder: str, items: dict[str, dict]) -> str | None:
    """Of files that have a row for each key: which items are others than these, and in what."""
    try:
        kept = {key_of(item): item for item in items_of(folder)}
    except Unmet as unreadable:
        # One whose hash is of another item is named there.
        return str(unreadable)
    differing = {key: differences(kept.get(key, {}), item) for key, item in items.items()}
    wrong = [f"{key} in {', '.join(names)}" for key, names in differing.items() if names]
    return f"{len(wrong)} items are others than in the table: {'; '.join(wrong[:3])}" if wrong else None


def differences(one: dict, other: dict) -> list[str]:
    """The attributes that two items do not both have with one value."""
    one, other = ({name: comparable({name: value}) for name, value in item.items()} for item in (one, other))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def messages(cloud: Cloud, table: str) -> list[str]:
    """The bodies of the messages that its snapshot was made by."""
    (key,) = (key for key in cloud.keys(cloud.lake, f"state/snapshot/{table}/") if key.endswith("/export.json"))
    export = json.loads(cloud.read(cloud.lake, key))
    (summary,) = (key for key in cloud.keys(cloud.exports, f"{table}/full/") if key.endswith("/manifest-summary.json"))
    began = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": cloud.exports}, "object": {"key": summary, "size": 1}},
    }
    files = cloud.read(cloud.exports, summary.replace("manifest-summary.json", "manifest-files.json")).splitlines()
    tasks = [
        {"headwaterSnapshot": {"export": export, "number": number, "file": json.loads(file)}}
        for number, file in enumerate(files)
    ]
    return [json.dumps(message) for message in [began, *tasks]]
