"""Deleting a table takes a while.

AWS: DeleteTable leaves the table DELETING until it is gone. Until then no other table can have its name,
reads and writes may still be taken, and to delete it again is no error
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html).

ministack 1.5.33: the table is gone at once.

Changed: it is DELETING for fifteen seconds.
"""

import time

from ministack.core.concurrency import spawn_background
from ministack.core.responses import json_response
from ministack.services import dynamodb

from .patching import original

SECONDS = 15.0


def apply() -> None:
    delete = original(dynamodb, "_delete_table", "c1dc27be8166e3b0")

    def delete_table(data):
        name = dynamodb._normalize_table_name(data.get("TableName"))
        table = dynamodb._tables.get(name)
        if table is None or table.get("DeletionProtectionEnabled") or table.get("VectorIndexes"):
            return delete(data)
        if table["TableStatus"] != "DELETING":
            table["TableStatus"] = "DELETING"
            spawn_background(remove, delete, name, table["TableId"], thread_name="delete-table")
        return json_response({"TableDescription": dynamodb._table_description(name)})

    dynamodb._delete_table = delete_table


def remove(delete, name: str, table_id: str) -> None:
    time.sleep(SECONDS)
    table = dynamodb._tables.get(name)
    if table is not None and table["TableId"] == table_id:
        delete({"TableName": name})
