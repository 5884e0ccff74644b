"""Corrections exports and recovery."""

import base64
import gzip
import hashlib
import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import eventually, unique


@pytest.fixture
def table(aws):
    table = aws.make_table()
    recover(aws, table)
    return table


def test_recovery_is_returned_with_its_period_and_times(aws):
    table = aws.make_table()
    assert description(aws, table) == {"PointInTimeRecoveryStatus": "DISABLED"}
    recover(aws, table, RecoveryPeriodInDays=7)
    found = description(aws, table)
    assert (found["PointInTimeRecoveryStatus"], found["RecoveryPeriodInDays"]) == ("ENABLED", 7)
    assert found["EarliestRestorableDateTime"] <= found["LatestRestorableDateTime"]
    recover(aws, table)
    assert description(aws, table)["RecoveryPeriodInDays"] == 35
    assert description(aws, table)["EarliestRestorableDateTime"] == found["EarliestRestorableDateTime"]


def test_recovery_can_come_from_a_template(aws):
    name, stack = unique("table"), unique("stack")
    properties = {
        "TableName": name,
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3},
    }
    template = {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}}
    client = aws.client("cloudformation")
    client.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    eventually(lambda: client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"], "CREATE_COMPLETE")
    assert description(aws, {"TableName": name})["RecoveryPeriodInDays"] == 3


def test_a_full_export_has_the_layout_of_aws(aws, table):
    bucket, names = aws.make_bucket(), [str(number) for number in range(20)]
    aws.put(table, *names)
    started = start(aws, table, bucket, S3Prefix="some/prefix")
    assert started["ExportStatus"] == "IN_PROGRESS"
    export = finished(aws, started)
    own = f"some/prefix/AWSDynamoDB/{started['ExportArn'].rpartition('/')[2]}"
    assert export["ExportManifest"] == f"{own}/manifest-summary.json"
    assert export["ItemCount"] == 20
    summary, files = manifests(aws, bucket, export)
    assert (
        summary["itemCount"] == 20
        and summary["tableArn"] == table["TableArn"]
        and summary["tableId"] == table["TableId"]
    )
    assert "exportType" not in summary and summary["exportTime"]
    assert {file["dataFileS3Key"].rpartition("/")[0] for file in files} == {f"{own}/data"}
    assert len(files) == 4 and all(file["dataFileS3Key"].endswith(".json.gz") for file in files)
    assert sorted(line["Item"]["id"]["S"] for line in lines(aws, bucket, files)) == sorted(names)
    assert read(aws, bucket, f"{own}/_started") == b""
    for manifest in ("manifest-summary", "manifest-files"):
        body = read(aws, bucket, f"{own}/{manifest}.json")
        assert read(aws, bucket, f"{own}/{manifest}.md5") == base64.b64encode(hashlib.md5(body).digest())


def test_an_empty_table_has_files_without_items(aws, table):
    bucket = aws.make_bucket()
    _, files = manifests(aws, bucket, finished(aws, start(aws, table, bucket)))
    assert [file["itemCount"] for file in files] == [0, 0, 0, 0]
    assert lines(aws, bucket, files) == []


def test_a_full_export_is_the_table_at_the_time_asked_for(aws, table):
    bucket, client = aws.make_bucket(), aws.client("dynamodb")
    aws.put(table, "kept", "changed", "deleted")
    time.sleep(1.1)
    moment = int(time.time())
    time.sleep(1.1)
    aws.put(table, "later")
    client.put_item(TableName=table["TableName"], Item={"id": {"S": "changed"}, "new": {"BOOL": True}})
    client.delete_item(TableName=table["TableName"], Key={"id": {"S": "deleted"}})
    _, files = manifests(aws, bucket, finished(aws, start(aws, table, bucket, ExportTime=moment)))
    items = [line["Item"] for line in lines(aws, bucket, files)]
    assert sorted(item["id"]["S"] for item in items) == ["changed", "deleted", "kept"]
    assert {"id": {"S": "changed"}} in items


def test_an_incremental_export_is_net_and_in_its_own_folder(aws, table):
    bucket, client, name = aws.make_bucket(), aws.client("dynamodb"), table["TableName"]
    aws.put(table, "changed", "deleted", "fleeting")
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    recover(aws, table)
    client.put_item(TableName=name, Item={"id": {"S": "changed"}, "n": {"N": "1"}})
    client.put_item(TableName=name, Item={"id": {"S": "changed"}, "n": {"N": "2"}})
    client.delete_item(TableName=name, Key={"id": {"S": "deleted"}})
    aws.put(table, "new", "gone")
    client.delete_item(TableName=name, Key={"id": {"S": "gone"}})
    end = int(time.time()) + 1
    eventually(lambda: time.time() > end)
    window = {"ExportFromTime": end - 3600, "ExportToTime": end, "ExportViewType": "NEW_AND_OLD_IMAGES"}
    started = start(
        aws, table, bucket, S3Prefix="p", ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window
    )
    summary, files = manifests(aws, bucket, finished(aws, started))
    assert summary["exportType"] == "INCREMENTAL_EXPORT" and summary["outputView"] == "NEW_AND_OLD_IMAGES"
    assert {file["dataFileS3Key"].rpartition("/")[0] for file in files} == {"p/AWSDynamoDB/data"}
    found = {line["Keys"]["id"]["S"]: line for line in lines(aws, bucket, files)}
    assert sorted(found) == ["changed", "deleted", "new"]
    assert found["changed"]["OldImage"] == {"id": {"S": "changed"}}
    assert found["changed"]["NewImage"] == {"id": {"S": "changed"}, "n": {"N": "2"}}
    assert "NewImage" not in found["deleted"] and "OldImage" not in found["new"]
    assert int(found["new"]["Metadata"]["WriteTimestampMicros"]["N"]) < end * 1_000_000


def test_a_window_is_from_a_quarter_of_an_hour_to_a_day(aws, table):
    now = int(time.time())
    for seconds in (899, 86401):
        window = {"ExportFromTime": now - seconds, "ExportToTime": now}
        with pytest.raises(ClientError, match="15 minutes to 24 hours"):
            start(aws, table, "bucket", ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window)


def test_the_same_token_gives_the_same_export_and_no_other(aws, table):
    bucket, token = aws.make_bucket(), unique("token")
    first = start(aws, table, bucket, ClientToken=token)
    assert start(aws, table, bucket, ClientToken=token)["ExportArn"] == first["ExportArn"]
    with pytest.raises(ClientError, match="ExportConflictException"):
        start(aws, table, bucket, ClientToken=token, S3Prefix="other")
    assert start(aws, table, bucket)["ExportArn"] != first["ExportArn"]
    listed = aws.client("dynamodb").list_exports(TableArn=table["TableArn"])["ExportSummaries"]
    assert len(listed) == 2


def test_exports_are_listed_backwards_by_arn(aws, table):
    bucket = aws.make_bucket()
    started = [start(aws, table, bucket)["ExportArn"] for _ in range(3)]
    assert listed(aws, table) == sorted(started, reverse=True)
    page = aws.client("dynamodb").list_exports(TableArn=table["TableArn"], MaxResults=2)
    assert [export["ExportArn"] for export in page["ExportSummaries"]] == sorted(started, reverse=True)[:2]


def test_still_needed_plain_ministack_lists_the_oldest_first(plain):
    table, bucket = plain.make_table(), plain.make_bucket()
    started = [start(plain, table, bucket)["ExportArn"] for _ in range(6)]
    assert listed(plain, table) == started != sorted(started, reverse=True)


def test_a_tag_says_what_becomes_of_exports(aws, table):
    bucket, client = aws.make_bucket(), aws.client("dynamodb")

    def tag(key: str, value: str) -> None:
        client.tag_resource(ResourceArn=table["TableArn"], Tags=[{"Key": key, "Value": value}])

    tag("local:incremental-exports", "fail")
    finished(aws, start(aws, table, bucket))
    tag("local:full-exports", "fail")
    failed = eventually(lambda: ended(aws, start(aws, table, bucket)))
    assert (failed["ExportStatus"], failed["FailureCode"]) == ("FAILED", "Unknown")
    tag("local:full-exports", "stay")
    stays = client.describe_export(ExportArn=start(aws, table, bucket)["ExportArn"])["ExportDescription"]
    assert stays["ExportStatus"] == "IN_PROGRESS"
    assert time.time() - stays["StartTime"].timestamp() > 24 * 3600
    tag("local:describe-exports", "throttle")
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.list_exports(TableArn=table["TableArn"])
    tag("local:describe-exports", "work")
    tag("local:full-exports", "work")
    finished(aws, start(aws, table, bucket))


def test_a_tag_says_for_how_long_recovery_was_on(aws, table):
    client = aws.client("dynamodb")
    client.tag_resource(ResourceArn=table["TableArn"], Tags=[{"Key": "local:recovery-hours", "Value": "3"}])
    found = description(aws, table)
    assert found["LatestRestorableDateTime"].timestamp() - found["EarliestRestorableDateTime"].timestamp() >= 3 * 3600
    finished(aws, start(aws, table, aws.make_bucket(), ExportTime=int(time.time()) - 3600))


def test_without_recovery_there_is_no_export(aws):
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        start(aws, aws.make_table(), aws.make_bucket())


def test_an_export_that_cannot_be_written_fails(aws, table):
    started = start(aws, table, unique("none"))
    export = eventually(lambda: ended(aws, started))
    assert (export["ExportStatus"], export["FailureCode"]) == ("FAILED", "S3NoSuchBucket")


def test_still_needed_plain_ministack_writes_nothing(plain):
    table, bucket = plain.make_table(), plain.make_bucket()
    finished(plain, start(plain, table, bucket))
    assert "Contents" not in plain.client("s3").list_objects_v2(Bucket=bucket)


def test_still_needed_plain_ministack_forgets_the_period(plain):
    table = plain.make_table()
    recover(plain, table, RecoveryPeriodInDays=7)
    assert "RecoveryPeriodInDays" not in description(plain, table)


def recover(cloud, table: dict, **options) -> None:
    specification = {"PointInTimeRecoveryEnabled": True, **options}
    cloud.client("dynamodb").update_continuous_backups(
        TableName=table["TableName"], PointInTimeRecoverySpecification=specification
    )


def description(cloud, table: dict) -> dict:
    answer = cloud.client("dynamodb").describe_continuous_backups(TableName=table["TableName"])
    return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def listed(cloud, table: dict) -> list[str]:
    found = cloud.client("dynamodb").list_exports(TableArn=table["TableArn"])["ExportSummaries"]
    return [export["ExportArn"] for export in found]


def start(cloud, table: dict, bucket: str, **options) -> dict:
    client = cloud.client("dynamodb")
    return client.export_table_to_point_in_time(TableArn=table["TableArn"], S3Bucket=bucket, **options)[
        "ExportDescription"
    ]


def ended(cloud, export: dict) -> dict | None:
    found = cloud.client("dynamodb").describe_export(ExportArn=export["ExportArn"])["ExportDescription"]
    return found if found["ExportStatus"] != "IN_PROGRESS" else None


def finished(cloud, export: dict) -> dict:
    found = eventually(lambda: ended(cloud, export))
    assert found["ExportStatus"] == "COMPLETED", found
    return found


def manifests(cloud, bucket: str, export: dict) -> tuple[dict, list[dict]]:
    summary = json.loads(read(cloud, bucket, export["ExportManifest"]))
    return summary, [json.loads(line) for line in read(cloud, bucket, summary["manifestFilesS3Key"]).splitlines()]


def lines(cloud, bucket: str, files: list[dict]) -> list[dict]:
    found = []
    for file in files:
        body = read(cloud, bucket, file["dataFileS3Key"])
        assert base64.b64encode(hashlib.md5(body).digest()).decode() == file["md5Checksum"]
        of_file = [json.loads(line) for line in gzip.decompress(body).splitlines()]
        assert len(of_file) == file["itemCount"]
        found += of_file
    return found


def read(cloud, bucket: str, key: str) -> bytes:
    return cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
