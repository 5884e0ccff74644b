"""What the lake holds of a table, held against the table and its stream."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from demo.items import comparable
from demo.steps import CHANGES_TO_ITEMS

from .cloud import Cloud


@dataclass
class Found:
    """What a table's change files hold, and what they lack or have too much of."""

    rows: int = 0
    changes: int = 0
    losses: int = 0
    problem: str = ""


class Lake:
    """The change files of one table, fetched as they come."""

    def __init__(self, cloud: Cloud, table: str) -> None:
        self.cloud, self.table = cloud, table
        self._folder = tempfile.TemporaryDirectory(prefix="soak-")
        self._tags: dict[str, str] = {}

    def fetch(self) -> Path:
        folder = Path(self._folder.name)
        pages = self.cloud.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.cloud.lake, Prefix=f"changes/{self.table}/"
        )
        for page in pages:
            for entry in page.get("Contents", []):
                key, tag = entry["Key"], entry["ETag"]
                if self._tags.get(key) != tag:
                    (folder / key.rsplit("/", 1)[1]).write_bytes(self.cloud.read(self.cloud.lake, key))
                    self._tags[key] = tag
        return folder

    def sequences(self) -> list[tuple[str, str]]:
        """Stream and sequence number of every row, repeated ones as often as they stand."""
        folder = self.fetch()
        if not self._tags:
            return []
        sql = f"SELECT _stream, ltrim(_seq, '0') FROM read_parquet('{folder}/*.parquet', union_by_name=true)"
        return duckdb.sql(sql).fetchall()

    def compare(self) -> Found:
        """Every record of the stream once, nothing else, and the items that the table has."""
        rows = self.sequences()
        distinct = {sequence for _, sequence in rows}
        records = {record["dynamodb"]["SequenceNumber"].lstrip("0") for record in self.cloud.stream_records(self.table)}
        missing, invented = len(records - distinct), len(distinct - records)
        if missing or invented:
            problem = f"{self.table}: of {len(records):,} changes {missing} are not in the lake, {invented} are only there"
            return Found(len(rows), len(distinct), missing + invented, problem)
        rebuilt, there = self._rebuilt(), {comparable(item) for item in self.cloud.items(self.table)}
        if rebuilt == there:
            return Found(len(rows), len(distinct))
        problem = f"{self.table}: {len(rebuilt - there)} items only rebuilt, {len(there - rebuilt)} only in the table"
        return Found(len(rows), len(distinct), len(rebuilt ^ there), problem)

    def _rebuilt(self) -> set[str]:
        answer = subprocess.run([CHANGES_TO_ITEMS, self._folder.name], capture_output=True, check=True)
        return {comparable(json.loads(line)["Item"]) for line in answer.stdout.splitlines()}
