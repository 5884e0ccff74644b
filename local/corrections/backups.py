"""Listing and deleting on-demand backups.

AWS: ListBackups takes TimeRangeLowerBound (inclusive) and TimeRangeUpperBound (exclusive)
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListBackups.html); DeleteBackup gives
the description with the status DELETED (.../API_DeleteBackup.html).

ministack 1.5.33: ignores the bounds, and gives the status AVAILABLE.

Changed: both.
"""

import json

from ministack.services import dynamodb

from .patching import original, with_globals


def apply() -> None:
    listed = original(dynamodb, "_list_backups", "cc6cfc999eef7273")
    delete = original(dynamodb, "_delete_backup", "10e3704a52710294")

    def list_backups(data):
        """ministack lists from whatever `_backups` is, so it gets those that are in the range."""
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

    dynamodb._list_backups = list_backups
    dynamodb._delete_backup = delete_backup
