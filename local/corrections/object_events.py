"""The version in the events that S3 sends to EventBridge.

AWS: `detail.object` has `version-id` if the bucket is versioned, and the event's time is in whole seconds
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).

ministack 1.5.33: leaves `version-id` out, and gives milliseconds.

Changed: both.
"""

import contextvars
import json

from ministack.services import eventbridge, s3

from .patching import original

_version = contextvars.ContextVar("version_of_the_object", default=None)


def apply() -> None:
    fire = original(s3, "_fire_s3_event", "2ab38cfade76bf2e")
    dispatch = original(eventbridge, "_dispatch_event", "d1bfe064f602d11c")

    def fire_event(*arguments, version_id=None, **options):
        token = _version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **options)
        finally:
            _version.reset(token)

    def dispatch_event(event, *arguments, **options):
        if event.get("Source") == "aws.s3":
            event = with_version(event, _version.get())
        return dispatch(event, *arguments, **options)

    s3._fire_s3_event = fire_event
    eventbridge._dispatch_event = dispatch_event


def with_version(event: dict, version: str | None) -> dict:
    detail = json.loads(event["Detail"])
    if version:
        detail["object"]["version-id"] = version
    return event | {"Detail": json.dumps(detail), "Time": event["Time"][:19] + "Z"}
