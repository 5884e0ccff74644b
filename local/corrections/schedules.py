"""Context attributes in the input of a schedule.

AWS: `<aws.scheduler.schedule-arn>`, `<aws.scheduler.scheduled-time>`, `<aws.scheduler.execution-id>` and
`<aws.scheduler.attempt-number>` are replaced when the target is called
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).

ministack 1.5.33: passes them on as they stand.

Changed: they are replaced. The scheduled time is that of the call, cut to the second. Retries and the
schedule's own dead-letter queue are not there.
"""

import time
import uuid

from ministack.services import eventbridge

from .patching import original


def apply() -> None:
    invoke = original(eventbridge, "_invoke_target", "550e304af0809563")

    def invoke_target(target, event, rule, view=None):
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            target = target | {"Input": with_context(target["Input"], rule.get("Arn", ""), event["Time"])}
        return invoke(target, event, rule, view)

    eventbridge._invoke_target = invoke_target


def with_context(text: str, schedule_arn: str, due: float) -> str:
    context = {
        "schedule-arn": schedule_arn,
        "scheduled-time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due)),
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in context.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
