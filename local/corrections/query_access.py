"""What Athena may do for who asks it.

AWS: a query writes its results with the permissions of its caller, who needs s3:GetBucketLocation on the bucket and
s3:PutObject on the results, and s3:GetObject to read them
(https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html); it also needs glue:GetDatabase on its database, on
the catalog and on the database `default`, whatever it is about
(https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html).

ministack 1.5.33: asks for nothing but the permission to ask.

Changed: a query without these permissions fails, with AUTH=true. The results' uploads are not in parts here, and the
data that a query reads is not asked for, nor are the tables of Glue.
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import athena

from .patching import original
from .permissions import caller, caller_may


def apply() -> None:
    execute = original(athena, "_execute_query", "0c4e4ef194947b64")
    get_results = original(athena, "_get_query_results", "abd778cbcf28d2e9")

    async def execute_if_allowed(query_id, query, database, *arguments):
        execution = athena._executions[query_id]
        bucket, results = bucket_and_results(execution)
        needed = [("s3:GetBucketLocation", bucket), *of_glue(database), ("s3:PutObject", results)]
        reason = refusal(needed)
        if reason is None:
            return await execute(query_id, query, database, *arguments)
        execution["Status"] |= {"State": "FAILED", "StateChangeReason": reason}
        return None

    def get_results_if_allowed(data):
        execution = athena._executions.get(data.get("QueryExecutionId"))
        reason = execution and refusal([("s3:GetObject", bucket_and_results(execution)[1])])
        return athena.error_response_json("InvalidRequestException", reason, 400) if reason else get_results(data)

    athena._execute_query = execute_if_allowed
    athena._get_query_results = get_results_if_allowed


def bucket_and_results(execution: dict) -> tuple[str, str]:
    """The ARNs of the bucket and of the object that a query's results go to."""
    place = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://")
    return f"arn:aws:s3:::{place.partition('/')[0]}", f"arn:aws:s3:::{place}"


def of_glue(database: str) -> list[tuple[str, str]]:
    whole = f"arn:aws:glue:{get_region()}:{get_account_id()}"
    names = ("catalog", "database/default", f"database/{database}")
    return [("glue:GetDatabase", f"{whole}:{name}") for name in names]


def refusal(needed: list[tuple[str, str]]) -> str | None:
    """Why the caller may not, in the words of AWS as far as they are known."""
    for action, resource in needed:
        if not caller_may(caller(), action, resource):
            return (
                "Insufficient permissions to execute the query. The caller is not authorized to perform: "
                f"{action} on resource: {resource}"
            )
    return None
