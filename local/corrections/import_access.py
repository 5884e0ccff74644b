"""What ImportTable may read and write.

AWS: it reads the bucket and writes its log with the permissions of its caller, who needs s3:ListBucket and
s3:GetObject, and six actions on the log groups below /aws-dynamodb/
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html).

ministack 1.5.33: reads and writes whatever there is.

Changed: an import without these permissions fails at once, with AUTH=true. AWS's page does not say how: that it fails
with `AccessDenied`, before it has made a table, is an assumption.
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, s3

from .patching import original
from .permissions import caller, caller_may

LOG_ACTIONS = (
    "CreateLogGroup",
    "CreateLogStream",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "PutLogEvents",
    "PutRetentionPolicy",
)

# The callers of imports that have not begun to read.
_callers: dict[str, str] = {}


def apply() -> None:
    finish = original(dynamodb, "_finish_import", "fa2101f58df26aa2")
    run_import = original(dynamodb, "_run_import", "3039aae86cbcc0a9")
    import_arn = original(dynamodb, "_import_arn", "38d578b813140cde")

    def remembered(*arguments):
        arn = import_arn(*arguments)
        _callers[arn] = caller()
        return arn

    def run(arn, table_name):
        denied = refusal(_callers.pop(arn), dynamodb._imports[arn]["S3BucketSource"])
        if denied is None:
            return run_import(arn, table_name)
        dynamodb._drop_import_table(table_name)
        return finish(dynamodb._imports[arn], "FAILED", "AccessDenied", f"Access denied: {denied}")

    dynamodb._import_arn = remembered
    dynamodb._run_import = run


def refusal(access_key_id: str, source: dict) -> str | None:
    """The first action that the caller may not take."""
    for action, resource in needed(source):
        if not caller_may(access_key_id, action, resource):
            return f"{action} on {resource}"
    return None


def needed(source: dict) -> list[tuple[str, str]]:
    name, prefix = source["S3Bucket"], source.get("S3KeyPrefix") or ""
    keys = [key for key in (s3._buckets.get(name) or {"objects": {}})["objects"] if key.startswith(prefix)]
    group = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{dynamodb._IMPORT_LOG_GROUP}:*"
    return [
        ("s3:ListBucket", f"arn:aws:s3:::{name}"),
        *(("s3:GetObject", f"arn:aws:s3:::{name}/{key}") for key in keys),
        *((f"logs:{action}", group) for action in LOG_ACTIONS),
    ]
