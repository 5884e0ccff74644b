"""Two emulators for the whole run: one as `local/aws up` starts it, and one without the corrections."""

import json
import sys
import time
import uuid
import zipfile
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).parents[1]))

from stack import emulator, process
from stack.state import Stack

PATIENCE = 30.0

# Notes every event in a file, and then does what the first record or body asks for.
RECORDER = """
import json, os, signal, time

def handler(event, context):
    with open(os.environ["EVENTS"], "a") as events:
        events.write(json.dumps(event) + "\\n")
    with open(os.environ["EVENTS"] + ".requests", "a") as requests:
        requests.write(context.aws_request_id + "\\n")
    behaviour = json.loads(os.environ.get("BEHAVIOUR", "{}"))
    return act(event, behaviour)

def act(event, behaviour):
    records = event["Records"] if isinstance(event, dict) and "Records" in event else []
    text = contents(records)
    if "slow" in behaviour and behaviour["slow"] in text:
        time.sleep(behaviour["seconds"])
    if "poison" in behaviour and behaviour["poison"] in text:
        raise ValueError("poison")
    if "kill" in behaviour and behaviour["kill"] in text and not os.path.exists(os.environ["EVENTS"] + ".killed"):
        open(os.environ["EVENTS"] + ".killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if "report" in behaviour:
        failed = [record for record in records if behaviour["report"] in contents(record)]
        return {"batchItemFailures": [{"itemIdentifier": identifier(record)} for record in failed]}
    return behaviour.get("answer")

# What the test wrote. Identifiers are random hexadecimal digits, which spell "bad" now and then.
def contents(records):
    kept = lambda pairs: {name: value for name, value in pairs if name not in ("eventID", "messageId", "receiptHandle")}
    return json.dumps(json.loads(json.dumps(records), object_pairs_hook=kept))

def identifier(record):
    return record["messageId"] if "messageId" in record else record["dynamodb"]["SequenceNumber"]
"""


class Cloud:
    """Clients of one emulator, and the few things that every test makes."""

    def __init__(self, stack: Stack, folder: Path):
        self.folder = folder
        self.session = boto3.Session(stack.access_key_id, stack.secret_access_key, region_name=stack.region)
        self.endpoint = stack.endpoint
        self.role = self.make_role({"Effect": "Allow", "Action": "*", "Resource": "*"})

    def client(self, service: str):
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return self.session.client(service, endpoint_url=self.endpoint, config=config)

    def make_role(self, *statements: dict) -> str:
        name = unique("role")
        trust = {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.client("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return role["Role"]["Arn"]

    def make_bucket(self) -> str:
        name = unique("bucket")
        self.client("s3").create_bucket(Bucket=name)
        return name

    def make_table(self, **options) -> dict:
        return self.client("dynamodb").create_table(
            TableName=unique("table"),
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **options,
        )["TableDescription"]

    def put(self, table: dict, *ids: str) -> None:
        """In one request, so that no poll sees only some of them."""
        requests = [{"PutRequest": {"Item": {"id": {"S": identifier}}}} for identifier in ids]
        self.client("dynamodb").batch_write_item(RequestItems={table["TableName"]: requests})

    def make_function(self, behaviour: dict | None = None, role: str | None = None) -> "Function":
        name = unique("function")
        events = self.folder / f"{name}.events"
        package = BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("recorder.py", RECORDER)
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="recorder.handler",
            Role=role or self.role,
            Code={"ZipFile": package.getvalue()},
            Timeout=30,
            Environment={"Variables": {"EVENTS": str(events), "BEHAVIOUR": json.dumps(behaviour or {})}},
        )
        return Function(name, events)

    def map_stream(self, table: dict, function: "Function", **options) -> str:
        return self.client("lambda").create_event_source_mapping(
            EventSourceArn=table["LatestStreamArn"],
            FunctionName=function.name,
            StartingPosition="TRIM_HORIZON",
            **options,
        )["UUID"]

    def make_queue(self, **attributes: str) -> tuple[str, str]:
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=unique("queue"), Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    def receive(self, url: str) -> dict | None:
        messages = self.client("sqs").receive_message(QueueUrl=url).get("Messages")
        return json.loads(messages[0]["Body"]) if messages else None


class Function:
    """A function that notes its events, and what it has noted."""

    def __init__(self, name: str, events: Path):
        self.name = name
        self._events = events

    def events(self) -> list[dict]:
        if not self._events.exists():
            return []
        # The last line may still be on its way.
        lines = self._events.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def requests(self) -> list[str]:
        """The request id of each invocation."""
        return self._events.with_name(f"{self._events.name}.requests").read_text().split()

    def batches(self) -> list[list[str]]:
        """The keys of the changes that each invocation was given."""
        return [[record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]] for event in self.events()]


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def eventually(look, expected=None, patience: float = PATIENCE):
    """Looks until it finds something, or what is expected; and fails with what it saw last."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if seen == expected if expected is not None else seen:
            return seen
        assert time.monotonic() < deadline, f"saw {seen!r} and waited for {expected!r}"
        time.sleep(0.05)


def _cloud(tmp_path_factory, uncorrected: bool):
    folder = tmp_path_factory.mktemp("emulator")
    stack = emulator.start(folder / "state", uncorrected)
    try:
        yield Cloud(stack, folder)
    finally:
        process.stop(stack.pid, stack.began)


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    """The emulator with its corrections."""
    yield from _cloud(tmp_path_factory, uncorrected=False)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The emulator without them, to see that they are still needed."""
    yield from _cloud(tmp_path_factory, uncorrected=True)
