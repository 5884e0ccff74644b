"""Events that a function is given asynchronously, and fails on.

AWS: Lambda's retries of one event have one request id
(https://repost.aws/knowledge-center/lambda-function-duplicate-invocations); the on-failure destination gets the record in the
function's role, which needs the permission to send it
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).

ministack 1.5.33: each try has an id of its own; sends the record whatever the role allows.

Changed: both. Without the permission the record is lost, and that is logged, with AUTH=true.
"""

import contextvars
import logging

from ministack.core.arn import parse_arn
from ministack.services import lambda_svc

from .failure_destinations import ACTIONS
from .patching import original, with_globals
from .permissions import function_may

logger = logging.getLogger("corrections")

# The id of the event that this thread tries.
_event_id = contextvars.ContextVar("event_id", default=None)


def apply() -> None:
    route = original(lambda_svc, "_route_async_failure", "c023331e333f796d")
    execute = original(lambda_svc, "_execute_function", "3ceb16d6480a2161")
    invoke = original(lambda_svc, "invoke_async_with_retry", "289fe4d3cbd4089b")

    def route_if_allowed(target_arn, name, event, result):
        action = ACTIONS.get(parse_arn(target_arn).service)
        if action and not function_may(lambda_svc._functions[name], action, target_arn):
            logger.error("%s may not %s on %s: the record of its failure is lost", name, action, target_arn)
            return
        route(target_arn, name, event, result)

    def execute_under_its_id(function, event):
        """With the module as it is now: other corrections come after this one."""
        return with_globals(execute, new_uuid=lambda: _event_id.get() or lambda_svc.new_uuid())(function, event)

    def invoke_under_one_id(function, event):
        """All tries are made in a copy of this context."""
        token = _event_id.set(lambda_svc.new_uuid())
        try:
            invoke(function, event)
        finally:
            _event_id.reset(token)

    lambda_svc._route_async_failure = route_if_allowed
    lambda_svc._execute_function = execute_under_its_id
    lambda_svc.invoke_async_with_retry = invoke_under_one_id
