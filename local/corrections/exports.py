"""ExportTableToPointInTime.

AWS (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html): needs
point-in-time recovery; a full export holds the table as of ExportTime; an incremental one what changed
from ExportFromTime (inclusive) to ExportToTime (exclusive), 15 minutes to 24 hours apart; a ClientToken
used again within 8 hours gives the same export, or ExportConflictException if anything else in the
request differs; DynamoDB writes to the bucket with the permissions of the caller. ListExports
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html) lists backwards by ARN.

ministack 1.5.33: writes nothing, needs no recovery, counts partition keys as items, leaves the prefix
out of the manifest's key, and lists the oldest first.

Changed: all of this. So that no test has to wait for 15 minutes, an incremental export may begin before
recovery was switched on. What is not there: Ion, and AWS's limits on size and number.
"""

import time
import uuid

from ministack.core.concurrency import spawn_background
from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import dynamodb, s3

from . import export_files, objects, trials
from .patching import original
from .permissions import caller, caller_may
from .recovery import enabled_at, items_at, keys_of, recovery_of

TOKEN_LIFE = 8 * 3600
SHORTEST_WINDOW, LONGEST_WINDOW = 15 * 60, 24 * 3600
LONGEST_PAGE = 25

# ClientToken -> the request it came with, the export that was made, and when.
_tokens = AccountRegionScopedDict()


def apply() -> None:
    original(dynamodb, "_export_table_to_point_in_time", "7de9a0bcce549037")
    original(dynamodb, "_describe_export", "28915d45df50e6ae")
    original(dynamodb, "_list_exports", "90853a7992a00f28")
    dynamodb._export_table_to_point_in_time = start_export
    dynamodb._describe_export = describe_export
    dynamodb._list_exports = list_exports


def start_export(data: dict):
    """ExportTableToPointInTime."""
    now = time.time()
    table_name = dynamodb._table_name_from_arn(data.get("TableArn") or "")
    refused = refusal(data, table_name, now)
    if refused:
        return error_response_json(*refused, 400)
    token, request = data.get("ClientToken"), {key: value for key, value in data.items() if key != "ClientToken"}
    known = _tokens.get(token) if token else None
    if known and now - known["time"] < TOKEN_LIFE:
        if known["request"] != request:
            return error_response_json("ExportConflictException", "ClientToken was used with other parameters", 400)
        return json_response({"ExportDescription": dynamodb._exports[known["arn"]]})
    export = new_export(data, table_name, now)
    dynamodb._exports[export["ExportArn"]] = export
    if token:
        _tokens[token] = {"time": now, "request": request, "arn": export["ExportArn"]}
    answer = json_response({"ExportDescription": export})
    trial = trials.outcome_of(export)
    if trial == "stay":
        export["StartTime"] = now - trials.STAYS_SINCE
    else:
        failure = ("Unknown", "a tag of the table says so") if trial == "fail" else None
        spawn_background(write_export, export, table_name, caller(), failure, thread_name="export")
    return answer


def refusal(data: dict, table_name: str, now: float) -> tuple[str, str] | None:
    """Why there can be no such export: the error's code and its message."""
    if table_name not in dynamodb._tables:
        return "TableNotFoundException", f"Table not found: {data.get('TableArn')}"
    recovery = recovery_of(table_name)
    if recovery is None:
        return (
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{table_name}'",
        )
    if not data.get("S3Bucket"):
        return "ValidationException", "S3Bucket is missing"
    if data.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        return "ValidationException", "The local AWS exports DYNAMODB_JSON only"
    if data.get("ExportType", "FULL_EXPORT") == "FULL_EXPORT":
        moment = data.get("ExportTime", now)
        if not int(enabled_at(table_name, recovery)) <= moment <= now + 1:
            return "InvalidExportTimeException", "ExportTime is not within the point in time recovery window"
        return None
    window = data.get("IncrementalExportSpecification") or {}
    start, end = window.get("ExportFromTime", 0), window.get("ExportToTime", now)
    if not SHORTEST_WINDOW <= end - start <= LONGEST_WINDOW:
        return "ValidationException", "The export period has to be from 15 minutes to 24 hours"
    if end > now:
        return "InvalidExportTimeException", "ExportToTime is in the future"
    return None


