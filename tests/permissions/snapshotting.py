"""What the snapshot function is for.

Exports are made once, and what became of them is forgotten before each scenario.
"""

import base64
import functools
import gzip
import hashlib
import json
import time
from dataclasses import dataclass

import importing
from deployed import Broken, Deployed, expect, until
from streaming import catalog_name, catalogued

QUARTER_OF_AN_HOUR = 15 * 60


@dataclass(frozen=True)
class Export:
    """An export that DynamoDB has written, of a table that is in the catalog."""

    table: str
    summary: str
    # Where the catalog has what becomes of it, and the lake.
    catalog: str
    folder: str


def export(aws: Deployed, table: str, kind: str, **options) -> str:
    """Has a table exported, and gives the key of its summary."""
    dynamodb, prefix = aws.client("dynamodb"), f"{table}/{kind}/{aws.new_name()}"
    started = dynamodb.export_table_to_point_in_time(
        TableArn=aws.describe(table)["TableArn"], S3Bucket=aws.exports, S3Prefix=prefix, **options
    )
    completed(aws, started["ExportDescription"]["ExportArn"])
    return next(key for key in aws.keys(aws.exports, f"{prefix}/") if key.endswith("/manifest-summary.json"))


def completed(aws: Deployed, export: str) -> None:
    """Waits for an export that DynamoDB writes."""
    describe = aws.client("dynamodb").describe_export

    def end() -> dict | None:
        told = describe(ExportArn=export)["ExportDescription"]
        return told if told["ExportStatus"] != "IN_PROGRESS" else None

    told = until(end)
    expect(told["ExportStatus"] == "COMPLETED", {name: told.get(name) for name in ("FailureCode", "FailureMessage")})


@functools.cache
def full(aws: Deployed) -> Export:
    table = catalogued(aws, "exported")
    return Export(table, export(aws, table, "full"), catalog_name(table, "snapshot"), f"snapshots/{table}/")


@functools.cache
def incremental(aws: Deployed) -> Export:
    table = catalogued(aws, "exported")
    now = int(time.time()) + 1
    until(lambda: time.time() > now)
    window = {"ExportFromTime": now - QUARTER_OF_AN_HOUR, "ExportToTime": now, "ExportViewType": "NEW_AND_OLD_IMAGES"}
    options = {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": window}
    summary = export(aws, table, "increment", **options)
    return Export(table, summary, catalog_name(table, "increments"), f"increments/{table}/")


def converted(aws: Deployed, made: Export) -> None:
    """Its summary is told of, twice, and then its data files are converted."""
    forget(aws, made)
    aws.sent("snapshot")
    for _ in range(2):
        aws.deliver("snapshot", aws.created(aws.exports, made.summary))
    messages = aws.sent("snapshot")
    expect(messages, "no message for a data file")
    aws.deliver("snapshot", *messages)
    expect(aws.keys(aws.lake, made.folder), f"no file below {made.folder}")
    aws.client("glue").get_table(DatabaseName=aws.database, Name=made.catalog)


def forget(aws: Deployed, made: Export) -> None:
    """As if the export had never been told of, and none of its columns was known."""
    aws.remove(aws.lake, f"state/snapshot/{made.table}/")
    aws.remove(aws.lake, made.folder)
    aws.drop_catalog_table(made.catalog)
    aws.forget_columns(catalog_name(made.table))


def polled(aws: Deployed) -> None:
    """The function's queue is mapped to it."""
    aws.map_queue("snapshot")


def a_snapshot(aws: Deployed) -> None:
    """A full export becomes a snapshot."""
    converted(aws, full(aws))


def an_increment(aws: Deployed) -> None:
    """An incremental export becomes an increment."""
    converted(aws, incremental(aws))


def of_a_file(aws: Deployed, key: str, body: bytes) -> str:
    """Makes a data file of an export of the catalogued table, and gives the message for it."""
    table = catalogued(aws, "exported")
    aws.remove(aws.lake, f"state/snapshot/{table}/")
    aws.put(aws.exports, key, body)
    of = {
        "bucket": aws.exports,
        "table": table,
        "tableId": aws.describe(table)["TableId"],
        "arn": "an export",
        "time": "2026-11-22T03:00:00Z",
        "outputFormat": "DYNAMODB_JSON",
        "files": 2,
        "items": 2,
    }
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    file = {"itemCount": 1, "md5Checksum": md5, "dataFileS3Key": key}
    return json.dumps({"headwaterSnapshot": {"export": of, "number": 0, "file": file}})


def quarantined(aws: Deployed) -> None:
    """A line that is no item of the table is kept."""
    table, body = catalogued(aws, "exported"), gzip.compress(b'{"Item":{"id":{"N":"1"}}}\n')
    aws.remove(aws.lake, f"quarantine/snapshot/{table}/")
    aws.deliver("snapshot", of_a_file(aws, "by-hand/data/line.json.gz", body))
    expect(aws.keys(aws.lake, f"quarantine/snapshot/{table}/"), "nothing in quarantine")


def damaged(aws: Deployed) -> None:
    """Of a file that cannot be read nothing is left in the lake, but for a note."""
    with aws.no_upload_left(aws.lake):
        aws.deliver("snapshot", of_a_file(aws, "by-hand/data/bytes.json.gz", b"no gzip"))
    expect(noted(aws).endswith("-damaged"), noted(aws))


def missing(aws: Deployed) -> None:
    """A summary that is not there yet is told from one that may not be read."""
    told = {"key": "by-hand/manifest-summary.json", "size": 1}
    detail = {"bucket": {"name": aws.exports}, "object": told}
    try:
        aws.deliver("snapshot", json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}))
    except Broken as broken:
        expect("there is no such object" in str(broken), str(broken))


def noted(aws: Deployed) -> str:
    table = catalogued(aws, "exported")
    keys = [key for key in aws.keys(aws.lake, f"state/snapshot/{table}/") if "/files/" in key]
    return keys[0] if keys else "no note"


def not_enrolled(aws: Deployed) -> None:
    """The export of a table that is not enrolled is left as it is."""
    prefix = importing.exported(aws)
    summary = next(key for key in aws.keys(aws.exports, prefix) if key.endswith("/manifest-summary.json"))
    aws.sent("snapshot")
    aws.deliver("snapshot", aws.created(aws.exports, summary))
    if messages := aws.sent("snapshot"):
        raise Broken(f"messages for its data files: {messages}")
