"""The stack as the demo's steps use it."""

import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .show import Unmet, until

CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}, read_timeout=120)


class Cloud:
    """Clients and names of a deployed stack, from its environment."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", config=CONFIG)
        self.dynamodb = boto3.client("dynamodb", config=CONFIG)
        self.athena = boto3.client("athena", config=CONFIG)
        self.functions = boto3.client("lambda", config=CONFIG)
        self.landing = _output("LANDING_BUCKET")
        self.lake = _output("LAKE_BUCKET")
        self.exports = _output("EXPORTS_BUCKET")
        self.database = _output("DATABASE")
        self.workgroup = _output("WORKGROUP")
        self.backup_function = _output("BACKUP_FUNCTION_NAME")

    def drop(self, name: str, body: bytes, **metadata: str) -> str:
        """Puts an object where imports are dropped, and gives its version."""
        metadata = {key.replace("_", "-"): value for key, value in metadata.items()}
        put = self.s3.put_object(Bucket=self.landing, Key=f"imports/{name}", Body=body, Metadata=metadata)
        return put["VersionId"]

    def report(self, table: str, version: str) -> dict[str, Any]:
        """The finished report of one import."""

        def look():
            for report in self.json_objects(self.landing, f"reports/{table}/"):
                if report["source"].get("version") == version:
                    return report
            return None

        return until(f"the report of {table}", look)

    def json_objects(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        return [json.loads(self.read(bucket, key)) for key in self.keys(bucket, prefix)]

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(self, bucket: str, key: str) -> bytes:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def download(self, bucket: str, prefix: str, folder: Path) -> int:
        """Copies the objects below a prefix into a folder that is there, and counts them."""
        keys = self.keys(bucket, prefix)
        for key in keys:
            (folder / key.rsplit("/", 1)[1]).write_bytes(self.read(bucket, key))
        return len(keys)

    def items(self, table: str) -> list[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def query(self, sql: str) -> tuple[list[str], list[list[str | None]]]:
        """Asks Athena and gives heads and rows, all as text."""
        started = self.athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": self.database}, WorkGroup=self.workgroup
        )
        identity = started["QueryExecutionId"]

        def look():
            status = self.athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Status"]
            if status["State"] in ("FAILED", "CANCELLED"):
                raise Unmet(f"Athena says: {status.get('StateChangeReason')}\n{sql}")
            return status["State"] == "SUCCEEDED"

        until("Athena's answer", look)
        results = self.athena.get_query_results(QueryExecutionId=identity)["ResultSet"]["Rows"]
        heads, *rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in results]
        return heads, rows

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Unmet(f"{function} failed: {payload.get('errorMessage', payload)}")
        return payload


def _output(name: str) -> str:
    variable = f"HEADWATER_{name}"
    if variable not in os.environ:
        raise SystemExit(f"{variable} is not set. Run the demo with: make demo")
    return os.environ[variable]
