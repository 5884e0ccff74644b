"""What IAM is asked about a request: its action, its resource and its condition keys.

AWS (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html,
.../list_awslambda.html, .../list_awsglue.html, .../list_amazonathena.html, and for `aws:SecureTransport`
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html): actions on tables, streams,
backups, exports and imports are on that table, stream, backup, export or import, also when the request names it
by ARN; actions on a stream mapping are on the mapping, with the function as `lambda:FunctionArn`; actions on a
table of Glue are on the table, its database and the catalog
(https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html); actions on a query are on its
workgroup; a batch of messages is asked for as one message (.../list_amazonsqs.html). Everybody reaches AWS by TLS.

ministack 1.5.33: knows a DynamoDB table only by `TableName` or `RequestItems` and no stream, takes reading one mapping
for listing them, asks for no permission at all to update or delete one, does not know
`lambda:FunctionArn`, asks for the database of Glue only, does not know a query's workgroup, asks for actions like
`sqs:SendMessageBatch`, which there are not, and takes the loopback for a connection without TLS, so that a bucket
policy which insists on TLS denies everything.

Changed: all of this, with AUTH=true.
"""

import contextvars
import json

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import athena, lambda_svc

from .patching import original

MAPPING_ACTIONS = {
    "GET": "GetEventSourceMapping",
    "PUT": "UpdateEventSourceMapping",
    "DELETE": "DeleteEventSourceMapping",
}
ARN_FIELDS = ("ResourceArn", "BackupArn", "ExportArn", "ImportArn")

_mapping = contextvars.ContextVar("mapping_of_the_request", default=None)


def apply() -> None:
    pin = original(iam_evaluator, "pin_request_origin", "de819c1bd9ac2be4")
    table_arns = original(iam_actions, "dynamodb_resource_arns", "a7186900d54a313c")
    iam_action = original(iam_actions, "extract_iam_action", "ec476b92d969822b")
    lambda_action = original(iam_actions, "_lambda_action", "19fa24ebca403b7a")
    resource_arn = original(iam_actions, "extract_resource_arn", "82f51700695c62fd")
    enforce = original(iam_evaluator, "enforce", "cf64b1ee5b099c8f")
    tag_context = original(iam_actions, "request_tag_context", "d46adb816e024778")

    def action_of_lambda(method, path):
        return MAPPING_ACTIONS.get(method) if mapping_in(path) else lambda_action(method, path)

    def action_of(service, *request):
        action = iam_action(service, *request)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    def resource_of(service, method, path, headers, body, query_params, region, account_id):
        _mapping.set(mapping_in(path) if service == "lambda" else None)
        if service == "glue" and (table := glue_table(fields_of(body))):
            return f"arn:aws:glue:{region}:{account_id}:table/{table}"
        if service == "dynamodbstreams" and "StreamArn" in fields_of(body):
            return fields_of(body)["StreamArn"]
        if service == "athena" and (workgroup := workgroup_of(fields_of(body))):
            return f"arn:aws:athena:{region}:{account_id}:workgroup/{workgroup}"
        return resource_arn(service, method, path, headers, body, query_params, region, account_id)

    def context_of(service, action, body, params):
        context = tag_context(service, action, body, params)
        if service == "lambda" and "EventSourceMapping" in action and (function := function_of(body)):
            context = context | {"lambda:FunctionArn": function}
        return context

    def tables_of(body, region, account_id):
        return dynamodb_resources(fields_of(body), region, account_id) or table_arns(body, region, account_id)

    def enforced(access_key, action, service, region, resource_arn="*", service_context=None):
        for resource in [resource_arn, *around(resource_arn)]:
            if denied := enforce(access_key, action, service, region, resource, service_context):
                return denied
        return None

    iam_evaluator.enforce = enforced
    iam_actions._lambda_action = action_of_lambda
    iam_actions.extract_iam_action = action_of
    iam_actions.extract_resource_arn = resource_of
    iam_actions.request_tag_context = context_of
    iam_actions.dynamodb_resource_arns = tables_of
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def fields_of(body: bytes) -> dict:
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def mapping_in(path: str) -> str | None:
    """The id of the one mapping that a request is about."""
    _, found, rest = path.partition("/event-source-mappings/")
    return rest.strip("/") if found and rest.strip("/") else None


def function_of(body: bytes) -> str | None:
    """The ARN of the function that a mapping is for: of the request's, or that of the mapping it names."""
    mapping_id = _mapping.get()
    if mapping_id is not None:
        return (lambda_svc._esms.get(mapping_id) or {}).get("FunctionArn")
    name = fields_of(body).get("FunctionName")
    return lambda_svc._func_arn(lambda_svc._resolve_name(name)) if name else None


def glue_table(fields: dict) -> str | None:
    """`database/table`, if the request is about one table."""
    table = fields.get("TableName") or (fields.get("TableInput") or {}).get("Name") or fields.get("Name")
    return f"{fields['DatabaseName']}/{table}" if table and fields.get("DatabaseName") else None


def around(resource_arn: str) -> list[str]:
    """What is asked for, too, where a table or a database of Glue is: what it is in."""
    beginning, is_glue, rest = resource_arn.partition(":glue:")
    place, _, kind_and_names = rest.rpartition(":")
    kind, *names = kind_and_names.split("/")
    if not is_glue or kind not in ("table", "database"):
        return []
    whole = f"{beginning}:glue:{place}:"
    return ([f"{whole}database/{names[0]}"] if kind == "table" else []) + [f"{whole}catalog"]


def workgroup_of(fields: dict) -> str | None:
    """Where the query runs that a request is about."""
    return (athena._executions.get(fields.get("QueryExecutionId")) or {}).get("WorkGroup")


def dynamodb_resources(fields: dict, region: str, account_id: str) -> list[str]:
    """What ministack overlooks. ListExports and ListImports name a table too, but are allowed on `*` only."""
    named = [fields[name] for name in ARN_FIELDS if isinstance(fields.get(name), str)]
    if "TableArn" in fields:
        named.append(fields["TableArn"] if "S3Bucket" in fields else "*")
    new_table = (fields.get("TableCreationParameters") or {}).get("TableName")
    if new_table:
        named.append(f"arn:aws:dynamodb:{region}:{account_id}:table/{new_table}")
    return named
