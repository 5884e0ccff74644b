"""What is written: tables whose items come, change and go, a key several times, with attributes that come later."""

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any

from .cloud import Cloud

BATCH = 25
# Base64 of seven bytes as it has to be, and with bits in its last digit that stand for nothing: DynamoDB takes that for the
# same bytes, and Headwater refuses it, as it could hide damage.
GOOD, BAD = b"cG9pc29uIQ==", b"cG9pc29uIR=="


def send_bad_input(cloud: Cloud) -> None:
    """From now on what is written by a batch has `BAD` for `GOOD`; no SDK writes it of itself."""

    def spoil(params: dict[str, Any], **_: Any) -> None:
        params["body"] = params["body"].replace(GOOD, BAD)

    cloud.dynamodb.meta.events.register("before-call.dynamodb.BatchWriteItem", spoil)


def mended(kept: bytes) -> bytes:
    """What a person makes of a record that can be no row."""
    return kept.replace(BAD, GOOD)


@dataclass
class Table:
    """A table under change, and what it has to hold."""

    name: str
    random: random.Random
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    # How many of its items are written as DynamoDB takes them and Headwater does not.
    bad: float = 0
    changes: int = 0
    made: int = 0

    def change(self, cloud: Cloud, count: int) -> None:
        """So many more inserts, updates and deletes."""
        end = self.changes + count
        while self.changes < end:
            writes = self._writes(min(BATCH, end - self.changes))
            left = {self.name: writes}
            while left:
                left = cloud.dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
            self.changes += len(writes)

    def _writes(self, count: int) -> list[dict[str, Any]]:
        """Of different keys, as a batch has to be."""
        writes, taken = [], set()
        while len(writes) < count:
            choice = self.random.random()
            key = self._some_key() if choice > 0.3 and self.items else None
            if key in taken:
                continue
            if key is None:
                self.made += 1
                key = f"{self.made:06}"
            taken.add(key)
            if key in self.items and choice > 0.85:
                del self.items[key]
                writes.append({"DeleteRequest": {"Key": {"pk": {"S": key}}}})
            else:
                self.items[key] = item = self._item(key, self.changes + len(writes))
                writes.append({"PutRequest": {"Item": item}})
        return writes

    def _some_key(self) -> str:
        # The newest half of all keys: some come again and again.
        return f"{self.random.randint(self.made // 2, self.made):06}"

    def _item(self, key: str, version: int) -> dict[str, Any]:
        item = {"pk": {"S": key}, "version": {"N": str(version)}, "text": {"S": f"é{version:x} " * (version % 9)}}
        if version % 3 == 0:
            item["exact"] = {"N": f"{version}.{10**30 + version}"}
        if version % 5 == 0:
            item["tags"] = {"SS": [f"t{version % 7}", f"u{version % 11}"]}
        if version % 7 == 0:
            item["drifts"] = {"S": "x"} if version % 2 else {"BOOL": True}
        if version % 11 == 0:
            item["bytes"] = {"B": version.to_bytes(4, "big")}
        if self.bad and self.random.random() < self.bad:
            item["odd"] = {"B": base64.b64decode(GOOD)}
        # A column that nobody knew before, now and then.
        item[f"later_{version // 1500}"] = {"M": {"l": {"L": [{"N": str(version)}, {"NULL": True}]}}}
        return item


def seed(name: str) -> bytes:
    """A file of one item, which makes the table."""
    return json.dumps({"pk": f"seed of {name}"}).encode()


def rows(count: int) -> bytes:
    """A file to import."""
    lines = (f"{number},name {number % 97},{number % 1000}.25,{'y' * (number % 40)}" for number in range(count))
    return ("id,name,price,note\n" + "\n".join(lines) + "\n").encode()
