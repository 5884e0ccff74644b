"""What each role must not do, and the twin that it may: without the twin a denial could come from anything.

| | forbidden | allowed |
|---|---|---|
| `Denial(…, forbidden, allowed)` | the call with these arguments | the same call with those |
| `Denial(…, forbidden, allowed, by)` | the call with these arguments | another call, of the same role |

Backups are not among what IAM can tell apart by name: an ARN has the table and a number. That only Headwater's own are
removed is for the function to see to, and `tests/e2e/backup.rs` looks at it.
"""

from collections.abc import Callable
from dataclasses import dataclass

Arguments = Callable[["World"], dict]


@dataclass(frozen=True)
class World:
    """What there is to be touched."""

    landing: str
    lake: str
    exports: str
    # Of someone else.
    bucket: str
    database: str
    workgroup: str
    # Tables, with streams, recovery and the catalog's tables of their changes.
    inside: dict
    outside: dict
    # A backup of each, which nobody of Headwater has made.
    backups: dict[str, str]
    functions: dict[str, str]
    queues: dict[str, str]
    # Mappings to `stream`, and to another function.
    mappings: dict[str, str]
    # A name that no table has yet.
    new: str


@dataclass(frozen=True)
class Denial:
    function: str
    what: str
    # A call: service and operation, as boto3 has them.
    call: str
    forbidden: Arguments
    allowed: Arguments
    # The call that is allowed, if it is another.
    by: str = ""


def table(name: str) -> Arguments:
    return lambda world: {"TableName": getattr(world, name)["TableName"]}


def on(bucket: str, key: str, **more) -> Arguments:
    """An object of one of the buckets."""
    return lambda world: {"Bucket": getattr(world, bucket), "Key": key} | more


def below(bucket: str, prefix: str) -> Arguments:
    return lambda world: {"Bucket": getattr(world, bucket), "Prefix": prefix}


def written(name: str) -> Arguments:
    request = {"PutRequest": {"Item": {"id": {"S": "written"}}}}
    return lambda world: {"RequestItems": {getattr(world, name)["TableName"]: [request]}}


def key(name: str) -> Arguments:
    return lambda world: table(name)(world) | {"Key": {"id": {"S": "a"}}}


