"""A table that is being changed, where a test asks for one by a tag (`trials`).

AWS: while an index is made, which may take hours, a table is UPDATING and takes no other change
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html).

ministack 1.5.33: whatever is changed is so at once.

Changed: the table with that tag says UPDATING, and UpdateTable `ResourceInUseException`.
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from . import trials
from .patching import original


def apply() -> None:
    describe = original(dynamodb, "_describe_table", "5349afe9bf82b3a6")
    update = original(dynamodb, "_update_table", "dd1170ef031cfbe4")

    def is_updating(data):
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName") or ""))
        return bool(table) and trials.is_updating(table["TableArn"])

    def describe_table(data):
        status, headers, body = describe(data)
        if status == 200 and is_updating(data):
            described = json.loads(body)
            described["Table"]["TableStatus"] = "UPDATING"
            body = json.dumps(described).encode()
        return status, headers, body

    def update_table(data):
        if is_updating(data):
            return error_response_json("ResourceInUseException", f"Table is being updated: {data['TableName']}", 400)
        return update(data)

    dynamodb._describe_table = describe_table
    dynamodb._update_table = update_table
