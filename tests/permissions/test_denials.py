"""What must be denied to each role is denied, and its allowed twin is not."""

import json
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError
from denials import CREATE_MAPPING, DENIALS, Denial, World
from deployed import CONFIG, Deployed
from roles import Role
from streaming import catalog_name, catalogued, streamed

OUTSIDE = "other-table"
Clients = Callable[[str, str], object]


@pytest.mark.parametrize("denial", DENIALS, ids=lambda denial: f"{denial.function}, {denial.what}")
def test_it_is_denied_and_its_twin_is_not(aws: Deployed, world: World, acting_as: Clients, denial: Denial) -> None:
    with pytest.raises(ClientError) as refused:
        called(acting_as, denial.function, denial.call, denial.forbidden(world))
    assert "AccessDenied" in refused.value.response["Error"]["Code"], refused.value
    answer = called(acting_as, denial.function, denial.by or denial.call, denial.allowed(world))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 202, 204)
    if denial.call == CREATE_MAPPING:
        aws.client("lambda").delete_event_source_mapping(UUID=answer["UUID"])


def test_a_backup_is_known_by_its_table_alone(world: World, acting_as: Clients, aws: Deployed) -> None:
    """Not by its name: what a person has made of a table inside the prefix IAM cannot keep from the function."""
    table, dynamodb = world.inside["TableName"], aws.client("dynamodb")
    made = dynamodb.create_backup(TableName=table, BackupName="before-migration")["BackupDetails"]["BackupArn"]
    called(acting_as, "backup", "dynamodb.delete_backup", {"BackupArn": made})


def called(acting_as: Clients, function: str, call: str, arguments: dict) -> dict:
    service, operation = call.split(".")
    return getattr(acting_as(function, service), operation)(**arguments)


@pytest.fixture(scope="module")
def acting_as(aws: Deployed, functions_roles: dict[str, Role]) -> Clients:
    """Clients with the rights of a function: for a moment its role trusts the account as well."""
    sessions = {function: session(aws, role) for function, role in functions_roles.items()}
    return lambda function, service: sessions[function].client(service, config=CONFIG)


def session(aws: Deployed, role: Role) -> boto3.Session:
    iam = aws.client("iam")
    described = iam.get_role(RoleName=role.name)["Role"]
    trust, arn = described["AssumeRolePolicyDocument"], described["Arn"]
    account = {"Effect": "Allow", "Principal": {"AWS": arn.split(":")[4]}, "Action": "sts:AssumeRole"}
    wider = trust | {"Statement": [*trust["Statement"], account]}
    iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(wider))
    try:
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="denials")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(trust))
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture(scope="module")
def world(aws: Deployed) -> World:
    dynamodb, inside = aws.client("dynamodb"), aws.describe(catalogued(aws, "denied"))
    streams = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    tables = {"inside": inside, "outside": aws.make_table(OUTSIDE, StreamSpecification=streams)}
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=OUTSIDE, PointInTimeRecoverySpecification=recovery)
    bucket = "somebody-elses"
    aws.client("s3").create_bucket(Bucket=bucket)
    there = ["state/there", "changes/there", "state/backup/there", "state/snapshot/there", "quarantine/there"]
    objects = [(aws.lake, key) for key in there]
    objects += [
        (bucket, "there"),
        (aws.exports, "there"),
        (aws.landing, "reports/there"),
        (aws.landing, "status/there"),
    ]
    for place, key in objects:
        aws.put(place, key, b"")
    backups = {
        name: dynamodb.create_backup(TableName=table["TableName"], BackupName="by-hand")["BackupDetails"]["BackupArn"]
        for name, table in tables.items()
    }
    of_snapshot = aws.client("lambda").list_event_source_mappings(FunctionName=aws.functions["snapshot"])
    mappings = {
        "inside": aws.map_stream(streamed(aws)),
        "outside": of_snapshot["EventSourceMappings"][0]["UUID"],
    }
    glue = aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(DatabaseName="other", TableInput={"Name": catalog_name(inside["TableName"])})
    return World(
        landing=aws.landing,
        lake=aws.lake,
        exports=aws.exports,
        bucket=bucket,
        database=aws.database,
        workgroup=aws.workgroup,
        **tables,
        backups=backups,
        functions=aws.functions,
        queues=aws.queues,
        mappings=mappings,
        new=aws.new_name(),
    )
