"""The stack as the soak sees it: the demo's, with queues, streams, mappings and processes."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from demo import cloud as demo
from demo.show import require, until

FUNCTIONS = ("import", "stream", "backup", "compaction", "snapshot")
# Import messages come back that soon: in the template it is 16 minutes.
VISIBILITY_SECONDS = 10


class Cloud(demo.Cloud):
    def __init__(self, functions_endpoint: str, emulator_log: Path) -> None:
        super().__init__()
        config = demo.CONFIG.merge(Config(max_pool_connections=32))
        self.sqs = boto3.client("sqs", config=config)
        self.logs = boto3.client("logs", config=config)
        self.streams = boto3.client("dynamodbstreams", config=config)
        self.functions_endpoint, self.emulator_log = functions_endpoint, emulator_log
        self.function = {name: demo._output(f"{name.upper()}_FUNCTION_NAME") for name in FUNCTIONS}
        # A queue and its dead-letter queue.
        self.queues = {
            name: (demo._output(f"{name.upper()}_QUEUE"), demo._output(f"{name.upper()}_DEAD_LETTER_QUEUE"))
            for name in ("import", "snapshot")
        }
        self.given_up_runs = demo._output("BACKUP_DEAD_LETTER_QUEUE")
        self.come_back_after(VISIBILITY_SECONDS)

    def come_back_after(self, seconds: int) -> None:
        """When a message that was not done with is delivered again."""
        for queue, _ in self.queues.values():
            self.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(seconds)})

    def reports(self, table: str) -> list[dict[str, Any]]:
        """The reports of a table's imports that have ended."""
        reports = self.json_objects(self.landing, f"reports/{table}/")
        return [report for report in reports if report["status"] != "retrying"]

    def ask(self, sql: str) -> list[dict[str, str]]:
        """All rows that Athena answers with, as text; null is empty."""
        started = self.athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": self.database}, WorkGroup=self.workgroup
        )["QueryExecutionId"]

        def ended():
            execution = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            require(execution["Status"]["State"] not in ("FAILED", "CANCELLED"), f"{execution['Status']}\n{sql}")
            return execution["Status"]["State"] == "SUCCEEDED"

        until("Athena's answer", ended)
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=started)
        answered = (row["Data"] for page in pages for row in page["ResultSet"]["Rows"])
        heads, *rows = [[cell.get("VarCharValue", "") for cell in row] for row in answered]
        return [dict(zip(heads, row, strict=True)) for row in rows]

    def messages(self, queue: str, *states: str) -> int:
        names = [f"ApproximateNumberOfMessages{state}" for state in states or ("", "NotVisible", "Delayed")]
        got = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(count) for count in got["Attributes"].values())

    def arn(self, queue: str) -> str:
        got = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return got["Attributes"]["QueueArn"]

    def stream_of(self, table: str) -> str:
        return self.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]

    def mapping(self, table: str) -> dict[str, Any]:
        found = self.functions.list_event_source_mappings(EventSourceArn=self.stream_of(table))
        (mapping,) = found["EventSourceMappings"]
        return mapping

    def stream_records(self, table: str) -> list[dict[str, Any]]:
        """Every record of a table's stream, as Lambda hands it to a function."""
        arn = self.stream_of(table)
        records = []
        for shard in self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = self.streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = self.streams.get_records(ShardIterator=iterator, Limit=1000)
                records += [lambda_record(record, arn) for record in page["Records"]]
                iterator = page.get("NextShardIterator") if page["Records"] else None
        return records

    def processes(self, function: str) -> list[int]:
        """The processes that run a function of this very stack."""
        wanted = {
            f"AWS_LAMBDA_FUNCTION_NAME={self.function[function]}".encode(),
            f"AWS_ENDPOINT_URL={self.functions_endpoint}".encode(),
        }
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted <= set((folder / "environ").read_bytes().split(b"\0")):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def kill(self, function: str) -> int:
        """Ends them as a crash does."""
        killed = 0
        for process in self.processes(function):
            try:
                os.kill(process, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                continue
        return killed

    @contextmanager
    def timeout(self, function: str, seconds: int):
        """A function with another time-out, for a while."""
        name = self.function[function]
        before = self.functions.get_function_configuration(FunctionName=name)["Timeout"]
        self.functions.update_function_configuration(FunctionName=name, Timeout=seconds)
        try:
            yield
        finally:
            self.functions.update_function_configuration(FunctionName=name, Timeout=before)

    def timed_out(self) -> int:
        """How many invocations have run out of time since the emulator started."""
        return self.emulator_log.read_text(errors="replace").count("Task timed out after")

    def log_lines(self, since: float) -> Iterator[str]:
        """What the functions have logged since then."""
        groups = self.logs.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName")
        for group in groups:
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since * 1000)
            )
            yield from (event["message"] for page in pages for event in page["events"])


def lambda_record(record: dict[str, Any], arn: str) -> dict[str, Any]:
    """A record of the streams' API, whose bytes and time boto3 has parsed, as JSON has it again."""
    change = plain(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())
    return plain({**record, "eventSourceARN": arn, "dynamodb": change})


def plain(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list() | set() | tuple():
            return [plain(inner) for inner in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return str(value)


def event(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"Records": records}).encode()
