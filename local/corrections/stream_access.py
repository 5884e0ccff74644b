"""What has to be so before a stream can be mapped to a function: its role's rights, and no such mapping.

AWS: CreateEventSourceMapping fails with InvalidParameterValueException ("Cannot access stream …. Please
ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on
your stream in IAM.") if the execution role lacks one of them, and for an on-failure bucket the role
needs s3:PutObject and s3:ListBucket
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html,
.../services-dynamodb-errors.html). A second mapping of one stream to one function is a
ResourceConflictException (.../api/API_CreateEventSourceMapping.html).

ministack 1.5.33: asks for nothing, takes any destination, and makes any number of mappings.

Changed: there is one mapping of a stream to a function. The permissions on the stream and on the bucket are asked for, with AUTH=true. Mappings made by
CloudFormation are not checked.
"""

from ministack.services import lambda_svc

from .patching import original
from .permissions import function_may

READ_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")


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
    if ":dynamodb:" not in arn or error:
        return None
    function, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
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
