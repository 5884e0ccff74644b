"""What a function's role has to allow before a stream or a queue can be mapped to the function.

AWS: CreateEventSourceMapping fails with InvalidParameterValueException ("Cannot access stream …. Please
ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on
your stream in IAM.") if the execution role lacks one of them, and for an on-failure bucket the role
needs s3:PutObject and s3:ListBucket; for a queue it needs sqs:ReceiveMessage, sqs:DeleteMessage and
sqs:GetQueueAttributes (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html,
.../services-dynamodb-errors.html, .../services-sqs-configure.html).

ministack 1.5.33: asks for nothing, and takes any destination.

Changed: the permissions on the stream, the bucket and the queue are asked for, with AUTH=true. Of a queue AWS's page
says what the role needs, and not when it is asked for, or in what words. Mappings made by CloudFormation are not
checked.
"""

from ministack.services import lambda_svc

from .patching import original
from .permissions import function_may

READ_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")


def apply() -> None:
    create = original(lambda_svc, "_create_esm", "d351521bb6cdd30f")

    def create_mapping(data):
        reason = refusal(data)
        return lambda_svc._invalid_parameter_value(reason) if reason else create(data)

    lambda_svc._create_esm = create_mapping


def refusal(data: dict) -> str | None:
    """Why the mapping cannot be made. What else is wrong with the request, ministack itself says."""
    arn = data.get("EventSourceArn", "")
    name, qualifier, error = lambda_svc._resolve_existing_esm_function(data.get("FunctionName", ""))
    if error:
        return None
    function, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    if ":sqs:" in arn:
        return queue_refusal(function, arn)
    return stream_refusal(function, arn, data) if ":dynamodb:" in arn else None


def queue_refusal(function: dict, arn: str) -> str | None:
    for action in QUEUE_ACTIONS:
        if not function_may(function, f"sqs:{action}", arn):
            return f"The function execution role does not have permissions to call {action} on SQS"
    return None


def stream_refusal(function: dict, arn: str, data: dict) -> str | None:
    if not all(function_may(function, f"dynamodb:{action}", arn) for action in READ_ACTIONS):
        return (
            f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
            "DescribeStream, and ListStreams Actions on your stream in IAM."
        )
    destination = ((data.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or ""
    if destination.startswith("arn:aws:s3:"):
        may_put = function_may(function, "s3:PutObject", f"{destination}/aws/lambda/object")
        if not may_put or not function_may(function, "s3:ListBucket", destination):
            return f"The function execution role does not have permissions to call PutObject and ListBucket on {destination}"
    return None
