"""Moving the messages of a dead-letter queue back.

AWS: StartMessageMoveTask moves the messages of a dead-letter queue to a queue that is named, or each to the one that it
came from; they are as new there, with no receives counted. The source has to be the dead-letter queue of some queue
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
ListMessageMoveTasks tells of the ten last (.../API_ListMessageMoveTasks.html).

ministack 1.5.33: knows neither.

Changed: both are there. The messages are moved at once; on AWS it takes a while.
"""

import json
import time
import uuid

from ministack.services import sqs

from .patching import MinistackHasChanged

# What AWS returns at most.
LISTED = 10

_tasks: list[dict] = []


def apply() -> None:
    for name, handler in (("StartMessageMoveTask", start), ("ListMessageMoveTasks", listed)):
        if name in sqs._HANDLERS:
            raise MinistackHasChanged(f"ministack has {name} now: compare it with this correction.")
        sqs._HANDLERS[name] = handler


def start(data: dict, _: str) -> dict:
    source_arn, destination_arn = data.get("SourceArn", ""), data.get("DestinationArn")
    source = found(source_arn)
    if not any(dead_letter_arn(queue) == source_arn for queue in sqs._queues.values()):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    destination = found(destination_arn) if destination_arn else None
    with sqs._queues_lock:
        waiting, source["messages"] = source["messages"], []
    for message in waiting:
        queue = destination or found(message["sys"].get("DeadLetterQueueSourceArn", ""))
        queue["messages"].append(as_new(message))
    sqs.esm_wake.set()
    task = {
        "TaskHandle": str(uuid.uuid4()),
        "Status": "COMPLETED",
        "SourceArn": source_arn,
        "ApproximateNumberOfMessagesMoved": len(waiting),
        "ApproximateNumberOfMessagesToMove": len(waiting),
        "StartedTimestamp": int(time.time() * 1000),
    }
    _tasks.append(task | ({"DestinationArn": destination_arn} if destination_arn else {}))
    return {"TaskHandle": task["TaskHandle"]}


def listed(data: dict, _: str) -> dict:
    tasks = [task for task in reversed(_tasks) if task["SourceArn"] == data.get("SourceArn")]
    most = min(int(data.get("MaxResults", 1)), LISTED)
    # The handle is told of a task that runs only.
    return {"Results": [{name: task[name] for name in task if name != "TaskHandle"} for task in tasks[:most]]}


def found(arn: str) -> dict:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", "The resource that you specified for the queue doesn't exist.")
    return queue


def dead_letter_arn(queue: dict) -> str | None:
    policy = queue["attributes"].get("RedrivePolicy")
    return json.loads(policy).get("deadLetterTargetArn") if policy else None


def as_new(message: dict) -> dict:
    now, system = time.time(), dict(message["sys"])
    system.pop("DeadLetterQueueSourceArn", None)
    return message | {
        "id": str(uuid.uuid4()),
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now,
        "receive_count": 0,
        "first_receive_at": None,
        "sys": system,
    }
