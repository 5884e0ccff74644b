"""The files of an export, as DynamoDB lays them out in the bucket.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3TableExport.Output.html. Below
`<prefix>/AWSDynamoDB/<export id>/` are an empty `_started`, `manifest-summary.json`,
`manifest-files.json` (one JSON object in each line) and their checksums. The data of a full export is in
`data/` beside them, that of an incremental one in `<prefix>/AWSDynamoDB/data/`. There is at least one
data file for each partition of the table, and that of an empty partition is empty. The page calls the
checksums `.checksum`; AWS's own tools look for `.md5`, which is what is written here.

Pure: gives names and bytes, writes nothing.
"""

import base64
import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from .recovery import Change, key_text

# A new on-demand table has four.
PARTITIONS = 4


@dataclass(frozen=True)
class DataFile:
    key: str
    body: bytes
    items: int


def folder(prefix: str | None, *parts: str) -> str:
    return "/".join([*filter(None, [(prefix or "").strip("/")]), "AWSDynamoDB", *parts])


def full_lines(items: Iterable[dict], keys_of) -> Iterable[tuple[str, dict]]:
    for item in items:
        yield key_text(keys_of(item)), {"Item": item}


def incremental_lines(
    changes: list[Change], start: float, end: float, new_image_only: bool
) -> Iterable[tuple[str, dict]]:
    """One line for each key that is not at the end what it was at the start. From inclusive, to exclusive."""
    first: dict[str, Change] = {}
    last: dict[str, Change] = {}
    for change in changes:
        if start <= change.time < end:
            key = key_text(change.keys)
            first.setdefault(key, change)
            last[key] = change
    for key, change in last.items():
        old, new = first[key].old, change.new
        if old is None and new is None:
            continue
        line = {"Metadata": {"WriteTimestampMicros": {"N": str(int(change.time * 1_000_000))}}, "Keys": change.keys}
        if old is not None and not new_image_only:
            line["OldImage"] = old
        if new is not None:
            line["NewImage"] = new
        yield key, line


def data_files(lines: Iterable[tuple[str, dict]], where: str, export_id: str) -> list[DataFile]:
    partitions: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for key, line in lines:
        partitions[zlib.crc32(key.encode()) % PARTITIONS].append(
            json.dumps(line, separators=(",", ":")).encode() + b"\n"
        )
    return [
        DataFile(f"{where}/{file_name(export_id, number)}", gzip.compress(b"".join(partition), mtime=0), len(partition))
        for number, partition in enumerate(partitions)
    ]


def file_name(export_id: str, partition: int) -> str:
    digest = hashlib.md5(f"{export_id}/{partition}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower() + ".json.gz"


def manifest_files(files: list[tuple[DataFile, str]]) -> bytes:
    """Each file with the ETag that S3 gave for it."""
    lines = (
        {"itemCount": file.items, "md5Checksum": checksum(file.body), "etag": etag, "dataFileS3Key": file.key}
        for file, etag in files
    )
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def manifest_summary(export: dict, files_key: str) -> bytes:
    """From the export as DescribeExport gives it."""
    summary = {
        "version": "2020-06-30",
        "exportArn": export["ExportArn"],
        "startTime": iso(export["StartTime"]),
        "endTime": iso(export["EndTime"]),
        "tableArn": export["TableArn"],
        "tableId": export["TableId"],
        "s3Bucket": export["S3Bucket"],
        "s3Prefix": export.get("S3Prefix"),
        "s3SseAlgorithm": export.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": export.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": files_key,
        "billedSizeBytes": export["BilledSizeBytes"],
        "itemCount": export["ItemCount"],
        "outputFormat": export["ExportFormat"],
    }
    window = export.get("IncrementalExportSpecification")
    if window:
        summary |= {
            "exportFromTime": iso(window["ExportFromTime"]),
            "exportToTime": iso(window["ExportToTime"]),
            "outputView": window["ExportViewType"],
            "exportType": "INCREMENTAL_EXPORT",
        }
    else:
        summary["exportTime"] = iso(export["ExportTime"])
    return json.dumps(summary).encode()


def checksum(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(moment)) + f"{int(moment * 1000) % 1000:03d}Z"
