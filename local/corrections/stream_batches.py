"""How a stream mapping cuts a stream into batches, and what becomes of a batch that fails.

Pure: no clock, no emulator. `stream_mappings` does what is decided here.
"""

import json
from collections import deque
from dataclasses import dataclass, field

# What an invocation may carry.
PAYLOAD_LIMIT = 6 * 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """What the mapping asks for, under AWS's names and with AWS's defaults. -1 means without end."""

    batch_size: int = 100
    batching_window: float = 0
    maximum_retry_attempts: int = -1
    maximum_record_age: float = -1
    bisect: bool = False
    report_batch_item_failures: bool = False

    @staticmethod
    def of(mapping: dict) -> "Settings":
        def given(name, default):
            value = mapping.get(name)
            return default if value is None else value

        return Settings(
            batch_size=int(given("BatchSize", 100)),
            batching_window=float(given("MaximumBatchingWindowInSeconds", 0)),
            maximum_retry_attempts=int(given("MaximumRetryAttempts", -1)),
            maximum_record_age=float(given("MaximumRecordAgeInSeconds", -1)),
            bisect=given("BisectBatchOnFunctionError", False) in (True, "true"),
            report_batch_item_failures="ReportBatchItemFailures" in given("FunctionResponseTypes", []),
        )

    def too_old(self, records: list[dict], now: float) -> bool:
        return 0 <= self.maximum_record_age < now - records[0]["dynamodb"]["ApproximateCreationDateTime"]


@dataclass
class Batch:
    """Records on their way to the function. `end` is where the stream goes on when all is done."""

    records: list[dict]
    end: int
    retries: int = 0
    invocations: int = 0


@dataclass
class Progress:
    """Where a mapping is in its stream."""

    position: int
    batches: deque[Batch] = field(default_factory=deque)
    # When the first record was seen that waits for others, and when a failed batch may be tried again.
    waiting_since: float | None = None
    not_before: float = 0.0

    def finish(self) -> None:
        """The batch at the head is done with, whether by the function or because it was given up."""
        self.position = max(self.position, self.batches.popleft().end)


def size_of(records: list[dict], limit: int = PAYLOAD_LIMIT) -> int:
    """How many of the records fit into one invocation. One always does."""
    total = 0
    for index, record in enumerate(records):
        total += len(json.dumps(record)) + 1
        if total > limit and index:
            return index
    return len(records)


def first_failure(body: object, records: list[dict]) -> int | None:
    """Where to try again from: nowhere if all went well, from 0 if the answer cannot be understood.

    AWS lists what counts as success and as failure:
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if isinstance(body, (str, bytes)) and body:
        try:
            body = json.loads(body)
        except ValueError:
            return None
    if not isinstance(body, dict) or not body.get("batchItemFailures"):
        return None
    try:
        failed = {failure["itemIdentifier"] for failure in body["batchItemFailures"]}
    except (KeyError, TypeError):
        return 0
    positions = {record["dynamodb"]["SequenceNumber"]: index for index, record in enumerate(records)}
    if not failed <= positions.keys():
        return 0
    return min(positions[identifier] for identifier in failed)


def split(batch: Batch, position: int) -> list[Batch]:
    """Two halves of a batch that failed. Splitting uses up no retry."""
    middle = len(batch.records) // 2
    return [
        Batch(batch.records[:middle], position, batch.retries, batch.invocations),
        Batch(batch.records[middle:], batch.end, batch.retries, batch.invocations),
    ]


def after_failure(progress: Progress, settings: Settings, failed_at: int | None, now: float) -> str | None:
    """Decides on the batch at the head, which has failed. Gives a condition if it is to be given up."""
    batch = progress.batches[0]
    if failed_at:
        batch.records = batch.records[failed_at:]
    if settings.too_old(batch.records, now):
        return "RecordAgeExceeded"
    if settings.bisect and failed_at is None and len(batch.records) > 1:
        progress.batches.popleft()
        progress.batches.extendleft(reversed(split(batch, progress.position)))
    elif 0 <= settings.maximum_retry_attempts <= batch.retries:
        return "RetryAttemptsExhausted"
    else:
        batch.retries += 1
    progress.not_before = now + min(0.1 * 2**batch.retries, 2.0)
    return None
