"""What a function's role has to allow before a stream or a queue can be mapped to the function.

AWS: CreateEventSourceMapping fails with InvalidParameterValueException ("Cannot access stream …. Please
ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on
your stream in IAM.") if the execution role lacks one of them, and for an on-failure bucket the role
needs s3:PutObject and s3:ListBucket; for a queue it needs sqs:ReceiveMessage, sqs:DeleteMessage and
sqs:GetQueueAttributes (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html,
.../services-dynamodb-errors.html, .../services-sqs-configure.html). A second mapping of one stream to one
function is a ResourceConflictException (.../api/API_CreateEventSourceMapping.html).

ministack 1.5.33: asks for nothing, takes any destination, and makes any number of mappings.

Changed: a stream is mapped to a function once. The permissions on the stream, the bucket and the queue are asked for, with AUTH=true. Of a queue AWS's page
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
        if (twin := the_same(data)) is not None:
            reason = (
                f"The event source arn (\" {data['EventSourceArn']} \") and function (\" {data['FunctionName']} \") "
                f"provided mapping already exists. Please update or delete the existing mapping with UUID {twin}"
            )
            return lambda_svc.error_response_json("ResourceConflictException", reason, 409)
        reason = refusal(data)
        return lambda_svc._invalid_parameter_value(reason) if reason else create(data)

    lambda_svc._create_esm = create_mapping


def the_same(data: dict) -> str | None:
    """The mapping that is there of this stream to this function."""
    arn, name = data.get("EventSourceArn", ""), data.get("FunctionName", "").rpartition(":")[2]
    for _, _, mapping in lambda_svc._iter_all_esms():
        if ":dynamodb:" in arn and mapping["EventSourceArn"] == arn and mapping["FunctionArn"].endswith(f":{name}"):
            return mapping["UUID"]
    return None


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
