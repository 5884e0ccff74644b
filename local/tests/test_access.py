"""What is done in someone's name.

Corrections source_access, async_failures, import_access, query_access and missing_objects.
"""

import gzip
import json

import pytest
from botocore.exceptions import ClientError
from conftest import eventually, unique
from users import allow, user

LOG_ACTIONS = ["CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents"]
IMPORT_LOGS = allow(
    [f"logs:{action}" for action in [*LOG_ACTIONS, "PutRetentionPolicy"]],
    "arn:aws:logs:us-east-1:000000000000:log-group:/aws-dynamodb/*",
)


@pytest.mark.parametrize("missing", ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
def test_a_role_that_may_not_read_the_queue_cannot_be_mapped(aws, missing):
    with pytest.raises(ClientError, match=f"permissions to call {missing} on SQS"):
        map_queue(aws, missing)


def test_still_needed_plain_ministack_maps_any_queue(plain):
    map_queue(plain, "ReceiveMessage")


def map_queue(cloud, missing: str) -> None:
    _, queue = cloud.make_queue()
    needed = {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}
    role = cloud.make_role(allow([f"sqs:{action}" for action in sorted(needed - {missing})], queue))
    function = cloud.make_function(role=role)
    cloud.client("lambda").create_event_source_mapping(EventSourceArn=queue, FunctionName=function.name, Enabled=False)


def test_a_failed_event_goes_only_where_the_role_allows(aws):
    url, queue = aws.make_queue()
    fail(aws, queue, aws.make_role(allow(["logs:*"], "*")))
    fail(aws, queue, aws.make_role(allow(["sqs:SendMessage"], queue)), "allowed")
    message = eventually(lambda: aws.receive(url))
    assert message["requestPayload"]["Records"][0]["body"] == "allowed poison"
    assert aws.receive(url) is None


def test_still_needed_plain_ministack_sends_it_whatever_the_role_allows(plain):
    url, queue = plain.make_queue()
    fail(plain, queue, plain.make_role(allow(["logs:*"], "*")))
    eventually(lambda: plain.receive(url))


def fail(cloud, queue: str, role: str, name: str = "denied") -> None:
    """Gives a function an event that it fails on, once."""
    function, client = cloud.make_function({"poison": "poison"}, role), cloud.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName=function.name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    event = json.dumps({"Records": [{"body": f"{name} poison"}]})
    client.invoke(FunctionName=function.name, InvocationType="Event", Payload=event)
    eventually(function.events)


def test_retries_of_an_event_have_its_request_id(aws):
    first, second = requests_of_a_failing_event(aws), requests_of_a_failing_event(aws)
    assert (len(first), len(set(first)), len(set(second))) == (2, 1, 1)
    assert first != second


def test_still_needed_plain_ministack_gives_each_try_an_id_of_its_own(plain):
    assert len(set(requests_of_a_failing_event(plain))) == 2


def requests_of_a_failing_event(cloud) -> list[str]:
    """The ids of the two invocations that an event gets which fails once more than it is retried."""
    function, client = cloud.make_function({"poison": "poison"}), cloud.client("lambda")
    client.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=1)
    event = json.dumps({"Records": [{"body": "poison"}]})
    client.invoke(FunctionName=function.name, InvocationType="Event", Payload=event)
    eventually(lambda: len(function.events()), 2)
    return function.requests()


@pytest.mark.parametrize("missing", ["s3:ListBucket", "s3:GetObject", "logs"])
def test_an_import_reads_and_logs_with_the_permissions_of_its_caller(aws, missing):
    found = imported(aws, missing)
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "AccessDenied")
    assert missing in found["FailureMessage"]


def test_an_import_of_someone_who_may_is_completed(aws):
    assert imported(aws, "")["ImportStatus"] == "COMPLETED"


def test_still_needed_plain_ministack_reads_with_its_own(plain):
    assert imported(plain, "s3:GetObject")["ImportStatus"] == "COMPLETED"


