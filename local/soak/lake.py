"""What the lake's change files hold of a table, held against the table and its stream."""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from demo.items import comparable
from demo.show import require
from demo.steps import CHANGES_TO_ITEMS

from .cloud import Cloud

# A change as files and views show it: stream, sequence number, operation, key, hash.
Change = tuple[str, str, str, str, str]


@dataclass
class Found:
    """What a table's change files hold, and what they lack or have too much of."""

    rows: int = 0
    changes: set[Change] = field(default_factory=set)
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

    def rows(self) -> list[Change]:
        """Every row, repeated ones as often as they stand."""
        folder = self.fetch()
        if not self._tags:
            return []
        columns = "_stream, _seq, _op, _key, coalesce(CAST(_hash AS VARCHAR), '')"
        sql = f"SELECT {columns} FROM read_parquet('{folder}/*.parquet', union_by_name=true)"
        with duckdb.connect() as connection:
            return connection.sql(sql).fetchall()

    def compare(self, items: list[dict]) -> Found:
        """Every record of the stream once, nothing else, and the items that the table has."""
        rows = self.rows()
        found = Found(len(rows), set(rows))
        in_lake = {sequence.lstrip("0") for _, sequence, *_ in found.changes}
        records = {record["dynamodb"]["SequenceNumber"].lstrip("0") for record in self.cloud.stream_records(self.table)}
        missing, invented = len(records - in_lake), len(in_lake - records)
        torn = len(found.changes) - len(in_lake)
        if missing or invented or torn:
            found.losses = missing + invented + torn
            found.problem = (
                f"{self.table}: of {len(records):,} changes {missing} are not in the lake, {invented} are only there, "
                f"{torn} are there in more than one form"
            )
            return found
        rebuilt = {comparable(item) for item in items_of(self._folder.name)}
        there = {comparable(item) for item in items}
        if rebuilt != there:
            found.losses = len(rebuilt ^ there)
            found.problem = f"{self.table}: {len(rebuilt - there)} items only rebuilt, {len(there - rebuilt)} only in the table"
        return found


def items_of(folder: str) -> list[dict]:
    """The items that the files of a folder make: each row is read back and held against its hash."""
    answer = subprocess.run([CHANGES_TO_ITEMS, folder], capture_output=True)
    require(answer.returncode == 0, f"the files cannot be read back: {answer.stderr.decode().strip()}")
    return [json.loads(line)["Item"] for line in answer.stdout.splitlines()]


def merged(cloud: Cloud, table: str) -> set[str]:
    """The change files that were merged of others, which stay beside them for an hour."""
    notes = cloud.json_objects(cloud.lake, f"state/compaction/{table}/")
    # A file that is left alone for good is noted as its own.
    return {note["output"] for note in notes if note["output"] not in (entry["key"] for entry in note["inputs"])}
