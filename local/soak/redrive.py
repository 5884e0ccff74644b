"""What was given up comes back, by the commands of docs/operations.md."""

import json
import time
from typing import Any

from demo.show import Unmet, until

from .cloud import Cloud


def dead_letters(cloud: Cloud) -> int:
    """Moves what is in the dead-letter queues back to where it came from, and counts it."""
    moved = 0
    for queue, dead in cloud.queues.values():
        count = cloud.messages(dead)
        if count:
            cloud.sqs.start_message_move_task(SourceArn=cloud.arn(dead), DestinationArn=cloud.arn(queue))
            until("the dead letters to be moved", lambda: cloud.messages(dead) == 0)
            moved += count
    return moved


def given_up(cloud: Cloud) -> list[str]:
    """Batches of streams that a mapping gave up, and records that were put in quarantine."""
    return cloud.keys(cloud.lake, "aws/lambda/") + cloud.keys(cloud.lake, "quarantine/stream/")


def batches(cloud: Cloud) -> int:
    """Has `stream` write them from where they are kept, removes them, and counts them."""
    keys = given_up(cloud)
    for key in keys:
        answer = redrive(cloud, key)
        if answer.get("quarantined", 0) == 0:
            cloud.s3.delete_object(Bucket=cloud.lake, Key=key)
    return len(keys)


def redrive(cloud: Cloud, key: str, seconds: float = 60) -> dict[str, Any]:
    """One object; again, where a fault came in between."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return cloud.invoke(cloud.function["stream"], {"redrive": key})
        except Unmet:
            if time.monotonic() > deadline:
                raise


def mend(cloud: Cloud, key: str, change) -> None:
    """What a person does with a record in quarantine: its `record` becomes one that can be a row."""
    kept = json.loads(cloud.read(cloud.lake, key))
    change(kept["record"])
    cloud.s3.put_object(Bucket=cloud.lake, Key=key, Body=json.dumps(kept).encode())
