"""Corrections stream_records, time_to_live, queue_mappings, backups, deletions, imports, schedules, object_events and
object_versions."""

import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from conftest import eventually, unique


def test_stream_records_have_the_details_of_aws(aws):
    table, function = aws.make_table(), aws.make_function()
    aws.map_stream(table, function)
    aws.put(table, *map(str, range(20)))
    eventually(lambda: len(records(function)), 20)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records(function)]
    assert all(re.fullmatch(r"[1-9]\d{20,39}", number) for number in numbers)
    assert sorted(numbers, key=int) == numbers and len(set(numbers)) == 20
    for record in records(function):
        assert re.fullmatch(r"[0-9a-f]{32}", record["eventID"])
        assert record["dynamodb"]["SizeBytes"] > 0
        assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int)
        assert re.search(r"/stream/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$", record["eventSourceARN"])


def test_expired_items_are_removed_by_dynamodb(aws):
    table, function = aws.make_table(), aws.make_function()
    client, name = aws.client("dynamodb"), table["TableName"]
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    client.put_item(TableName=name, Item={"id": {"S": "a"}, "expires": {"N": str(int(time.time()) - 1)}})
    client.put_item(TableName=name, Item={"id": {"S": "b"}, "expires": {"S": "1"}})
    aws.map_stream(table, function)
    removed = eventually(lambda: [record for record in records(function) if record["eventName"] == "REMOVE"])
    assert removed[0]["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert removed[0]["dynamodb"]["OldImage"]["id"] == {"S": "a"} and len(removed) == 1
    assert "userIdentity" not in records(function)[0]


def test_a_message_comes_back_after_an_error_and_ends_in_the_dead_letter_queue(aws):
    function, url, dead = mapped_queue(aws, {"poison": "bad"}, receives=2)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='"bad"')
    assert eventually(lambda: aws.receive(dead)) == "bad"
    assert len(function.events()) == 2


def test_a_message_comes_back_when_its_function_is_killed(aws):
    function, url, _ = mapped_queue(aws, {"kill": "a"}, receives=5)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='"a"')
    eventually(lambda: len(function.events()), 2)
    eventually(lambda: in_flight(aws, url), "0")


def test_only_the_failed_messages_come_back(aws):
    # Long enough that no message comes back because its function was slow.
    options = {"visibility": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    _, url, dead = mapped_queue(aws, {"report": "bad"}, receives=1, **options)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='"bad"')
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='"good"')
    assert eventually(lambda: aws.receive(dead)) == "bad"
    assert aws.receive(dead) is None


def test_an_answer_that_names_no_known_message_loses_none(aws):
    answer = {"answer": {"batchItemFailures": [{"itemIdentifier": "unknown"}]}}
    _, url, dead = mapped_queue(aws, answer, receives=1, FunctionResponseTypes=["ReportBatchItemFailures"])
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='"a"')
    assert eventually(lambda: aws.receive(dead)) == "a"


def test_dead_letters_are_moved_back_and_are_as_new(aws):
    function, url, dead = mapped_queue(aws, {"poison": "bad"}, receives=2)
    client = aws.client("sqs")
    client.send_message(QueueUrl=url, MessageBody='"bad"')
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    eventually(lambda: in_flight(aws, dead), "1")
    client.start_message_move_task(SourceArn=arn)
    # Received twice before, and twice again.
    eventually(lambda: len(function.events()), 4)
    eventually(lambda: in_flight(aws, dead), "1")
    (task,) = client.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    not_dead = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        client.start_message_move_task(SourceArn=not_dead)


def test_plain_ministack_moves_no_dead_letters(plain):
    with pytest.raises(ClientError):
        plain.client("sqs").start_message_move_task(SourceArn="arn:aws:sqs:us-east-1:000000000000:any")


def test_backups_are_listed_by_time_and_deleted_ones_say_so(aws):
    table, client = aws.make_table(), aws.client("dynamodb")
    backup = client.create_backup(TableName=table["TableName"], BackupName="one")["BackupDetails"]
    created = backup["BackupCreationDateTime"].timestamp()

    def listed(lower: float, upper: float) -> int:
        bounds = {"TimeRangeLowerBound": lower, "TimeRangeUpperBound": upper}
        return len(client.list_backups(TableName=table["TableName"], **bounds)["BackupSummaries"])

    assert (listed(created - 9, created + 9), listed(created - 9, created - 5), listed(created + 5, created + 9)) == (
        1,
        0,
        0,
    )
    deleted = client.delete_backup(BackupArn=backup["BackupArn"])["BackupDescription"]
    assert deleted["BackupDetails"]["BackupStatus"] == "DELETED"


def test_a_schedule_fills_in_its_context(aws):
    function = schedule(aws)
    event = eventually(lambda: function.events())[0]
    assert time.strptime(event["due"], "%Y-%m-%dT%H:%M:%SZ")
    assert event["arn"].startswith("arn:aws:scheduler:") and event["attempt"] == "1"


def test_an_object_event_names_the_version(aws):
    sent = object_event(aws)
    assert sent["event"]["detail"]["object"]["version-id"] == sent["version"]
    assert sent["event"]["detail"]["object"]["key"] == sent["key"]
    assert {"size", "etag", "sequencer"} <= sent["event"]["detail"]["object"].keys()
    assert time.strptime(sent["event"]["time"], "%Y-%m-%dT%H:%M:%SZ")


def test_a_range_of_an_older_version_is_a_part_of_it(aws):
    assert part_of_a_version(aws) == (206, b"ir", "bytes 1-2/5")