def imported(cloud, missing: str) -> dict:
    """What became of an import whose caller lacks something."""
    bucket, table = cloud.make_bucket(), unique("table")
    cloud.client("s3").put_object(Bucket=bucket, Key="a.gz", Body=gzip.compress(b'{"Item":{"id":{"S":"a"}}}\n'))
    statements = {
        "s3:ListBucket": allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}"),
        "s3:GetObject": allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/*"),
        "logs": IMPORT_LOGS,
        "dynamodb": allow(["dynamodb:*"], "*"),
    }
    client = user(cloud, *(statement for name, statement in statements.items() if name != missing))("dynamodb")
    started = client.import_table(
        S3BucketSource={"S3Bucket": bucket},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": table,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )["ImportTableDescription"]

    def end():
        found = client.describe_import(ImportArn=started["ImportArn"])["ImportTableDescription"]
        return found if found["ImportStatus"] != "IN_PROGRESS" else None

    return eventually(end)


QUERY = ["s3:GetBucketLocation", "s3:PutObject", "glue:GetDatabase"]


@pytest.mark.parametrize("missing", QUERY)
def test_a_query_writes_with_the_permissions_of_its_caller(aws, missing):
    found = queried(aws, missing)
    assert found["State"] == "FAILED" and f"perform: {missing} on" in found["StateChangeReason"]


def test_its_results_are_read_with_them(aws):
    assert queried(aws, "")["State"] == "SUCCEEDED"
    assert "perform: s3:GetObject on" in queried(aws, "s3:GetObject")["StateChangeReason"]


def test_still_needed_plain_ministack_writes_with_its_own(plain):
    assert queried(plain, "s3:PutObject")["State"] == "SUCCEEDED"


def queried(cloud, missing: str) -> dict:
    """What became of a query, and of reading its results, of someone who lacks something."""
    bucket = cloud.make_bucket()
    database = "arn:aws:glue:us-east-1:000000000000"
    resources = {
        "s3:GetBucketLocation": [f"arn:aws:s3:::{bucket}"],
        "s3:PutObject": [f"arn:aws:s3:::{bucket}/results/*"],
        "s3:GetObject": [f"arn:aws:s3:::{bucket}/results/*"],
        "glue:GetDatabase": [f"{database}:catalog", f"{database}:database/default"],
        "athena:*": ["*"],
    }
    statements = [allow([action], *names) for action, names in resources.items() if action != missing]
    client = user(cloud, *statements)("athena")
    query = client.start_query_execution(
        QueryString="SELECT 1", ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"}
    )["QueryExecutionId"]

    def end():
        found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return found if found["State"] in ("SUCCEEDED", "FAILED") else None

    found = eventually(end)
    if found["State"] == "SUCCEEDED":
        try:
            client.get_query_results(QueryExecutionId=query)
        except ClientError as error:
            return found | {"StateChangeReason": str(error)}
    return found


def test_a_missing_object_is_told_only_to_who_may_list_the_bucket(aws):
    assert missing_object(aws, "s3:ListBucket") == ["NoSuchKey", "404"]
    assert missing_object(aws, "s3:PutObject") == ["AccessDenied", "403"]
    assert missing_object(aws, "s3:ListBucket", {"StringLike": {"s3:prefix": "*"}}) == ["AccessDenied", "403"]


def test_still_needed_plain_ministack_tells_everybody(plain):
    assert missing_object(plain, "s3:PutObject") == ["NoSuchKey", "404"]


def missing_object(cloud, action: str, condition: dict | None = None) -> list[str]:
    """The codes of GetObject and HeadObject, for someone who may read objects and do this."""
    bucket = cloud.make_bucket()
    more = allow([action], f"arn:aws:s3:::{bucket}") | ({"Condition": condition} if condition else {})
    client = user(cloud, allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/*"), more)("s3")
    codes = []
    for read in (client.get_object, client.head_object):
        with pytest.raises(ClientError) as refused:
            read(Bucket=bucket, Key="missing")
        codes.append(refused.value.response["Error"]["Code"])
    return codes
