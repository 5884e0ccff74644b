"""A stream event to Parquet in memory by pyarrow: the CPU time of it in a process that is warm.

usage: pyarrow_event.py EVENT.json SCHEMA.json boto3|orjson RUNS
"""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from conversion import Item, columns_of, fields, reader


def row(record: dict[str, Any], convert: Callable[[Item], Item]) -> dict[str, Any]:
    change = record["dynamodb"]
    new, old = change.get("NewImage"), change.get("OldImage")
    return {
        "event_id": record["eventID"],
        "event_name": record["eventName"],
        "sequence": change["SequenceNumber"],
        "at": change["ApproximateCreationDateTime"],
        "size": change["SizeBytes"],
        "new": convert(new) if new else None,
        "old": convert(old) if old else None,
    }


def main(event_file: str, schema_file: str, library: str, runs: str) -> None:
    columns = columns_of(schema_file)
    image = pa.struct(fields(columns))
    about: list[tuple[str, pa.DataType]] = [(name, pa.string()) for name in ("event_id", "event_name", "sequence")]
    about += [("at", pa.int64()), ("size", pa.int64())]
    schema = pa.schema([*about, ("new", image), ("old", image)])
    loads, convert = reader(library, columns)
    with open(event_file, "rb") as file:
        event = file.read()
    seconds = []
    for _ in range(1 + int(runs)):
        began = time.process_time()
        rows = [row(record, convert) for record in loads(event)["Records"]]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd", compression_level=3)
        seconds.append(time.process_time() - began)
    # The first was the warm-up.
    print(json.dumps({"rows": len(rows), "cpu_s": statistics.median(seconds[1:]), "bytes": len(sink.getvalue())}))


main(*sys.argv[1:])