def test_still_needed_plain_stream_records_differ(plain):
    table, function = plain.make_table(), plain.make_function()
    plain.map_stream(table, function)
    plain.put(table, "a")
    eventually(lambda: records(function))
    assert records(function)[0]["dynamodb"]["SizeBytes"] == 0
    assert records(function)[0]["dynamodb"]["SequenceNumber"].startswith("0")
    assert "-" in records(function)[0]["eventID"]


def test_still_needed_plain_ministack_loses_messages_it_was_not_told_of(plain):
    answer = {"answer": {"batchItemFailures": [{"itemIdentifier": "unknown"}]}}
    function, url, _ = mapped_queue(plain, answer, receives=1, FunctionResponseTypes=["ReportBatchItemFailures"])
    plain.client("sqs").send_message(QueueUrl=url, MessageBody='"a"')
    eventually(lambda: function.events())
    eventually(lambda: in_flight(plain, url), "0")


def test_still_needed_plain_backups_ignore_time_and_deletion(plain):
    table, client = plain.make_table(), plain.client("dynamodb")
    backup = client.create_backup(TableName=table["TableName"], BackupName="one")["BackupDetails"]
    bounds = {"TimeRangeLowerBound": 1, "TimeRangeUpperBound": 2}
    assert client.list_backups(TableName=table["TableName"], **bounds)["BackupSummaries"]
    deleted = client.delete_backup(BackupArn=backup["BackupArn"])["BackupDescription"]
    assert deleted["BackupDetails"]["BackupStatus"] == "AVAILABLE"


def test_still_needed_plain_schedules_pass_placeholders_on(plain):
    function = schedule(plain)
    assert eventually(lambda: function.events())[0]["due"].startswith("<aws.scheduler")


def test_still_needed_plain_object_events_name_no_version(plain):
    assert "version-id" not in object_event(plain)["event"]["detail"]["object"]


def test_still_needed_plain_ministack_ignores_the_range_of_a_version(plain):
    assert part_of_a_version(plain)[:2] == (200, b"first")


def records(function) -> list[dict]:
    return [record for event in function.events() for record in event["Records"]]


def mapped_queue(cloud, behaviour: dict, receives: int, visibility: int = 3, **options):
    """A queue with a function on it, that gives a message back after some seconds, and its dead-letter queue."""
    dead, dead_arn = cloud.make_queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": receives})
    url, arn = cloud.make_queue(VisibilityTimeout=str(visibility), RedrivePolicy=policy)
    function = cloud.make_function(behaviour)
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function.name, BatchSize=1, **options
    )
    return function, url, dead


def in_flight(cloud, url: str) -> str:
    names = ["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages"]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return str(sum(map(int, found.values())))


def schedule(cloud):
    """Calls a function once, as soon as ministack next looks."""
    function = cloud.make_function()
    arn = cloud.client("lambda").get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    attributes = {"due": "scheduled-time", "arn": "schedule-arn", "attempt": "attempt-number"}
    text = {name: f"<aws.scheduler.{attribute}>" for name, attribute in attributes.items()}
    cloud.client("scheduler").create_schedule(
        Name=unique("schedule"),
        ScheduleExpression="at(2020-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": cloud.role, "Input": json.dumps(text)},
    )
    return function


def part_of_a_version(cloud) -> tuple[int, bytes, str | None]:
    s3, bucket = cloud.client("s3"), cloud.make_bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"first")["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"second")
    found = s3.get_object(Bucket=bucket, Key="a", VersionId=first, Range="bytes=1-2")
    return found["ResponseMetadata"]["HTTPStatusCode"], found["Body"].read(), found.get("ContentRange")


def object_event(cloud) -> dict:
    """What S3 sends to EventBridge about an object in a versioned bucket."""
    s3, events, bucket = cloud.client("s3"), cloud.client("events"), cloud.make_bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    url, arn = cloud.make_queue()
    rule = unique("rule")
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    key = "imports/a b+ü.csv"
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    return {"event": eventually(lambda: cloud.receive(url)), "version": version, "key": key}


def test_a_table_is_being_deleted_before_it_is_gone(aws):
    name = aws.make_table()["TableName"]
    client = aws.client("dynamodb")
    assert client.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    assert client.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    assert client.describe_table(TableName=name)["Table"]["TableStatus"] == "DELETING"
    eventually(lambda: is_gone(client, name))


def test_still_needed_plain_ministack_deletes_at_once(plain):
    name = plain.make_table()["TableName"]
    client = plain.client("dynamodb")
    client.delete_table(TableName=name)
    assert is_gone(client, name)


def is_gone(client, table: str) -> bool:
    return table not in client.list_tables()["TableNames"]


def test_an_import_takes_a_while(aws):
    assert took_to_import(aws) >= 14


def test_still_needed_plain_ministack_imports_at_once(plain):
    assert took_to_import(plain) < 14


def took_to_import(cloud) -> float:
    """Seconds, as DynamoDB tells."""
    bucket, client = cloud.make_bucket(), cloud.client("dynamodb")
    cloud.client("s3").put_object(Bucket=bucket, Key="a.json", Body=b'{"Item":{"id":{"S":"a"}}}\n')
    started = client.import_table(
        S3BucketSource={"S3Bucket": bucket},
        InputFormat="DYNAMODB_JSON",
        TableCreationParameters={
            "TableName": unique("imported"),
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )["ImportTableDescription"]
    assert started["ImportStatus"] == "IN_PROGRESS"

    def ended():
        found = client.describe_import(ImportArn=started["ImportArn"])["ImportTableDescription"]
        return found if found["ImportStatus"] == "COMPLETED" else None

    found = eventually(ended)
    return (found["EndTime"] - found["StartTime"]).total_seconds()
