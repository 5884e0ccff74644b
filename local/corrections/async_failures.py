"""Where an event goes that a function was given asynchronously, and has failed on.

AWS: the on-failure destination gets the record in the function's role, which needs the permission to send it
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).

ministack 1.5.33: sends it whatever the role allows.

Changed: without the permission the record is lost, and that is logged, with AUTH=true.
"""

import logging

from ministack.core.arn import parse_arn
from ministack.services import lambda_svc

from .failure_destinations import ACTIONS
from .patching import original
from .permissions import function_may

logger = logging.getLogger("corrections")


def apply() -> None:
    route = original(lambda_svc, "_route_async_failure", "c023331e333f796d")

    def route_if_allowed(target_arn, name, event, result):
        action = ACTIONS.get(parse_arn(target_arn).service)
        if action and not function_may(lambda_svc._functions[name], action, target_arn):
            logger.error("%s may not %s on %s: the record of its failure is lost", name, action, target_arn)
            return
        route(target_arn, name, event, result)

    lambda_svc._route_async_failure = route_if_allowed