def new_export(data: dict, table_name: str, now: float) -> dict:
    """The export as DescribeExport gives it, at its beginning."""
    export_id = f"{int(now * 1000):014d}-{uuid.uuid4().hex[:8]}"
    export = {
        "ExportArn": f"{data['TableArn']}/export/{export_id}",
        "ExportStatus": "IN_PROGRESS",
        "StartTime": now,
        "TableArn": data["TableArn"],
        "TableId": dynamodb._tables[table_name]["TableId"],
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": data.get("ExportType", "FULL_EXPORT"),
    }
    for name in ("S3Bucket", "S3Prefix", "S3BucketOwner", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken"):
        if data.get(name):
            export[name] = data[name]
    if export["ExportType"] == "FULL_EXPORT":
        export["ExportTime"] = data.get("ExportTime", now)
    else:
        window = data["IncrementalExportSpecification"]
        export["IncrementalExportSpecification"] = {
            "ExportToTime": now,
            "ExportViewType": "NEW_AND_OLD_IMAGES",
        } | window
    return export


def describe_export(data: dict):
    """DescribeExport. An export ends when its files are there, and not when it is looked at."""
    export = dynamodb._exports.get(data.get("ExportArn"))
    if export is None:
        return error_response_json("ExportNotFoundException", f"Export not found: {data.get('ExportArn')}", 400)
    if trials.are_throttled(export["TableArn"]):
        return throttled()
    return json_response({"ExportDescription": export})


def list_exports(data: dict):
    """ListExports, a page of it: from the beginning, or after the export that a page before ended with."""
    table_arn, after = data.get("TableArn"), data.get("NextToken")
    if trials.are_throttled(table_arn):
        return throttled()
    found = [export for export in dynamodb._exports.values() if table_arn in (None, export["TableArn"])]
    found.sort(key=lambda export: export["ExportArn"], reverse=True)
    left = [export for export in found if after is None or export["ExportArn"] < after]
    page = left[: data.get("MaxResults", LONGEST_PAGE)]
    names = ("ExportArn", "ExportStatus", "ExportType")
    answer: dict = {"ExportSummaries": [{name: export[name] for name in names} for export in page]}
    if len(page) < len(left):
        answer["NextToken"] = page[-1]["ExportArn"]
    return json_response(answer)


def throttled():
    return error_response_json("ThrottlingException", "Rate exceeded", 400)


def write_export(
    export: dict, table_name: str, access_key_id: str, failure: tuple[str, str] | None = None
) -> None:
    """Runs beside the request. Whatever goes wrong ends up in the export's description."""
    try:
        failure = failure or bucket_failure(export, access_key_id) or write_files(export, table_name)
    except Exception as error:
        failure = "Unknown", f"{type(error).__name__}: {error}"
    export["EndTime"] = export.get("EndTime") or time.time()
    if failure:
        export["FailureCode"], export["FailureMessage"] = failure
    export["ExportStatus"] = "FAILED" if failure else "COMPLETED"


def bucket_failure(export: dict, access_key_id: str) -> tuple[str, str] | None:
    bucket = export["S3Bucket"]
    if bucket not in s3._buckets:
        return "S3NoSuchBucket", "The specified bucket does not exist"
    where = export_files.folder(export.get("S3Prefix"), "_started")
    if not caller_may(access_key_id, "s3:PutObject", f"arn:aws:s3:::{bucket}/{where}"):
        return "S3AccessDenied", f"Access denied to {bucket}"
    return None


def write_files(export: dict, table_name: str) -> None:
    bucket, prefix, export_id = export["S3Bucket"], export.get("S3Prefix"), export["ExportArn"].rpartition("/")[2]
    own = export_files.folder(prefix, export_id)
    objects.put(bucket, f"{own}/_started", b"")
    is_full = export["ExportType"] == "FULL_EXPORT"
    data_folder = f"{own}/data" if is_full else export_files.folder(prefix, "data")
    files = export_files.data_files(lines_of(export, table_name), data_folder, export_id)
    manifest = export_files.manifest_files([(file, objects.put(bucket, file.key, file.body)) for file in files])
    export["ItemCount"] = sum(file.items for file in files)
    export["BilledSizeBytes"] = dynamodb._tables[table_name].get("TableSizeBytes", 0)
    export["ExportManifest"] = f"{own}/manifest-summary.json"
    export["EndTime"] = time.time()
    summary = export_files.manifest_summary(export, f"{own}/manifest-files.json")
    for name, body in (("manifest-files", manifest), ("manifest-summary", summary)):
        objects.put(bucket, f"{own}/{name}.md5", export_files.checksum(body).encode())
        objects.put(bucket, f"{own}/{name}.json", body)


def lines_of(export: dict, table_name: str):
    window = export.get("IncrementalExportSpecification")
    if window is None:
        return export_files.full_lines(
            items_at(table_name, export["ExportTime"]), lambda item: keys_of(table_name, item)
        )
    with dynamodb._lock:
        changes = list(recovery_of(table_name).changes)
    new_image_only = window["ExportViewType"] == "NEW_IMAGE"
    return export_files.incremental_lines(changes, window["ExportFromTime"], window["ExportToTime"], new_image_only)
