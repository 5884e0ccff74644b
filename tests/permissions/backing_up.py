"""What the backup function is for."""

import functools
import json
import time

import snapshotting
import streaming
from deployed import NAMED, Deployed, expect, moment, until

# From so many small files of a day on they are merged: lake::compaction.
CHANGES = 10


def run(aws: Deployed, table: str, kind: str = "reconcileTime", **ago: float) -> dict:
    """A run that is of one table, and its report of it."""
    told = aws.invoke("backup", {kind: moment(**ago), "tables": [table]})["tables"]
    expect(told, f"the run has not found {table}")
    return told[0]


def protected(aws: Deployed) -> None:
    """A table with the tag gets all that an enrolled table has; what expired is removed."""
    table, dynamodb = aws.new_name(), aws.client("dynamodb")
    aws.make_table(table, "a", tags={"headwater": "on", "headwater:export": "incremental"})
    for name in ("headwater-20250101T020000Z", "headwater-20250101T030000Z"):
        dynamodb.create_backup(TableName=table, BackupName=name)
    try:
        told = run(aws, table, "scheduledTime")
        outcomes = [step["outcome"] for step in told["enrolment"]]
        expect(outcomes == ["done"] * 4, told)
        expect(told["removedBackups"] == ["headwater-20250101T020000Z"], told)
        expect(told.get("backupArn") and told.get("exportArn") and "chain" in told, told)
        snapshotting.completed(aws, told["exportArn"])
        run(aws, table)
    finally:
        aws.drop_table(table)
        aws.drop_views(table)


@functools.cache
def named(aws: Deployed) -> str:
    """A table that fits a pattern of the stack, and that the stack only looks at."""
    table = aws.new_name(NAMED)
    aws.make_table(table, tags={"headwater:backup": "off", "headwater:export": "off"})
    return table


def found_by_name(aws: Deployed) -> None:
    """A table without the tag is found by its name, and its tags are read."""
    told = run(aws, named(aws))
    expect((told["policy"]["backup"], told["policy"]["export"]) == (False, "off"), told)


@functools.cache
def enrolled(aws: Deployed, use: str) -> str:
    """A table in the catalog that is found by its tag, and gets neither backups nor exports."""
    table = streaming.catalogued(aws, use)
    tags = {"headwater:backup": "off", "headwater:export": "off"}
    arn = aws.describe(table)["TableArn"]
    aws.client("dynamodb").tag_resource(
        ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    return table


def paused(aws: Deployed) -> None:
    """Its feed rests, and goes on."""
    table, dynamodb = enrolled(aws, "paused"), aws.client("dynamodb")
    arn = aws.describe(table)["TableArn"]
    run(aws, table)
    for value in ("paused", "on"):
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "headwater", "Value": value}])
        try:
            told = run(aws, table)
        finally:
            dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "headwater", "Value": "on"}])
        expect("done" in [step["outcome"] for step in told["enrolment"]], told)


def exported(aws: Deployed) -> None:
    """A run of full exports has a report of its own."""
    run(aws, enrolled(aws, "exported"), "exportTime")


def removed(aws: Deployed) -> None:
    """The stack is deleted, and with it the mappings that functions have made."""
    aws.map_stream(streaming.streamed(aws))
    key = f"answers/{aws.new_name()}"
    request = {
        "RequestType": "Delete",
        "ResponseURL": aws.client("s3").generate_presigned_url("put_object", {"Bucket": aws.lake, "Key": key}),
        "StackId": "a stack",
        "RequestId": "a request",
        "LogicalResourceId": "StreamMappings",
        "ResourceProperties": {"FunctionArn": aws.function_arn("stream")},
    }
    aws.invoke("backup", request)
    told = json.loads(aws.read(aws.lake, key))
    expect(told["Status"] == "SUCCESS", told)


def viewed(aws: Deployed) -> None:
    """Views that are gone are made again, at a person's word."""
    table = enrolled(aws, "viewed")
    aws.drop_views(table)
    aws.invoke("backup", {"views": [table]})
    aws.client("glue").get_table(DatabaseName=aws.database, Name=table.replace("-", "_"))


@functools.cache
def change_files(aws: Deployed, table: str) -> dict[str, bytes]:
    """Small change files of a table, and what is in them."""
    aws.remove(aws.lake, f"changes/{table}/")
    for number in range(CHANGES):
        event = streaming.event(table, "n")
        event["Records"][0]["dynamodb"]["SequenceNumber"] = str(streaming.SEQUENCE + 1000 + number)
        aws.invoke("stream", event)
    return {key: aws.read(aws.lake, key) for key in aws.keys(aws.lake, f"changes/{table}/")}


def with_change_files(aws: Deployed, use: str) -> tuple[str, list[str]]:
    """A table with just these files, and without claim or notes of what was done with them; and the files."""
    table = enrolled(aws, use)
    files = change_files(aws, table)
    for prefix in (f"changes/{table}/", f"snapshots/{table}/", f"increments/{table}/", f"state/compaction/{table}"):
        aws.remove(aws.lake, prefix)
    for key, body in files.items():
        aws.put(aws.lake, key, body)
    return table, list(files)


def rebuilt(aws: Deployed) -> None:
    """A lost table of the catalog comes back from the footers of the files; one that is there is completed."""
    table, files = with_change_files(aws, "rebuilt")
    body = aws.read(aws.lake, files[0])
    for key in (f"snapshots/{table}/a.parquet", f"increments/{table}/a.parquet"):
        aws.put(aws.lake, key, body)
    for lost in (aws.drop_catalog_table, aws.forget_columns):
        lost(streaming.catalog_name(table))
        told = aws.invoke("backup", {"rebuildCatalog": [table]})["rebuiltCatalog"][table]
        expect((told["files"], told["drift"]) == (CHANGES + 2, []), told)


@functools.cache
def snapshots(aws: Deployed) -> str:
    """A table with two snapshots, and its feed between them."""
    table = aws.new_name("audited")
    aws.make_table(table, "a", tags={"headwater": "on", "headwater:backup": "off"})
    run(aws, table)
    for _ in range(2):
        summary = snapshotting.export(aws, table, "full")
        aws.sent("snapshot")
        aws.deliver("snapshot", aws.created(aws.exports, summary))
        aws.deliver("snapshot", *aws.sent("snapshot"))
        time.sleep(1.1)
    return table


def audited(aws: Deployed) -> None:
    """Of two snapshots the newer is audited, and a later run finds the report."""
    table = snapshots(aws)
    aws.remove(aws.lake, f"reports/audit/{table}/")
    aws.remove(aws.lake, f"state/backup/{table}/audit-")
    # Its feed may have been removed meanwhile, and is not audited by the run that brings it back.
    run(aws, table)
    for _ in range(2):
        told = run(aws, table, minutes=-30)
        expect("audit" in told and told["audit"]["isClean"], told)


def failed(aws: Deployed) -> None:
    """An event that the function refuses is kept in the dead letter queue."""
    event, client = json.dumps({"scheduledTime": "never"}), aws.client("lambda")
    client.invoke(FunctionName=aws.functions["backup"], InvocationType="Event", Payload=event)
    until(lambda: aws.received("backup"), patience=8)
