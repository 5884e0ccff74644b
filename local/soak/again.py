"""Events that come again: the same, overlapping, and in another order."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

from .cloud import Cloud, event
from .snapshots import messages


def repeat_events(cloud: Cloud, table: str, chance: random.Random) -> int:
    """Every record of the stream in batches that are cut anew, some of them twice, in any order."""
    records = cloud.stream_records(table)
    batches, start = [], 0
    while start < len(records):
        length = chance.randint(1, 900)
        batches.append(records[max(0, start - chance.randint(0, 200)) : start + length])
        start += length
    batches += chance.sample(batches, len(batches) // 2)
    chance.shuffle(batches)

    def invoke(batch: list[dict]) -> None:
        answer = cloud.functions.invoke(FunctionName=cloud.function["stream"], Payload=event(batch))
        said = json.loads(answer["Payload"].read())
        assert said == {"batchItemFailures": []}, said

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(invoke, batches))
    return len(batches)


def repeat_objects(cloud: Cloud, table: str, version: str) -> int:
    """The event of a dropped file, twice more."""
    (key,) = (key for key in cloud.keys(cloud.landing, f"imports/{table}.") if "rejects" not in key)
    size = cloud.s3.head_object(Bucket=cloud.landing, Key=key)["ContentLength"]
    message = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": cloud.landing}, "object": {"key": key, "size": size, "version-id": version}},
    }
    for _ in range(2):
        cloud.sqs.send_message(QueueUrl=cloud.queues["import"][0], MessageBody=json.dumps(message))
    return 2


def repeat_messages(cloud: Cloud, table: str, chance: random.Random) -> int:
    """The messages of a snapshot's files and of its beginning, twice, in any order."""
    again = messages(cloud, table) * 2
    chance.shuffle(again)
    for message in again:
        cloud.sqs.send_message(QueueUrl=cloud.queues["snapshot"][0], MessageBody=message)
    return len(again)