def definition(name: Callable[[World], str]) -> Arguments:
    return lambda world: {
        "TableName": name(world),
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


def recovery(name: str) -> Arguments:
    specification = {"PointInTimeRecoveryEnabled": True}
    return lambda world: table(name)(world) | {"PointInTimeRecoverySpecification": specification}


def exported(name: str) -> Arguments:
    return lambda world: {
        "TableArn": getattr(world, name)["TableArn"],
        "S3Bucket": world.exports,
        "S3Prefix": "denials",
    }


def backed_up(name: str) -> Arguments:
    return lambda world: table(name)(world) | {"BackupName": "by-hand"}


def backup(name: str) -> Arguments:
    return lambda world: {"BackupArn": world.backups[name]}


def stream(name: str) -> Arguments:
    return lambda world: {"StreamArn": getattr(world, name)["LatestStreamArn"]}


def mapped(function: str) -> Arguments:
    return lambda world: {
        "EventSourceArn": world.inside["LatestStreamArn"],
        "FunctionName": world.functions[function],
        "StartingPosition": "TRIM_HORIZON",
        "Enabled": False,
    }


def mapping(name: str) -> Arguments:
    return lambda world: {"UUID": world.mappings[name], "Enabled": False}


def message(queue: str) -> Arguments:
    return lambda world: {"QueueUrl": world.queues[queue], "MessageBody": "{}"}


def catalog_table(kind: str, database: str = "") -> Arguments:
    return lambda world: {
        "DatabaseName": database or world.database,
        "Name": world.inside["TableName"].replace("-", "_") + kind,
    }


def catalog_input(kind: str) -> Arguments:
    return lambda world: {
        "DatabaseName": world.database,
        "TableInput": {"Name": world.inside["TableName"].replace("-", "_") + kind},
    }


def query(workgroup: str = "") -> Arguments:
    return lambda world: {"QueryString": "SELECT 1", "WorkGroup": workgroup or world.workgroup}


def invoked(function: str) -> Arguments:
    return lambda world: {"FunctionName": world.functions[function], "Payload": b"{}"}


PUT = {"Body": b""}
CREATE_MAPPING, UPDATE_MAPPING = "lambda.create_event_source_mapping", "lambda.update_event_source_mapping"
GET, LIST, VERSIONS = "s3.get_object", "s3.list_objects_v2", "s3.list_object_versions"
DENIALS = [
    # import: makes tables below the prefix, and never reads or removes one.
    Denial("import", "a table outside the prefix", "dynamodb.describe_table", table("outside"), table("inside")),
    Denial("import", "items of it", "dynamodb.batch_write_item", written("outside"), written("inside")),
    Denial(
        "import",
        "a new table outside the prefix",
        "dynamodb.create_table",
        definition(lambda world: "other-new"),
        definition(lambda world: world.new),
    ),
    Denial("import", "recovery outside", "dynamodb.update_continuous_backups", recovery("outside"), recovery("inside")),
    Denial(
        "import", "items to read", "dynamodb.get_item", key("inside"), written("inside"), "dynamodb.batch_write_item"
    ),
    Denial(
        "import",
        "a table to delete",
        "dynamodb.delete_table",
        table("inside"),
        table("inside"),
        "dynamodb.describe_table",
    ),
    Denial("import", "another bucket", GET, on("bucket", "there"), on("exports", "there")),
    Denial("import", "files of the lake's state", GET, on("lake", "state/there"), on("lake", "changes/there")),
    Denial("import", "the list of them", LIST, below("lake", "state/"), below("lake", "changes/")),
    Denial("import", "the list of all of them", LIST, below("lake", ""), below("lake", "changes/")),
    Denial("import", "versions of reports", VERSIONS, below("landing", "reports/"), below("landing", "imports/")),
    Denial("import", "reports to read", GET, on("landing", "reports/there"), on("landing", "status/there")),
    Denial(
        "import",
        "files to be imported",
        "s3.put_object",
        on("landing", "imports/x", **PUT),
        on("landing", "status/x", **PUT),
    ),
    Denial(
        "import", "the lake to write", "s3.put_object", on("lake", "changes/x", **PUT), on("landing", "status/x", **PUT)
    ),
    Denial(
        "import", "dropped files to remove", "s3.delete_object", on("landing", "imports/x"), on("landing", "staging/x")
    ),
    Denial("import", "a mapping to another function", CREATE_MAPPING, mapped("backup"), mapped("stream")),
    Denial("import", "a mapping of another function", UPDATE_MAPPING, mapping("outside"), mapping("inside")),
    Denial("import", "another queue", "sqs.send_message", message("snapshot"), message("import")),
    Denial(
        "import", "another database", "glue.get_table", catalog_table("__changes", "other"), catalog_table("__changes")
    ),
    Denial(
        "import",
        "the catalog to change",
        "glue.update_table",
        catalog_input("__changes"),
        catalog_table("__changes"),
        "glue.get_table",
    ),
    Denial("import", "a function to call", "lambda.invoke", invoked("backup"), message("import"), "sqs.send_message"),
    # stream: writes, and reads nothing that it was not given.
    Denial(
        "stream",
        "what was dropped",
        GET,
        on("landing", "status/there"),
        on("lake", "changes/x", **PUT),
        "s3.put_object",
    ),
    Denial(
        "stream", "its own files", GET, on("lake", "changes/there"), on("lake", "changes/x", **PUT), "s3.put_object"
    ),
    Denial("stream", "the lake's state", "s3.put_object", on("lake", "state/x", **PUT), on("lake", "changes/x", **PUT)),
    Denial(
        "stream",
        "the quarantine of another",
        "s3.put_object",
        on("lake", "quarantine/snapshot/x", **PUT),
        on("lake", "quarantine/stream/x", **PUT),
    ),
    Denial(
        "stream",
        "files to remove",
        "s3.delete_object",
        on("lake", "changes/x"),
        on("lake", "changes/x", **PUT),
        "s3.put_object",
    ),
    Denial("stream", "a stream outside", "dynamodbstreams.describe_stream", stream("outside"), stream("inside")),
    Denial("stream", "items", "dynamodb.get_item", key("inside"), stream("inside"), "dynamodbstreams.describe_stream"),
    Denial("stream", "snapshots' columns", "glue.get_table", catalog_table("__snapshot"), catalog_table("__changes")),
    Denial(
        "stream",
        "a table of the catalog",
        "glue.create_table",
        catalog_input("__changes"),
        catalog_table("__changes"),
        "glue.get_table",
    ),
    # backup: removes backups of its tables, and no data else.
    Denial("backup", "a foreign backup to delete", "dynamodb.delete_backup", backup("outside"), backup("inside")),
    Denial("backup", "a backup outside", "dynamodb.create_backup", backed_up("outside"), backed_up("inside")),
    Denial(
        "backup", "an export outside", "dynamodb.export_table_to_point_in_time", exported("outside"), exported("inside")
    ),
    Denial("backup", "recovery outside", "dynamodb.update_continuous_backups", recovery("outside"), recovery("inside")),
    Denial(
        "backup",
        "a table to delete",
        "dynamodb.delete_table",
        table("inside"),
        table("inside"),
        "dynamodb.describe_table",
    ),
    Denial("backup", "items", "dynamodb.get_item", key("inside"), table("inside"), "dynamodb.describe_table"),
    Denial("backup", "exports to read", GET, on("exports", "there"), on("exports", "x", **PUT), "s3.put_object"),
    Denial("backup", "another bucket", "s3.put_object", on("bucket", "x", **PUT), on("exports", "x", **PUT)),
    Denial("backup", "what was dropped", GET, on("landing", "status/there"), on("lake", "changes/there")),
    Denial("backup", "quarantine", GET, on("lake", "quarantine/there"), on("lake", "state/backup/there")),
    Denial(
        "backup",
        "files to remove",
        "s3.delete_object",
        on("lake", "changes/x"),
        on("lake", "state/backup/x", **PUT),
        "s3.put_object",
    ),
    Denial(
        "backup",
        "change files to write",
        "s3.put_object",
        on("lake", "changes/x", **PUT),
        on("lake", "state/backup/x", **PUT),
    ),
    Denial(
        "backup",
        "reports of merging",
        "s3.put_object",
        on("lake", "reports/compaction/x", **PUT),
        on("lake", "reports/backup/x", **PUT),
    ),
    Denial("backup", "a function to call", "lambda.invoke", invoked("import"), invoked("compaction")),
    Denial(
        "backup",
        "what the snapshot function notes",
        "s3.put_object",
        on("lake", "state/snapshot/x", **PUT),
        on("lake", "state/backup/x", **PUT),
    ),
    Denial("backup", "a mapping to another function", CREATE_MAPPING, mapped("import"), mapped("stream")),
    Denial("backup", "a mapping of another function", UPDATE_MAPPING, mapping("outside"), mapping("inside")),
    Denial("backup", "another workgroup", "athena.start_query_execution", query("primary"), query()),
    Denial("backup", "another queue", "sqs.send_message", message("import"), message("backup")),
    # compaction: knows the change files, and nothing else.
    Denial("compaction", "what was dropped", GET, on("landing", "status/there"), on("lake", "changes/there")),
    Denial("compaction", "quarantine", GET, on("lake", "quarantine/there"), on("lake", "changes/there")),
    Denial("compaction", "snapshots to remove", "s3.delete_object", on("lake", "snapshots/x"), on("lake", "changes/x")),
    Denial(
        "compaction",
        "what backup has claimed",
        "s3.put_object",
        on("lake", "state/backup/x", **PUT),
        on("lake", "state/compaction/x", **PUT),
    ),
    Denial("compaction", "a table", "dynamodb.describe_table", table("inside"), on("lake", "changes/there"), GET),
    Denial(
        "compaction", "the catalog", "glue.get_table", catalog_table("__changes"), on("lake", "changes/there"), GET
    ),
    # snapshot: reads exports, and writes what becomes of them.
    Denial("snapshot", "what was dropped", GET, on("landing", "status/there"), on("exports", "there")),
    Denial("snapshot", "change files", GET, on("lake", "changes/there"), on("lake", "state/snapshot/there")),
    Denial(
        "snapshot",
        "changes to write",
        "s3.put_object",
        on("lake", "changes/x", **PUT),
        on("lake", "snapshots/x", **PUT),
    ),
    Denial(
        "snapshot", "exports to write", "s3.put_object", on("exports", "x", **PUT), on("lake", "increments/x", **PUT)
    ),
    Denial(
        "snapshot",
        "files to remove",
        "s3.delete_object",
        on("lake", "snapshots/x"),
        on("lake", "snapshots/x", **PUT),
        "s3.put_object",
    ),
    Denial("snapshot", "a table outside", "dynamodb.describe_table", table("outside"), table("inside")),
    Denial("snapshot", "items", "dynamodb.get_item", key("inside"), table("inside"), "dynamodb.describe_table"),
    Denial("snapshot", "views", "glue.get_table", catalog_table(""), catalog_table("__changes")),
    Denial("snapshot", "another queue", "sqs.send_message", message("import"), message("snapshot")),
]
