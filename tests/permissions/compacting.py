"""What the compaction function is for."""

import functools
import json
import time

import backing_up
import streaming
from deployed import Deployed, expect, moment


def run(aws: Deployed, table: str, **ago: float) -> dict:
    """A run that is of one table, and its report of it."""
    (told,) = aws.invoke("compaction", {"compactionTime": moment(**ago), "tables": [table]})["tables"]
    return told


def compacted(aws: Deployed) -> None:
    """Small files become one; an hour later they are removed."""
    table, _ = backing_up.with_change_files(aws, "compacted")
    told = run(aws, table, seconds=time.time() % 3600 - 3600)
    expect(told["merged"]["files"] == backing_up.CHANGES, told)
    note = "".join(aws.keys(aws.lake, f"state/compaction/{table}/"))
    noted = json.loads(aws.read(aws.lake, note))
    noted["stage"]["written"]["at"] = moment(hours=1)
    aws.put(aws.lake, note, json.dumps(noted))
    told = run(aws, table)
    expect(told["removed"]["files"] == backing_up.CHANGES, told)
    expect(not aws.keys(aws.lake, f"state/compaction/{table}"), "the claim or the note is still there")


def uncompacted(aws: Deployed) -> None:
    """Of files that do not go together nothing is written."""
    table, files = backing_up.with_change_files(aws, "uncompacted")
    aws.put(aws.lake, files[0], two_changes(aws, table))
    with aws.no_upload_left(aws.lake):
        told = run(aws, table, seconds=time.time() % 3600 - 3600)
        expect(told["leftAlone"], told)


@functools.cache
def two_changes(aws: Deployed, table: str) -> bytes:
    """A change file of two rows, where the name of each of the small ones says that it has one."""
    before = set(aws.keys(aws.lake, f"changes/{table}/"))
    records = [streaming.event(table, "n")["Records"][0] for _ in range(2)]
    records[1]["dynamodb"]["SequenceNumber"] = str(streaming.SEQUENCE + 1)
    aws.invoke("stream", {"Records": records})
    (key,) = set(aws.keys(aws.lake, f"changes/{table}/")) - before
    body = aws.read(aws.lake, key)
    aws.remove(aws.lake, key)
    return body
