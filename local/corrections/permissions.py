"""Asks IAM, as the emulator enforces it, on behalf of a service that acts in someone's role.

ministack checks the requests that reach it. What it does itself in a role's name, such as reading a
stream for a function, goes unchecked, so that a permission the role lacks would only be missed on AWS.
"""

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region


def function_may(function: dict, action: str, resource: str) -> bool:
    """Whether the function's role allows the action."""
    if not app.AUTH:
        return True
    config = function.get("config") or function
    return _may(lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"], action, resource)


def caller() -> str:
    """Who makes the request that is being served, to be asked about later with `caller_may`."""
    return iam_evaluator._verified_key.get()


def caller_may(access_key_id: str, action: str, resource: str) -> bool:
    return not app.AUTH or iam_evaluator.is_root_access_key(access_key_id) or _may(access_key_id, action, resource)


def _may(access_key_id: str, action: str, resource: str) -> bool:
    """The part of ministack's `enforce` that comes after the signature."""
    principal = iam_evaluator.resolve_principal(access_key_id, get_account_id())
    if isinstance(principal, iam_evaluator.AuthError):
        return False
    if principal.policies is None:
        return True
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    policy = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if policy is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *policy, limits=principal.limits)
    return result.decision == "Allow"
