"""What a test asks of a table, by tags of the table: what on AWS takes days, or does not come when it is wanted.

| tag | value | then |
|---|---|---|
| `local:full-exports`, `local:incremental-exports` | `fail` | one that is started now fails |
| | `stay` | one that is started now stays in progress, and was started 25 hours ago |
| `local:describe-exports` | `throttle` | exports are neither listed nor described: `ThrottlingException` |
| `local:backups` | `throttle` | backups are neither made nor listed: `ThrottlingException` |
| | `delete` | the table is deleted just when a backup of it is to be made |
| `local:table` | `updating` | the table is being changed, for as long as it has the tag |
| `local:recovery-hours` | `3` | point-in-time recovery was switched on three hours before it was |
"""

from ministack.services import dynamodb

STAYS_SINCE = 25 * 3600


def outcome_of(export: dict) -> str | None:
    kind = "full" if export["ExportType"] == "FULL_EXPORT" else "incremental"
    return _tag(export["TableArn"], f"local:{kind}-exports")


def are_throttled(table_arn: str | None) -> bool:
    return _tag(table_arn, "local:describe-exports") == "throttle"


def backups_of(table_arn: str | None) -> str | None:
    return _tag(table_arn, "local:backups")


def is_updating(table_arn: str | None) -> bool:
    return _tag(table_arn, "local:table") == "updating"


def recovery_hours_of(table_arn: str | None) -> float:
    return float(_tag(table_arn, "local:recovery-hours") or 0)


def _tag(table_arn: str | None, key: str) -> str | None:
    tags = (dynamodb._tags.get(table_arn) or []) if table_arn else []
    return next((tag["Value"] for tag in tags if tag["Key"] == key), None)
