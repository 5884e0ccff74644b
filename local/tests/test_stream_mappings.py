"""Corrections stream_mappings, failure_destinations and source_access."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import eventually


def test_a_failed_batch_is_retried_as_often_as_allowed_and_then_given_up_to_the_queue(aws):
    table, function = aws.make_table(), aws.make_function({"poison": "bad"})
    queue, arn = aws.make_queue()
    aws.put(table, "bad1", "bad2")
    aws.map_stream(table, function, MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": arn}})
    record = eventually(lambda: aws.receive(queue))
    assert [sorted(batch) for batch in function.batches()] == [["bad1", "bad2"]] * 3
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["DDBStreamBatchInfo"]["batchSize"] == 2
    assert "payload" not in record
    aws.put(table, "good")
    eventually(lambda: function.batches()[-1], ["good"])


def test_a_bucket_as_destination_gets_the_batch_too(aws):
    table, function, bucket = aws.make_table(), aws.make_function({"poison": "bad"}), aws.make_bucket()
    aws.put(table, "bad")
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    mapping = aws.map_stream(table, function, MaximumRetryAttempts=0, DestinationConfig=destination)
    s3 = aws.client("s3")
    key = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))[0]["Key"]
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    head, shard, *_, last = key.removeprefix("aws/lambda/").split("/")
    assert head == mapping and shard == record["DDBStreamBatchInfo"]["shardId"]
    assert len(key.split("/")) == 8 and time.strptime(last[:19], "%Y-%m-%dT%H.%M.%S")
    payload = json.loads(record["payload"])
    assert payload == function.events()[0]
    sequence = payload["Records"][0]["dynamodb"]["SequenceNumber"]
    assert record["DDBStreamBatchInfo"]["startSequenceNumber"] == sequence
    assert record["requestContext"]["approximateInvokeCount"] == 1


def test_bisecting_isolates_the_bad_record_and_uses_up_no_retry(aws):
    table, function = aws.make_table(), aws.make_function({"poison": "bad"})
    queue, arn = aws.make_queue()
    names = ["a", "b", "c", "bad", "d", "e", "f", "g"]
    aws.put(table, *names)
    options = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1}
    aws.map_stream(table, function, DestinationConfig={"OnFailure": {"Destination": arn}}, **options)
    record = eventually(lambda: aws.receive(queue))
    eventually(lambda: sorted(delivered(function)), sorted(set(names) - {"bad"}))
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert function.batches().count(["bad"]) == 2


def test_a_partial_failure_is_retried_from_its_lowest_record(aws):
    table, function = aws.make_table(), aws.make_function({"report": "bad"})
    queue, arn = aws.make_queue()
    aws.put(table, "a", "b", "bad", "c")
    options = {"MaximumRetryAttempts": 1, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    aws.map_stream(table, function, DestinationConfig={"OnFailure": {"Destination": arn}}, **options)
    record = eventually(lambda: aws.receive(queue))
    whole = function.batches()[0]
    rest = whole[whole.index("bad") :]
    assert function.batches() == [whole, rest]
    assert record["DDBStreamBatchInfo"]["batchSize"] == len(rest)


def test_an_unknown_failure_means_the_whole_batch(aws):
    table = aws.make_table()
    function = aws.make_function({"answer": {"batchItemFailures": [{"itemIdentifier": "1"}]}})
    queue, arn = aws.make_queue()
    aws.put(table, "a", "b")
    options = {"MaximumRetryAttempts": 1, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    aws.map_stream(table, function, DestinationConfig={"OnFailure": {"Destination": arn}}, **options)
    assert eventually(lambda: aws.receive(queue))["DDBStreamBatchInfo"]["batchSize"] == 2
    assert [len(batch) for batch in function.batches()] == [2, 2]


def test_records_over_the_maximum_age_are_given_up(aws):
    table, function = aws.make_table(), aws.make_function({"poison": "bad"})
    queue, arn = aws.make_queue()
    aws.put(table, "bad")
    aws.map_stream(table, function, MaximumRecordAgeInSeconds=1, DestinationConfig={"OnFailure": {"Destination": arn}})
    assert eventually(lambda: aws.receive(queue))["requestContext"]["condition"] == "RecordAgeExceeded"


def test_the_window_gathers_records_until_the_batch_is_full(aws):
    table, function = aws.make_table(), aws.make_function()
    aws.map_stream(table, function, MaximumBatchingWindowInSeconds=300, BatchSize=3)
    for name in ("a", "b", "c", "d"):
        aws.put(table, name)
    eventually(function.batches, [["a", "b", "c"]])


def test_the_window_ends(aws):
    table, function = aws.make_table(), aws.make_function()
    aws.map_stream(table, function, MaximumBatchingWindowInSeconds=3)
    aws.put(table, "a")
    aws.put(table, "b")
    eventually(function.batches, [["a", "b"]])


def test_no_invocation_carries_more_than_six_megabytes(aws):
    table, function = aws.make_table(), aws.make_function()
    client = aws.client("dynamodb")
    for number in range(20):
        client.put_item(TableName=table["TableName"], Item={"id": {"S": str(number)}, "x": {"S": "x" * 390_000}})
    aws.map_stream(table, function)
    eventually(lambda: len(delivered(function)), 20)
    assert max(len(json.dumps(event)) for event in function.events()) <= 6 * 1024 * 1024


def test_a_slow_function_holds_up_nobody_else(aws):
    slow, slow_function = aws.make_table(), aws.make_function({"slow": "slow", "seconds": 25})
    other, other_function = aws.make_table(), aws.make_function()
    aws.map_stream(slow, slow_function)
    aws.map_stream(other, other_function)
    aws.put(slow, "slow")
    eventually(slow_function.batches)
    aws.put(other, "quick")
    eventually(other_function.batches, [["quick"]], patience=10)


def test_a_killed_function_is_tried_again(aws):
    table, function = aws.make_table(), aws.make_function({"kill": "a"})
    aws.put(table, "a")
    aws.map_stream(table, function)
    eventually(function.batches, [["a"], ["a"]])


def test_a_disabled_or_deleted_mapping_stops(aws):
    table, stopped, gone, watched = aws.make_table(), *(aws.make_function() for _ in range(3))
    disabled = aws.map_stream(table, stopped)
    deleted = aws.map_stream(table, gone)
    aws.map_stream(table, watched)
    aws.client("lambda").update_event_source_mapping(UUID=disabled, Enabled=False)
    aws.client("lambda").delete_event_source_mapping(UUID=deleted)
    aws.put(table, "a")
    eventually(watched.batches, [["a"]])
    assert stopped.batches() == []
    aws.client("lambda").update_event_source_mapping(UUID=disabled, Enabled=True)
    eventually(stopped.batches, [["a"]])
    assert gone.batches() == []


def test_the_stream_of_a_deleted_table_is_read_to_its_end(aws):
    table, function = aws.make_table(), aws.make_function()
    aws.put(table, "a")
    aws.client("dynamodb").delete_table(TableName=table["TableName"])
    aws.map_stream(table, function)
    eventually(function.batches, [["a"]])


def test_a_role_that_may_not_read_the_stream_cannot_be_mapped(aws):
    table = aws.make_table()
    function = aws.make_function(
        role=aws.make_role({"Effect": "Allow", "Action": "dynamodb:GetRecords", "Resource": "*"})
    )
    with pytest.raises(ClientError, match="ensure the role can perform the GetRecords"):
        aws.map_stream(table, function)


def test_a_role_that_may_not_write_to_the_bucket_cannot_be_mapped(aws):
    table, bucket = aws.make_table(), aws.make_bucket()
    function = aws.make_function(role=aws.make_role({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}))
    with pytest.raises(ClientError, match="permissions to call PutObject"):
        aws.map_stream(table, function, DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}})


def test_a_stream_is_mapped_to_a_function_once(aws):
    table, function = aws.make_table(), aws.make_function()
    aws.map_stream(table, function)
    with pytest.raises(ClientError, match="ResourceConflictException.*already exists"):
        aws.map_stream(table, function)
    aws.map_stream(table, aws.make_function())


def test_mappings_are_listed_by_function_and_by_stream(aws):
    table, function = aws.make_table(), aws.make_function()
    mapping = aws.map_stream(table, function)
    client = aws.client("lambda")
    for choice in ({"FunctionName": function.name}, {"EventSourceArn": table["LatestStreamArn"]}):
        assert [found["UUID"] for found in client.list_event_source_mappings(**choice)["EventSourceMappings"]] == [
            mapping
        ]


def test_still_needed_plain_ministack_retries_for_ever(plain):
    table, function = plain.make_table(), plain.make_function({"poison": "bad"})
    plain.put(table, "bad")
    plain.map_stream(table, function, MaximumRetryAttempts=0)
    eventually(lambda: len(function.batches()) >= 2)


def test_still_needed_plain_ministack_loses_a_partly_failed_batch(plain):
    table, function = plain.make_table(), plain.make_function({"report": "bad"})
    plain.put(table, "bad")
    plain.map_stream(table, function, FunctionResponseTypes=["ReportBatchItemFailures"])
    eventually(lambda: function.batches())
    plain.put(table, "good")
    eventually(function.batches, [["bad"], ["good"]])


def test_still_needed_plain_ministack_asks_for_no_permission(plain):
    role = plain.make_role({"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert plain.map_stream(plain.make_table(), plain.make_function(role=role))


def delivered(function) -> list[str]:
    """What has been delivered in batches without a bad record."""
    return [name for batch in function.batches() if "bad" not in batch for name in batch]


def test_still_needed_plain_ministack_maps_a_stream_twice(plain):
    table, function = plain.make_table(), plain.make_function()
    assert plain.map_stream(table, function) != plain.map_stream(table, function)
