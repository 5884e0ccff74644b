"""What becomes of a batch that a stream mapping has given up.

AWS (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html): the on-failure
destination gets an invocation record. A queue or a topic gets the metadata only; a bucket gets the whole
record, with the batch as `payload`, under
`aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`. It is written in the function's role.

ministack 1.5.33: knows no bucket as destination, always counts one invocation, and asks for no permission.

Changed: all of this. AWS's page shows `payload` as `"<Whole Event>"`, without saying whether that is
the event or its text: here it is the text. The page names only the condition `RetryAttemptsExhausted`;
`RecordAgeExceeded` is an assumption.
"""

import json
import logging
import time
import uuid

from ministack.core.arn import parse_arn
from ministack.services import sns, sqs

from . import objects
from .permissions import function_may
from .stream_batches import Batch

logger = logging.getLogger("corrections")

SHARD = "shardId-00000000000000000000-00000000"
ACTIONS = {"s3": "s3:PutObject", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}


def send(mapping: dict, function: dict, batch: Batch, result: dict, condition: str) -> None:
    """Never fails: as on AWS, a batch that cannot be delivered to its destination is lost, and that is logged."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not destination:
        return
    try:
        now = time.time()
        service, key = parse_arn(destination).service, object_key(mapping["UUID"], now)
        resource = f"{destination}/{key}" if service == "s3" else destination
        if not function_may(function, ACTIONS[service], resource):
            raise PermissionError(f"{mapping['FunctionArn']} may not {ACTIONS[service]} on {resource}")
        deliver(service, destination, key, invocation_record(mapping, batch, result, condition, now), batch)
    except Exception:
        logger.exception("the on-failure destination %s has not got its record", destination)


def deliver(service: str, destination: str, key: str, record: dict, batch: Batch) -> None:
    if service == "s3":
        record["payload"] = json.dumps({"Records": batch.records})
        objects.put(destination.rpartition(":")[2], key, json.dumps(record).encode())
    elif service == "sqs":
        url = sqs._queue_url(destination.rpartition(":")[2])
        sqs._act_send_message({"QueueUrl": url, "MessageBody": json.dumps(record)}, url)
    elif service == "sns":
        sns._fanout(destination, str(uuid.uuid4()), json.dumps(record), "", "", {})


def object_key(mapping_id: str, now: float) -> str:
    day, moment = time.strftime("%Y/%m/%d %Y-%m-%dT%H.%M.%S", time.gmtime(now)).split()
    return f"aws/lambda/{mapping_id}/{SHARD}/{day}/{moment}-{uuid.uuid4()}"


def invocation_record(mapping: dict, batch: Batch, result: dict, condition: str, now: float) -> dict:
    """The metadata, which every kind of destination gets."""
    first, last = batch.records[0]["dynamodb"], batch.records[-1]["dynamodb"]
    record = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(now)) + f"{int(now * 1000) % 1000:03d}Z",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": whole_second(first["ApproximateCreationDateTime"]),
            "approximateArrivalOfLastRecord": whole_second(last["ApproximateCreationDateTime"]),
            "batchSize": len(batch.records),
            "streamArn": mapping["EventSourceArn"],
        },
    }
    if not result:
        del record["responseContext"]
    return record


def whole_second(timestamp: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(timestamp))
