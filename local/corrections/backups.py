"""Listing and deleting on-demand backups.

AWS: ListBackups takes TimeRangeLowerBound (inclusive) and TimeRangeUpperBound (exclusive)
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListBackups.html); DeleteBackup gives
the description with the status DELETED (.../API_DeleteBackup.html).

ministack 1.5.33: ignores the bounds, and gives the status AVAILABLE.

Changed: both; and what a test asks for by tags of the table (`trials`).
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from . import trials
from .exports import throttled
from .patching import original, with_globals


def apply() -> None:
    listed = original(dynamodb, "_list_backups", "cc6cfc999eef7273")
    create = dynamodb._create_backup
    delete = original(dynamodb, "_delete_backup", "10e3704a52710294")

    def trial_of(data):
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName") or ""))
        return trials.backups_of(table and table["TableArn"])

    def create_backup(data):
        trial = trial_of(data)
        if trial == "throttle":
            return throttled()
        if trial == "delete":
            dynamodb._delete_table({"TableName": data["TableName"]})
            return error_response_json("TableNotFoundException", f"Table not found: {data['TableName']}", 400)
        return create(data)

    def list_backups(data):
        """ministack lists from whatever `_backups` is, so it gets those that are in the range."""
        if trial_of(data) == "throttle":
            return throttled()
        lower, upper = float(data.get("TimeRangeLowerBound") or 0), float(data.get("TimeRangeUpperBound") or "inf")
        within = {
            arn: backup
            for arn, backup in dynamodb._backups.items()
            if lower <= backup["BackupDetails"]["BackupCreationDateTime"] < upper
        }
        return with_globals(listed, _backups=within)(data)

    def delete_backup(data):
        status, headers, body = delete(data)
        if status == 200:
            description = json.loads(body)
            description["BackupDescription"]["BackupDetails"]["BackupStatus"] = "DELETED"
            body = json.dumps(description).encode()
        return status, headers, body

    dynamodb._create_backup = create_backup
    dynamodb._list_backups = list_backups
    dynamodb._delete_backup = delete_backup
