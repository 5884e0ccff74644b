"""Partial batch responses of queue mappings.

AWS: an answer with a `batchItemFailures` that is malformed, or names a message that is not in the batch,
makes the whole batch a failure: all its messages come back
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).

ministack 1.5.33: deletes every message whose id is not named, so that a mistake in the answer loses messages.

Changed: such an answer counts as an error of the function.

As on AWS: after an error a message comes back when the queue's visibility timeout is over, and goes to
the dead-letter queue after its maxReceiveCount. A function whose process is killed is such an error.
"""

import json

from ministack.services import lambda_svc

from .patching import original, with_globals


def apply() -> None:
    run = original(lambda_svc, "_run_sqs_batch", "f9bf630aabf3d1b9")

    def run_batch(mapping, function, event, batch, queue_url, queue_name):
        """Lets ministack do as before, with an answer that has been looked at."""
        if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
            return run(mapping, function, event, batch, queue_url, queue_name)
        result = lambda_svc._execute_function(function, event)
        if not result.get("error") and not is_understood(result.get("body"), {message["id"] for message in batch}):
            result = {
                "error": True,
                "body": {"errorType": "InvalidBatchItemFailures", "errorMessage": str(result.get("body"))},
            }
        answered = with_globals(run, _execute_function=lambda function, event: result)
        return answered(mapping, function, event, batch, queue_url, queue_name)

    lambda_svc._run_sqs_batch = run_batch


def is_understood(body: object, message_ids: set[str]) -> bool:
    if isinstance(body, (str, bytes)) and body:
        try:
            body = json.loads(body)
        except ValueError:
            return True
    if not isinstance(body, dict) or not body.get("batchItemFailures"):
        return True
    try:
        return {failure["itemIdentifier"] for failure in body["batchItemFailures"]} <= message_ids
    except (KeyError, TypeError):
        return False
