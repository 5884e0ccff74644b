"""The deployed stack, as the scenarios use it.

Functions are called directly: the mappings of their queues are off while the tests run, so that whatever a function
does is done for the one scenario that asked for it, and messages that it sends itself are delivered by hand.
"""

import base64
import contextlib
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

STACK = "headwater"
# What the stack is deployed with, see `local/aws test-permissions`: a table whose name begins otherwise is none of its
# business, and one whose name begins with this and a word is found by that.
PREFIX = "least-"
NAMED = "named"
PATIENCE = 20.0
CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=120)
FUNCTIONS = ("import", "stream", "backup", "compaction", "snapshot")


class Broken(Exception):
    """A scenario did not come to what it should; with what was told of it."""


class Deployed:
    def __init__(self):
        self._clients = {}
        # Not the names of another run on the same stack.
        self._counted = itertools.count(int(time.time()) % 100_000 * 1000)
        self.landing, self.lake = os.environ["HEADWATER_LANDING_BUCKET"], os.environ["HEADWATER_LAKE_BUCKET"]
        self.exports, self.database = os.environ["HEADWATER_EXPORTS_BUCKET"], os.environ["HEADWATER_DATABASE"]
        self.workgroup = os.environ["HEADWATER_WORKGROUP"]
        self.functions = {name: os.environ[f"HEADWATER_{name.upper()}_FUNCTION_NAME"] for name in FUNCTIONS}
        queues = {"import": "IMPORT", "snapshot": "SNAPSHOT", "backup": "BACKUP_DEAD_LETTER"}
        self.queues = {function: os.environ[f"HEADWATER_{queue}_QUEUE"] for function, queue in queues.items()}

    def client(self, service: str):
        if service not in self._clients:
            self._clients[service] = boto3.client(service, config=CONFIG)
        return self._clients[service]

    def new_name(self, kind: str = "table") -> str:
        return f"{PREFIX}{kind}-{next(self._counted)}"

    # ---- Functions and their queues

    def invoke(self, function: str, event: dict) -> dict:
        """The function's answer. Its error, or a message that it gives back to the queue, breaks the scenario."""
        answer = self.client("lambda").invoke(
            FunctionName=self.functions[function], Payload=json.dumps(event), LogType="Tail"
        )
        payload = json.loads(answer["Payload"].read())
        failures = payload.get("batchItemFailures") if isinstance(payload, dict) else None
        if answer.get("FunctionError") or failures:
            log = base64.b64decode(answer.get("LogResult", "")).decode()
            raise Broken(f"{json.dumps(payload)}\n{log}")
        return payload

    def function_arn(self, function: str) -> str:
        return self.client("lambda").get_function_configuration(FunctionName=self.functions[function])["FunctionArn"]

    def deliver(self, function: str, *bodies: str) -> None:
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        self.invoke(function, {"Records": records})

    def created(self, bucket: str, key: str, version: str | None = None) -> str:
        """The message that tells of a new object."""
        told = {"key": key, "size": self.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"]}
        told |= {"version-id": version} if version else {}
        detail = {"bucket": {"name": bucket}, "object": told}
        return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})

    def sent(self, function: str) -> list[str]:
        """Takes what the function has sent to its own queue, and throws away what EventBridge did."""
        bodies = []
        while received := self.received(function):
            bodies += received
        return [body for body in bodies if "detail" not in json.loads(body)]

    def received(self, function: str) -> list[str]:
        """Takes some messages from its queue; of `backup`, which has none, from where failed events go."""
        sqs, url = self.client("sqs"), self.queues[function]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def restart(self, function: str) -> None:
        """What a process remembers, such as that the catalog did not answer, is forgotten."""
        client, name = self.client("lambda"), self.functions[function]
        memory = client.get_function_configuration(FunctionName=name)["MemorySize"]
        client.update_function_configuration(FunctionName=name, MemorySize=memory)
        until(lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] != "InProgress")

    def map_queue(self, function: str) -> None:
        """Maps a function's queue to it anew, switched off."""
        client, name = self.client("lambda"), self.functions[function]
        queue = self.client("sqs").get_queue_attributes(QueueUrl=self.queues[function], AttributeNames=["QueueArn"])
        for mapping in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            client.delete_event_source_mapping(UUID=mapping["UUID"])
        until(lambda: not client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"])
        try:
            client.create_event_source_mapping(
                EventSourceArn=queue["Attributes"]["QueueArn"], FunctionName=name, Enabled=False
            )
        except ClientError as error:
            raise Broken(str(error)) from error

    def map_stream(self, table: dict) -> str:
        """Maps a table's stream to the stream function as the others do it, but switched off, and anew if it is mapped."""
        self.unmap(table["TableName"])
        try:
            made = self.client("lambda").create_event_source_mapping(
                EventSourceArn=table["LatestStreamArn"],
                FunctionName=self.functions["stream"],
                StartingPosition="TRIM_HORIZON",
                Enabled=False,
                DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{self.lake}"}},
            )
        except ClientError as error:
            raise Broken(str(error)) from error
        return made["UUID"]

    def mappings(self, table: str) -> list[dict]:
        stream = self.describe(table).get("LatestStreamArn")
        found = self.client("lambda").list_event_source_mappings(EventSourceArn=stream) if stream else {}
        return found.get("EventSourceMappings", [])

    def unmap(self, table: str) -> None:
        for mapping in self.mappings(table):
            self.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])

    # ---- Objects

    def put(self, bucket: str, key: str, body: bytes | str, **metadata: str) -> str | None:
        """Writes an object, and gives its version."""
        put = self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)
        return put.get("VersionId")

    def read(self, bucket: str, key: str) -> bytes:
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def remove(self, bucket: str, prefix: str) -> None:
        for key in self.keys(bucket, prefix):
            self.client("s3").delete_object(Bucket=bucket, Key=key)

    @contextlib.contextmanager
    def no_upload_left(self, bucket: str) -> Iterator[None]:
        """What is begun to be uploaded meanwhile is whole in the end, or gone."""
        self._abort_uploads(bucket)
        yield
        left = self._abort_uploads(bucket)
        expect(not left, f"parts of {left} uploads are left")

    def _abort_uploads(self, bucket: str) -> int:
        s3 = self.client("s3")
        left = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        for upload in left:
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return len(left)

    # ---- The catalog

    def drop_catalog_table(self, name: str) -> None:
        with contextlib.suppress(self.client("glue").exceptions.EntityNotFoundException):
            self.client("glue").delete_table(DatabaseName=self.database, Name=name)

    def drop_views(self, table: str) -> None:
        for suffix in ("", "__history"):
            self.drop_catalog_table(table.replace("-", "_") + suffix)

    def forget_columns(self, name: str) -> None:
        """Takes the columns of attributes out of a table of the catalog, and what it knows of them."""
        glue = self.client("glue")
        table = glue.get_table(DatabaseName=self.database, Name=name)["Table"]
        kept = ("Name", "Description", "TableType", "PartitionKeys", "Parameters", "StorageDescriptor")
        given = {field: table[field] for field in kept if field in table}
        storage = given["StorageDescriptor"]
        storage["Columns"] = [column for column in storage["Columns"] if column["Name"].startswith("_")]
        of_columns = "headwater.column."
        given["Parameters"] = {key: text for key, text in table["Parameters"].items() if not key.startswith(of_columns)}
        glue.update_table(DatabaseName=self.database, TableInput=given)

    # ---- Tables

    def describe(self, table: str) -> dict:
        return self.client("dynamodb").describe_table(TableName=table)["Table"]

    def make_table(self, name: str, *ids: str, tags: dict[str, str] | None = None, **options) -> dict:
        dynamodb = self.client("dynamodb")
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            **options,
        )
        until(lambda: self.describe(name)["TableStatus"] == "ACTIVE")
        for identifier in ids:
            dynamodb.put_item(TableName=name, Item={"id": {"S": identifier}})
        return self.describe(name)

    def drop_table(self, name: str) -> None:
        """With its mappings: nothing polls for a table whose scenario is over."""
        dynamodb = self.client("dynamodb")
        try:
            self.unmap(name)
            if self.describe(name).get("DeletionProtectionEnabled"):
                dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.delete_table(TableName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "ResourceInUseException"):
                raise


def expect(holds: object, *told: object) -> None:
    if not holds:
        raise Broken(" ".join(text if isinstance(text, str) else json.dumps(text, default=str) for text in told))


def until(look: Callable, patience: float = PATIENCE):
    """Looks until there is something to see, and gives it."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise Broken(f"nothing to see within {patience:.0f} s")
        time.sleep(0.05)
    return seen


def moment(**ago: float) -> str:
    """A time as events have it."""
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
