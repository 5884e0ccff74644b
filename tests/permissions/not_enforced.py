"""What AWS demands and the local AWS does not ask for: the page that says so, why nothing breaks here, and a scenario
that would have to break.

Should it break, the entry is out of date and the test fails: the statement belongs into `uses` then.
"""

from dataclasses import dataclass

import backing_up
import compacting
import importing
import snapshotting
import streaming
from uses import Scenario

DOCS = "https://docs.aws.amazon.com/"


@dataclass(frozen=True)
class Unasked:
    """A permission that nobody asks for here."""

    scenario: Scenario
    # Below DOCS.
    page: str
    because: str


def logs(scenario: Scenario) -> Unasked:
    return Unasked(
        scenario,
        "lambda/latest/dg/monitoring-cloudwatchlogs-prereqs.html",
        "the emulator keeps the logs itself, and not in the function's role",
    )


def traces(scenario: Scenario) -> Unasked:
    return Unasked(
        scenario,
        "lambda/latest/dg/services-xray.html",
        "there is no X-Ray here, so no trace is sent",
    )


def key(scenario: Scenario) -> Unasked:
    return Unasked(
        scenario,
        "AmazonS3/latest/userguide/UsingKMSEncryption.html",
        "nothing is encrypted here, whatever key is named",
    )


def table_keys(scenario: Scenario) -> Unasked:
    return Unasked(
        scenario,
        "amazondynamodb/latest/developerguide/encryption.usagenotes.html",
        "tables are not encrypted here, whatever key is named",
    )


IN_PARTS = Unasked(
    backing_up.viewed, "athena/latest/ug/s3-permissions.html", "the results of a query are not uploaded in parts here"
)


NOT_ENFORCED: dict[str, dict[str, Unasked | dict[str, Unasked]]] = {
    "import": {
        "ExportsFolders": {
            "s3:ListBucket": Unasked(
                importing.of_an_export,
                "amazondynamodb/latest/developerguide/S3DataImport.Requesting.html",
                "it is ImportTable's, and DynamoDB's exports are only given to it as they are when they are large",
            )
        },
        "Logs": logs(importing.folder),
        "Traces": traces(importing.folder),
        "ExportKey": key(importing.of_an_export),
        "Key": key(importing.folder),
        "TableKeys": table_keys(importing.folder),
    },
    "stream": {
        "Key": key(streaming.redriven_batch),
        "TableKeys": table_keys(streaming.fed),
        "Logs": logs(streaming.fed),
        "Traces": traces(streaming.fed),
    },
    "backup": {
        "ExportData": dict.fromkeys(
            ("s3:AbortMultipartUpload", "s3:PutObjectAcl"),
            Unasked(
                backing_up.protected,
                "amazondynamodb/latest/developerguide/S3DataExport_Requesting.html",
                "the emulator writes each file of an export at once, and sets no access list",
            ),
        ),
        "ViewsResults": dict.fromkeys(("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"), IN_PARTS),
        "ViewsResultsBucket": {"s3:ListBucketMultipartUploads": IN_PARTS},
        "Logs": logs(backing_up.viewed),
        "Traces": traces(backing_up.viewed),
        "ExportKey": key(backing_up.protected),
        "Key": key(backing_up.viewed),
        "TableKeys": table_keys(backing_up.protected),
    },
    "compaction": {
        "Logs": logs(compacting.compacted),
        "Traces": traces(compacting.compacted),
        "Key": key(compacting.compacted),
    },
    "snapshot": {
        "Logs": logs(snapshotting.a_snapshot),
        "Traces": traces(snapshotting.a_snapshot),
        "ExportKey": key(snapshotting.a_snapshot),
        "Key": key(snapshotting.a_snapshot),
    },
}
