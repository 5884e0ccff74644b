"""What was given up comes back, by the commands of docs/operations.md. Each gives what it found, counted by kind."""

import json
import time
from collections import Counter
from typing import Any

from demo.show import Unmet, until

from .cloud import Cloud
from .workload import mended

BATCHES, RECORDS = "aws/lambda/", "quarantine/stream/"


def dead_letters(cloud: Cloud) -> Counter[str]:
    """Moves what is in the dead-letter queues of imports and snapshots back to where it came from."""
    moved = Counter()
    for name, (queue, dead) in cloud.queues.items():
        count = cloud.messages(dead)
        if count:
            cloud.sqs.start_message_move_task(SourceArn=cloud.arn(dead), DestinationArn=cloud.arn(queue))
            until("the dead letters to be moved", lambda: cloud.messages(dead) == 0)
            moved[name] += count
    return moved


def waiting(cloud: Cloud) -> set[str]:
    """The kinds of which something is given up."""
    found = {name for name, (_, dead) in cloud.queues.items() if cloud.messages(dead)}
    if cloud.messages(cloud.given_up_runs):
        found.add("run")
    return found | set(map(kind, given_up(cloud)))


def kind(key: str) -> str:
    return "batch" if key.startswith(BATCHES) else "record"


def given_up(cloud: Cloud) -> list[str]:
    """Batches of streams that a mapping gave up, and records that were put in quarantine."""
    return cloud.keys(cloud.lake, BATCHES) + cloud.keys(cloud.lake, RECORDS)


def batches(cloud: Cloud) -> Counter[str]:
    """Has `stream` write them from where they are kept, twice, since that has to count once, and removes them."""
    keys = given_up(cloud)
    for key in keys:
        if redrive(cloud, key)["quarantined"]:
            body = cloud.read(cloud.lake, key)
            cloud.s3.put_object(Bucket=cloud.lake, Key=key, Body=mended(body))
            redrive(cloud, key)
        if redrive(cloud, key)["quarantined"] == 0:
            cloud.s3.delete_object(Bucket=cloud.lake, Key=key)
    return Counter(map(kind, keys))


def redrive(cloud: Cloud, key: str, seconds: float = 60) -> dict[str, Any]:
    """One object; again, where a fault came in between."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return cloud.invoke(cloud.function["stream"], {"redrive": key})
        except Unmet:
            if time.monotonic() > deadline:
                raise


def runs(cloud: Cloud) -> Counter[str]:
    """Invokes `backup` with the events of runs that were given up."""
    count = Counter()
    while got := cloud.sqs.receive_message(QueueUrl=cloud.given_up_runs, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            cloud.invoke(cloud.backup_function, json.loads(message["Body"])["requestPayload"])
            cloud.sqs.delete_message(QueueUrl=cloud.given_up_runs, ReceiptHandle=message["ReceiptHandle"])
            count["run"] += 1
    return count
