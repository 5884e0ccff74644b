"""Point-in-time recovery.

AWS: RecoveryPeriodInDays is 1 to 35, 35 unless given, and is returned with the earliest and the latest
restorable time
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html).

ministack 1.5.33: forgets RecoveryPeriodInDays, says that a table can be restored to no time but now, and
ignores recovery that is switched on in a template.

Changed: all three, and while recovery is on every change is logged, for the exports. The latest
restorable time is now; on AWS it is typically five minutes ago.
"""

import json
import time
from dataclasses import dataclass, field

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from . import trials
from .patching import original


@dataclass(frozen=True)
class Change:
    """One write, as it was: what the table held before and after it under this key."""

    time: float
    keys: dict
    old: dict | None
    new: dict | None


@dataclass
class Recovery:
    """What is known of a table whose recovery is on."""

    table_id: str
    enabled_at: float
    days: int
    changes: list[Change] = field(default_factory=list)


_recoveries = AccountRegionScopedDict()


def apply() -> None:
    describe = original(dynamodb, "_describe_continuous_backups", "ba81b08f309d3e7a")
    original(dynamodb, "_update_continuous_backups", "4d306deca0a21e52")
    emit = original(dynamodb, "_emit_stream_event", "8568d0446f26eaba")
    create = original(provisioners, "_ddb_create", "277586e016c693bd")

    def describe_continuous_backups(data):
        status, headers, body = describe(data)
        return (
            (status, headers, body)
            if status != 200
            else described(dynamodb._normalize_table_name(data.get("TableName")))
        )

    def emit_stream_event(table_name, event_name, old_item, new_item, replicate=True):
        record_change(table_name, old_item, new_item)
        emit(table_name, event_name, old_item, new_item, replicate)

    def create_from_template(logical_id, properties, *arguments, **options):
        created = create(logical_id, properties, *arguments, **options)
        specification = properties.get("PointInTimeRecoverySpecification")
        if specification:
            update({"TableName": created[0], "PointInTimeRecoverySpecification": specification})
        return created

    dynamodb._describe_continuous_backups = describe_continuous_backups
    dynamodb._update_continuous_backups = update
    dynamodb._emit_stream_event = emit_stream_event
    replace_everywhere(provisioners, create, create_from_template)


def replace_everywhere(module, old, new) -> None:
    """ministack keeps the creators of resources in tables as well as under their names."""
    module._ddb_create = new
    for table in vars(module).values():
        entry = table.get("AWS::DynamoDB::Table") if isinstance(table, dict) else None
        if isinstance(entry, dict) and entry.get("create") is old:
            entry["create"] = new


def recovery_of(table_name: str) -> Recovery | None:
    """None if recovery is off, and for a table that only has the name of one that had it."""
    table, recovery = dynamodb._tables.get(table_name), _recoveries.get(table_name)
    if table is None or recovery is None or recovery.table_id != table.get("TableId"):
        return None
    return recovery


def enabled_at(table_name: str, recovery: Recovery) -> float:
    """When recovery was switched on, as far as anyone is told."""
    return recovery.enabled_at - 3600 * trials.recovery_hours_of(dynamodb._tables[table_name].get("TableArn"))


def update(data: dict):
    """UpdateContinuousBackups."""
    name = dynamodb._normalize_table_name(data.get("TableName"))
    table = dynamodb._tables.get(name)
    if table is None:
        return error_response_json("TableNotFoundException", f"Table not found: {name}", 400)
    specification = data.get("PointInTimeRecoverySpecification") or {}
    days = int(specification.get("RecoveryPeriodInDays") or 35)
    if not 1 <= days <= 35:
        return error_response_json(
            "ValidationException", f"RecoveryPeriodInDays has to be from 1 to 35, and is {days}", 400
        )
    if specification.get("PointInTimeRecoveryEnabled") in (True, "true"):
        recovery = recovery_of(name) or Recovery(table.get("TableId", ""), time.time(), days)
        recovery.days = days
        _recoveries[name] = recovery
    else:
        _recoveries.pop(name, None)
    dynamodb._pitr_settings[name] = recovery_of(name) is not None
    return described(name)


def described(table_name: str):
    description: dict = {"PointInTimeRecoveryStatus": "DISABLED"}
    recovery = recovery_of(table_name)
    if recovery:
        now = time.time()
        description = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": recovery.days,
            "EarliestRestorableDateTime": int(max(enabled_at(table_name, recovery), now - recovery.days * 86400)),
            "LatestRestorableDateTime": int(now),
        }
    return json_response(
        {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": description,
            }
        }
    )


def record_change(table_name: str, old: dict | None, new: dict | None) -> None:
    recovery = recovery_of(table_name)
    if recovery is None:
        return
    table = dynamodb._tables[table_name]
    item = new or old or {}
    keys = {name: item[name] for name in (table["pk_name"], table["sk_name"]) if name and name in item}
    recovery.changes.append(Change(time.time(), keys, old, new))


def items_at(table_name: str, moment: float) -> list[dict]:
    """The table as it stood then: as it stands now, with every later change undone."""
    # Lists of their own: writes go on meanwhile, and what they do after the items were read is undone with the rest.
    items = {}
    for group in list(dynamodb._tables[table_name]["items"].values()):
        for item in list(group.values()):
            items[key_text(keys_of(table_name, item))] = item
    changes = list(recovery_of(table_name).changes)
    for change in reversed(changes):
        if change.time <= moment:
            break
        if change.old is None:
            items.pop(key_text(change.keys), None)
        else:
            items[key_text(change.keys)] = change.old
    return list(items.values())


def keys_of(table_name: str, item: dict) -> dict:
    table = dynamodb._tables[table_name]
    return {name: item[name] for name in (table["pk_name"], table["sk_name"]) if name}


def key_text(keys: dict) -> str:
    return json.dumps(keys, sort_keys=True)
