"""Items deleted by time-to-live.

AWS: the delete is in the stream as a REMOVE with `userIdentity` of type `Service` and principal
`dynamodb.amazonaws.com`, typically within a few days of the expiry
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).

ministack 1.5.33: looks once a minute, and deletes without a stream record.

Changed: every second, since nobody waits for a minute, and with the record AWS writes.
"""

import contextvars
import threading
import time

from ministack.core.concurrency import spawn_background
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import dynamodb

from .patching import original

SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
MINISTACKS_OWN_THREAD = "dynamodb-ttl-reaper"

_expiring = contextvars.ContextVar("expiring", default=False)


def apply() -> None:
    original(dynamodb, "_ttl_reaper", "66841bfd60279dd7")
    remove = original(dynamodb, "_remove_item", "5cce50c99688dab8")
    build = dynamodb._build_change_record

    def remove_item(table, hash_key, range_key):
        """ministack's own thread runs already and cannot be stopped: it finds nothing it may delete."""
        if threading.current_thread().name == MINISTACKS_OWN_THREAD:
            return None
        return remove(table, hash_key, range_key)

    def build_change_record(*arguments):
        record = build(*arguments)
        if _expiring.get():
            record["userIdentity"] = SERVICE
        return record

    dynamodb._remove_item = remove_item
    dynamodb._build_change_record = build_change_record
    spawn_background(expire_forever, thread_name="time-to-live")


def expire_forever() -> None:
    _expiring.set(True)
    while True:
        time.sleep(1)
        for (account, region, table), setting in list(dynamodb._ttl_settings.all_items()):
            if setting.get("TimeToLiveStatus") == "ENABLED":
                set_request_account_id(account)
                set_request_region(region)
                expire(table, setting["AttributeName"], time.time())


def expire(name: str, attribute: str, now: float) -> None:
    with dynamodb._lock:
        table = dynamodb._tables.get(name)
        if table is None:
            return
        for hash_key, items in list(table["items"].items()):
            for range_key, item in list(items.items()):
                if has_expired(item.get(attribute), now):
                    dynamodb._remove_item(table, hash_key, range_key)
                    dynamodb._emit_stream_event(name, "REMOVE", item, None)


def has_expired(value: dict | None, now: float) -> bool:
    """Only a number is a time to live, and none that is more than five years ago."""
    try:
        expiry = float((value or {})["N"])
    except (KeyError, ValueError):
        return False
    return now - 5 * 365 * 24 * 3600 < expiry <= now
