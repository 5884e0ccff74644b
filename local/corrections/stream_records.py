"""The details of a stream record.

AWS: `eventID` is a globally unique string, in practice 32 hexadecimal digits; `SequenceNumber` is 21 to
40 digits; `SizeBytes` is at least 1
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html).

ministack 1.5.33: `eventID` is a UUID with dashes, `SequenceNumber` begins with zeros and is made from
the clock, and `SizeBytes` is 0.

Changed: all three.
"""

import itertools

from ministack.services import dynamodb

from .patching import original

_count = itertools.count()


def apply() -> None:
    original(dynamodb, "_next_stream_seq", "27792e02008df126")
    build = original(dynamodb, "_build_change_record", "45f604ee477218c3")

    def build_change_record(table, event_name, old_item, new_item, view_type):
        record = build(table, event_name, old_item, new_item, view_type)
        change = record["dynamodb"]
        record["eventID"] = record["eventID"].replace("-", "")
        images = [change[image] for image in ("Keys", "NewImage", "OldImage") if image in change]
        change["SizeBytes"] = max(1, sum(map(dynamodb._item_size_bytes, images)))
        return record

    dynamodb._next_stream_seq = next_sequence_number
    dynamodb._build_change_record = build_change_record


def next_sequence_number() -> str:
    """Has 21 digits at first and one more from the hundredth on, so that comparing them as text fails here too."""
    return str(9 * 10**20 + next(_count) * 10**18)
