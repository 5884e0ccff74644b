"""Event source mappings of DynamoDB streams.

AWS (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html,
.../services-dynamodb-errors.html and .../services-ddb-batchfailurereporting.html): a failed batch is
tried again, in order, until it succeeds, its records are older than MaximumRecordAgeInSeconds or
MaximumRetryAttempts are used up; BisectBatchOnFunctionError halves it, which uses up no retry; with
ReportBatchItemFailures it is tried again from the lowest failed record; MaximumBatchingWindowInSeconds
gathers records; an invocation carries 6 MB at most; what is given up goes to the on-failure destination.
A stream that has been closed, because its table is gone, is read to its end.

ministack 1.5.33: retries for ever, counts a partly failed batch as done, knows no window and no limit of
size, does not read closed streams, and while one function runs no other mapping gets its turn.

Changed: all of this. What is not there: ParallelizationFactor (always 1) and tumbling windows. AWS does
not say how long it waits between retries; here it is up to 2 s.
"""

import threading
import time

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

from . import failure_destinations
from .patching import original
from .stream_batches import Batch, Progress, Settings, after_failure, first_failure, size_of

_progress: dict[str, Progress] = {}
_running: set[str] = set()
_running_lock = threading.Lock()


def apply() -> None:
    original(lambda_svc, "_poll_dynamodb_streams", "2b2460e933a9f3c3")
    original(lambda_svc, "_poll_loop", "6a443090919adccf")
    original(lambda_svc, "_dispatch_esm_batch", "b91ab76fad0bfaf7")
    release = original(lambda_svc, "_release_esm_poll_state", "780cf96ac7f873e2")

    def release_poll_state(mapping_id):
        _progress.pop(mapping_id, None)
        release(mapping_id)

    lambda_svc._poll_dynamodb_streams = poll
    lambda_svc._release_esm_poll_state = release_poll_state
    # ministack looks once a second when nothing happens. Retries and windows want it more often.
    threading.Thread(target=wake_forever, daemon=True, name="stream-mappings").start()


def wake_forever() -> None:
    while True:
        time.sleep(0.1)
        if _progress:
            lambda_svc._esm_wake.set()


def poll() -> bool:
    """Gives every mapping that has work a turn on a thread of its own. Never waits."""
    started = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        account_token, region_token = _request_account_id.set(account), _request_region.set(region)
        try:
            started = start_turn(mapping) or started
        finally:
            _request_account_id.reset(account_token)
            _request_region.reset(region_token)
    return started


def start_turn(mapping: dict) -> bool:
    """Order within a shard means one turn at a time for each mapping."""
    mapping_id = mapping["UUID"]
    with _running_lock:
        if mapping_id in _running or not is_active(mapping) or not (work := next_batch(mapping)):
            return False
        _running.add(mapping_id)

    def turn():
        try:
            take_turn(mapping, *work)
        finally:
            with _running_lock:
                _running.discard(mapping_id)

    lambda_svc._dispatch_esm_batch(mapping_id, turn)
    return True


def is_active(mapping: dict) -> bool:
    return mapping.get("Enabled", True) and mapping["UUID"] in lambda_svc._esms


def next_batch(mapping: dict) -> tuple[Progress, dict] | None:
    """Puts a batch at the head of the mapping's progress, if there is one to be had now."""
    stream = read_stream(mapping["EventSourceArn"])
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    if stream is None or function is None:
        return None
    records, trimmed = stream
    progress = progress_of(mapping, len(records), trimmed)
    now = time.time()
    if now < progress.not_before:
        return None
    if not progress.batches:
        start, settings = progress.position - trimmed, Settings.of(mapping)
        cut_batch(progress, mapping, settings, records[start : start + settings.batch_size], now)
    return (progress, function) if progress.batches else None


def read_stream(arn: str) -> tuple[list[dict], int] | None:
    """The stream's records and how many have expired before them, of an open stream or of a closed one."""
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        return None
    named = lambda_svc._dynamodb_stream_table_from_arn_spec(spec) if spec.service == "dynamodb" else None
    if named is None:
        return None
    table = dynamodb._tables.get(named[0])
    if table and table.get("LatestStreamArn") == arn and (table.get("StreamSpecification") or {}).get("StreamEnabled"):
        return dynamodb.stream_live_records(named[0]), dynamodb.stream_start_position(named[0])
    closed = dynamodb.closed_stream(arn)
    return (closed["records"], closed["trimmed"]) if closed else None


def progress_of(mapping: dict, length: int, trimmed: int) -> Progress:
    progress = _progress.get(mapping["UUID"])
    if progress is None:
        # ministack has noted where LATEST was when the mapping was made.
        noted = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"])
        latest = mapping.get("StartingPosition") != "TRIM_HORIZON"
        start = noted if noted is not None else trimmed + length if latest else trimmed
        progress = _progress[mapping["UUID"]] = Progress(start)
    progress.position = max(progress.position, trimmed)
    return progress


def cut_batch(progress: Progress, mapping: dict, settings: Settings, taken: list[dict], now: float) -> None:
    """Makes a batch of the next records, unless it is worth waiting for more."""
    fitting = size_of(taken)
    full = len(taken) == settings.batch_size or fitting < len(taken)
    wanted = lambda_svc._apply_filter_criteria(taken[:fitting], mapping)
    if not wanted:
        progress.position += fitting
        return
    if progress.waiting_since is None:
        progress.waiting_since = now
    if not full and now - progress.waiting_since < settings.batching_window:
        return
    progress.waiting_since = None
    progress.batches.append(Batch(wanted, progress.position + fitting))


def take_turn(mapping: dict, progress: Progress, function: dict) -> None:
    """Invokes the function with the batch at the head, and does what its answer calls for."""
    settings, batch = Settings.of(mapping), progress.batches[0]
    if settings.too_old(batch.records, time.time()):
        give_up(mapping, progress, function, {}, "RecordAgeExceeded")
        return
    batch.invocations += 1
    result = lambda_svc._execute_function(function, {"Records": batch.records})
    if result.get("throttle"):
        progress.not_before = time.time() + 0.5
        return
    error, failed_at = bool(result.get("error")), None
    if not error and settings.report_batch_item_failures:
        failed_at = first_failure(result.get("body"), batch.records)
    if not error and failed_at is None:
        mapping["LastProcessingResult"] = "OK"
        progress.finish()
        return
    mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
    condition = after_failure(progress, settings, failed_at, time.time())
    if condition:
        give_up(mapping, progress, function, result, condition)


def give_up(mapping: dict, progress: Progress, function: dict, result: dict, condition: str) -> None:
    if mapping["UUID"] in lambda_svc._esms:
        failure_destinations.send(mapping, function, progress.batches[0], result, condition)
    progress.finish()
