"""The stack's tables, its change feed, and Athena, as anyone with the AWS SDK uses them."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from canonical import Item

PATIENCE_SECONDS = 120
CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}, read_timeout=PATIENCE_SECONDS)
Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """What GetQueryResults says: all values are text, and null is no text at all."""

    types: dict[str, str]
    rows: list[dict[str, str | None]]


class Stack:
    """The deployed stack, from the environment that `local/aws run` and `local/aws up` give."""

    def __init__(self) -> None:
        self.database, self._workgroup = _output("DATABASE"), _output("WORKGROUP")
        self._landing = _output("LANDING_BUCKET")
        self._s3 = boto3.client("s3", config=CONFIG)
        self._dynamodb = boto3.client("dynamodb", config=CONFIG)
        self._athena = boto3.client("athena", config=CONFIG)

    def make_table(self, name: str) -> None:
        """A table with its change feed: the table of an import, of one line that is then deleted."""
        self._s3.put_object(
            Bucket=self._landing,
            Key=f"imports/{name}.jsonl",
            Body=b'{"pk":"seed","sk":0}',
            Metadata={"partition-key": "pk", "sort-key": "sk"},
        )
        key = {"pk": {"S": "seed"}, "sk": {"N": "0"}}
        until(f"the table {name}", lambda: self._get(name, key))
        self._dynamodb.delete_item(TableName=name, Key=key)

    def _get(self, table: str, key: Item) -> Item | None:
        try:
            return self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return None

    def put(self, table: str, item: dict[str, Any]) -> None:
        self._dynamodb.put_item(TableName=table, Item=item)

    def delete(self, table: str, key: dict[str, Any]) -> None:
        self._dynamodb.delete_item(TableName=table, Key=key)

    def query(self, sql: str) -> Answer:
        started = self._athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": self.database}, WorkGroup=self._workgroup
        )["QueryExecutionId"]
        until("Athena's answer", lambda: self._is_finished(started, sql))
        pages = list(self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=started))
        info = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        names = [column["Name"] for column in info]
        cells = [
            [cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]
        ]
        heads, *rows = cells
        assert heads == names, "the first row names the columns"
        types = {column["Name"]: column["Type"] for column in info}
        return Answer(types, [dict(zip(names, row, strict=True)) for row in rows])

    def _is_finished(self, query: str, sql: str) -> bool:
        status = self._athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        assert status["State"] not in ("FAILED", "CANCELLED"), f"{status.get('StateChangeReason')}\n{sql}"
        return status["State"] == "SUCCEEDED"


def until(what: str, look: Callable[[], Found]) -> Found:
    """Looks until there is something to see, and gives it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what}: not so within {PATIENCE_SECONDS} seconds"
        time.sleep(0.2)
    return seen


def _output(name: str) -> str:
    variable = f"HEADWATER_{name}"
    if variable not in os.environ:
        raise RuntimeError(f"{variable} is not set: there is no stack to ask. Run this with: local/aws test-readers")
    return os.environ[variable]
