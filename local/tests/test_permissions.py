"""Correction request_permissions: what a role is asked for."""

import json

from conftest import unique
from users import allow, denied, user

ACCOUNT = "us-east-1:000000000000"


def test_actions_on_a_table_are_on_that_table_however_it_is_named(aws):
    table, other = aws.make_table(), aws.make_table()
    arn = table["TableArn"]
    client = user(aws, allow(["dynamodb:*"], arn, f"{arn}/*"))("dynamodb")
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    backup = client.create_backup(TableName=table["TableName"], BackupName="one")["BackupDetails"]["BackupArn"]
    client.describe_backup(BackupArn=backup)
    client.delete_backup(BackupArn=backup)
    denied(lambda: client.tag_resource(ResourceArn=other["TableArn"], Tags=[{"Key": "a", "Value": "b"}]))
    denied(lambda: client.list_exports(TableArn=arn))


def test_an_export_is_on_the_table_and_written_by_the_caller(aws):
    table, bucket, forbidden = aws.make_table(), aws.make_bucket(), aws.make_bucket()
    recovery = {"PointInTimeRecoveryEnabled": True}
    aws.client("dynamodb").update_continuous_backups(
        TableName=table["TableName"], PointInTimeRecoverySpecification=recovery
    )
    arn = table["TableArn"]
    statements = allow(["dynamodb:*"], arn, f"{arn}/*"), allow(["s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    client = user(aws, *statements)("dynamodb")

    def outcome(name: str) -> str:
        export = client.export_table_to_point_in_time(TableArn=arn, S3Bucket=name)["ExportDescription"]["ExportArn"]
        while (found := client.describe_export(ExportArn=export)["ExportDescription"])["ExportStatus"] == "IN_PROGRESS":
            pass
        return found.get("FailureCode", found["ExportStatus"])

    assert (outcome(bucket), outcome(forbidden)) == ("COMPLETED", "S3AccessDenied")


def test_stream_mappings_are_held_to_the_function(aws):
    table, function, other = aws.make_table(), aws.make_function(), aws.make_function()
    condition = {"ArnEquals": {"lambda:FunctionArn": f"arn:aws:lambda:{ACCOUNT}:function:{function.name}"}}
    statement = {"Effect": "Allow", "Action": "lambda:*EventSourceMapping", "Resource": "*", "Condition": condition}
    client = user(aws, statement)("lambda")
    source = {"EventSourceArn": table["LatestStreamArn"], "StartingPosition": "TRIM_HORIZON"}
    mapping = client.create_event_source_mapping(FunctionName=function.name, **source)["UUID"]
    client.get_event_source_mapping(UUID=mapping)
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    foreign = aws.map_stream(table, other)
    denied(lambda: client.create_event_source_mapping(FunctionName=other.name, **source))
    denied(lambda: client.update_event_source_mapping(UUID=foreign, Enabled=False))
    denied(lambda: client.delete_event_source_mapping(UUID=foreign))
    denied(lambda: client.get_event_source_mapping(UUID=foreign))
    denied(lambda: client.list_event_source_mappings())


def test_a_table_of_glue_is_asked_for(aws):
    glue, database = aws.client("glue"), unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    resources = ("catalog", f"database/{database}", f"table/{database}/*__changes")
    statement = allow(["glue:*"], *(f"arn:aws:glue:{ACCOUNT}:{resource}" for resource in resources))
    client = user(aws, statement)("glue")
    client.create_table(DatabaseName=database, TableInput={"Name": "t__changes"})
    client.get_table(DatabaseName=database, Name="t__changes")
    denied(lambda: client.get_table(DatabaseName=database, Name="t"))


def test_what_a_table_of_glue_is_in_is_asked_for_too(aws):
    glue, database = aws.client("glue"), unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    arns = [f"arn:aws:glue:{ACCOUNT}:{name}" for name in ("catalog", f"database/{database}", f"table/{database}/t")]
    client = user(aws, allow(["glue:GetTable"], *arns))("glue")
    assert client.get_table(DatabaseName=database, Name="t")["Table"]["Name"] == "t"
    for missing in arns:
        client = user(aws, allow(["glue:GetTable"], *(arn for arn in arns if arn != missing)))("glue")
        denied(lambda client=client: client.get_table(DatabaseName=database, Name="t"))


def test_a_stream_is_asked_for(aws):
    table, other = aws.make_table(), aws.make_table()
    client = user(aws, allow(["dynamodb:DescribeStream"], table["LatestStreamArn"]))("dynamodbstreams")
    client.describe_stream(StreamArn=table["LatestStreamArn"])
    denied(lambda: client.describe_stream(StreamArn=other["LatestStreamArn"]))


def test_still_needed_plain_ministack_does_not_know_a_stream(plain):
    table = plain.make_table()
    client = user(plain, allow(["dynamodb:DescribeStream"], table["LatestStreamArn"]))("dynamodbstreams")
    denied(lambda: client.describe_stream(StreamArn=table["LatestStreamArn"]))


def test_a_query_is_asked_for_by_its_workgroup(aws):
    workgroup, start = query_in_a_workgroup(aws)
    allowed = user(aws, allow(["athena:*"], f"arn:aws:athena:{ACCOUNT}:workgroup/{workgroup}"))("athena")
    query = start(allowed)
    assert allowed.get_query_execution(QueryExecutionId=query)["QueryExecution"]["WorkGroup"] == workgroup
    other = user(aws, allow(["athena:*"], f"arn:aws:athena:{ACCOUNT}:workgroup/other"))("athena")
    denied(lambda: start(other))
    denied(lambda: other.get_query_execution(QueryExecutionId=query))


def test_still_needed_plain_ministack_does_not_know_the_workgroup_of_a_query(plain):
    workgroup, start = query_in_a_workgroup(plain)
    client = user(plain, allow(["athena:*"], f"arn:aws:athena:{ACCOUNT}:workgroup/{workgroup}"))("athena")
    query = start(client)
    denied(lambda: client.get_query_execution(QueryExecutionId=query))


def test_a_batch_of_messages_is_asked_for_as_one(aws):
    assert send_two(aws) == ["0", "1"]


def test_still_needed_plain_ministack_asks_for_an_action_that_there_is_not(plain):
    denied(lambda: send_two(plain))


def send_two(cloud) -> list[str]:
    """Sends two messages at once with the right to send one, and gives what was sent."""
    queue = cloud.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    client = user(cloud, allow(["sqs:SendMessage"], f"arn:aws:sqs:{ACCOUNT}:{queue.rpartition('/')[2]}"))("sqs")
    entries = [{"Id": str(number), "MessageBody": "{}"} for number in range(2)]
    return [sent["Id"] for sent in client.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]]


def test_a_bucket_that_insists_on_tls_can_be_used(aws):
    assert put_with_tls_only(aws) == 200


def test_still_needed_plain_ministack_takes_the_loopback_for_insecure(plain):
    denied(lambda: put_with_tls_only(plain))


def test_still_needed_plain_ministack_does_not_see_the_table_in_an_arn(plain):
    table = plain.make_table()
    client = user(plain, allow(["dynamodb:*"], table["TableArn"]))("dynamodb")
    denied(lambda: client.list_tags_of_resource(ResourceArn=table["TableArn"]))


def test_still_needed_plain_ministack_asks_nothing_to_delete_a_mapping(plain):
    mapping = plain.map_stream(plain.make_table(), plain.make_function())
    user(plain, allow(["s3:*"], "*"))("lambda").delete_event_source_mapping(UUID=mapping)


def query_in_a_workgroup(cloud):
    """A workgroup, and what starts a query in it."""
    name = unique("workgroup")
    results = {"OutputLocation": f"s3://{cloud.make_bucket()}/"}
    cloud.client("athena").create_work_group(Name=name, Configuration={"ResultConfiguration": results})
    return name, lambda client: client.start_query_execution(QueryString="SELECT 1", WorkGroup=name)["QueryExecutionId"]


def put_with_tls_only(cloud) -> int:
    bucket = cloud.make_bucket()
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arns, "Condition": condition}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    client = user(cloud, allow(["s3:PutObject"], arns[1]))("s3")
    return client.put_object(Bucket=bucket, Key="a", Body=b"")["ResponseMetadata"]["HTTPStatusCode"]
