"""The scenarios, as data: what goes wrong while tables change, files are imported and exports become snapshots."""

from dataclasses import dataclass, field

from .proxy import Faults

# Operations whose effect stays when their answer is lost.
WRITES = frozenset(
    {
        "PutObject", "UploadPart", "CompleteMultipartUpload", "CreateTable", "UpdateTable", "TagResource", "BatchWriteItem",
        "UpdateContinuousBackups", "POST", "PUT", "SendMessage", "SendMessageBatch", "CreateBackup", "DeleteBackup",
        "ExportTableToPointInTime", "StartQueryExecution", "DeleteObject",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """One run. Where nothing else is said, faults begin before the first table is made."""

    name: str
    what: str
    # microburst's rules, and what our own proxy does.
    rules: list[dict] = field(default_factory=list)
    faults: Faults = Faults()
    # Functions whose processes are killed again and again while there is work.
    killed: tuple[str, ...] = ()
    # Functions with another time-out, in seconds.
    timeouts: dict[str, int] = field(default_factory=dict)
    # Tables are made before the faults begin: what is being made at an outage has to wait for its end.
    tables_first: bool = False
    # Events come again, overlapping and in any order.
    repeated: bool = False
    # Of each of these kinds something has to be given up, to come back: "import" and "snapshot" (messages), "batch" and
    # "record" (of streams), "run" (of `backup`). For a batch triggers give up soon.
    gives_up: tuple[str, ...] = ()
    # How many items are written that can be no row until they are mended.
    bad: float = 0
    # A full export becomes a snapshot.
    exported: bool = False
    # `backup` runs on a schedule, for the days that `runs` tells of.
    scheduled: bool = False


def error(service: str, code: str, status: int, probability: float, **more: object) -> dict:
    return {"service": service, "probability": probability, "error": {"code": code, "status": status}} | more


def throttling(probability: float) -> list[dict]:
    return [
        error("dynamodb", "ProvisionedThroughputExceededException", 400, probability, operation="BatchWriteItem"),
        error("dynamodb", "ThrottlingException", 400, probability),
        error("glue", "ThrottlingException", 400, probability),
        error("athena", "TooManyRequestsException", 400, probability),
        error("resourcegroupstaggingapi", "ThrottledException", 400, probability),
        error("lambda", "TooManyRequestsException", 429, probability),
        error("sqs", "RequestThrottled", 403, probability),
        error("s3", "SlowDown", 503, probability),
    ]


def failing(probability: float) -> list[dict]:
    return [
        error("dynamodb", "InternalServerError", 500, probability),
        error("glue", "InternalServiceException", 500, probability),
        error("athena", "InternalServerException", 500, probability),
        error("resourcegroupstaggingapi", "InternalServiceException", 500, probability),
        error("lambda", "ServiceException", 500, probability),
        error("sqs", "InternalError", 500, probability),
        error("s3", "InternalError", 500, probability),
    ]


def cut(probability: float) -> list[dict]:
    return [
        {"service": "s3", "operation": "GetObject", "probability": probability, "response": {"abort_frac": 0.4}},
    ]


SCENARIOS = (
    Scenario("quiet", "no fault, to compare with", exported=True),
    Scenario("throttled-30", "30 % of all requests throttled", throttling(0.3), exported=True),
    Scenario("unprocessed", "half of every BatchWriteItem unprocessed", faults=Faults(unprocessed=0.5)),
    Scenario(
        "errors-1",
        "1 % of all requests answered with 500",
        # Of so few requests one is certain.
        [error("s3", "InternalError", 500, 1.0, operation="PutObject", times=1), *failing(0.01)],
    ),
    Scenario("errors-10", "10 % of all requests answered with 500", failing(0.1), exported=True),
    Scenario("errors-50", "half of all requests answered with 500", failing(0.5)),
    Scenario("slow-down", "half of S3's answers are SlowDown", [error("s3", "SlowDown", 503, 0.5)], exported=True),
    Scenario(
        "resets",
        "15 % of connections reset before the request is done",
        [{"service": "*", "probability": 0.15, "reset": True}],
    ),
    Scenario(
        "lost",
        "15 % of answers to writes lost after they were done",
        faults=Faults(lost=0.15, lost_operations=WRITES),
        exported=True,
    ),
    Scenario("cut", "30 % of objects cut off while they are read", cut(0.3), exported=True),
    Scenario(
        "timeouts",
        "3 % of requests held for 3 s and given up, two for longer than the functions wait",
        [
            {"service": "*", "probability": 0.02, "timeout_ms": 33_000, "times": 2},
            {"service": "*", "probability": 0.03, "timeout_ms": 3_000},
        ],
    ),
    Scenario(
        "slow",
        "half of all answers 0.1 to 1.5 s late",
        [{"service": "*", "probability": 0.5, "latency": {"min": 100, "max": 1500}}],
    ),
    Scenario("no-catalog", "Glue is down", [{"service": "glue", "reset": True}], tables_first=True),
    Scenario("killed", "functions killed in the middle of their work", killed=("stream", "import", "snapshot"), exported=True),
    Scenario(
        "function-timeouts",
        "functions run out of time",
        [{"service": "s3", "probability": 0.3, "latency": {"min": 500, "max": 2500}}],
        timeouts={"stream": 1, "import": 15},
    ),
    Scenario("repeated", "every event again, overlapping, in any order", repeated=True, exported=True),
    Scenario(
        "given-up",
        "batches, imports and snapshots given up, then redriven",
        [
            error("s3", "SlowDown", 503, 0.97, operation="PutObject", resource="lakebucket"),
            error("s3", "InternalError", 500, 1.0, operation="GetObject"),
        ],
        gives_up=("batch", "import", "snapshot"),
        tables_first=True,
        exported=True,
    ),
    Scenario(
        "bad-input",
        "one change in 200 can be no row until it is mended; 10 % answered with 500",
        failing(0.1),
        gives_up=("record",),
        bad=0.005,
        tables_first=True,
    ),
    Scenario(
        "runs-throttled",
        "scheduled backup runs, 30 % of all requests throttled",
        throttling(0.3),
        tables_first=True,
        scheduled=True,
    ),
    Scenario(
        "runs-failing",
        "scheduled backup runs, 20 % of all requests answered with 500",
        failing(0.2),
        tables_first=True,
        scheduled=True,
    ),
    Scenario(
        "runs-lost",
        "scheduled backup runs, 20 % of answers to writes lost",
        faults=Faults(lost=0.2, lost_operations=WRITES),
        tables_first=True,
        scheduled=True,
    ),
    Scenario(
        "runs-killed",
        "scheduled backup runs, killed in the middle of their work",
        killed=("backup", "compaction", "stream", "stream"),
        tables_first=True,
        scheduled=True,
    ),
    Scenario(
        "runs-timeouts",
        "scheduled backup runs without time for a table, a fifth of all answers late",
        [{"service": "*", "probability": 0.2, "latency": {"min": 200, "max": 1500}}],
        # A table has its turn only where minutes are left: such runs end by themselves, and are given up.
        timeouts={"backup": 15},
        gives_up=("run",),
        tables_first=True,
        scheduled=True,
    ),
)  # fmt: skip
