"""Which scenario needs which part of which statement.

| function | statement | |
|---|---|---|
| `import` | `Source` | the scenario that every action and resource of it is for |
| `import` | `Staging` | or a scenario for each of them, and `OTHERS` for those that are not named |

A statement without an entry fails the test, and so does an entry without its statement. What the local AWS does not
enforce is in `not_enforced`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import backing_up
import compacting
import importing
import snapshotting
import streaming
from deployed import Deployed

Scenario = Callable[[Deployed], None]
OTHERS = "others"


@dataclass(frozen=True)
class Told:
    """A scenario that breaks without saying that anything was denied, and what it says."""

    scenario: Scenario
    text: str


def uncolumned(scenario: Scenario) -> Told:
    """The stream function goes on without the catalog."""
    return Told(scenario, "the catalog has no column for the attribute")


def unimported(scenario: Scenario) -> Told:
    """DynamoDB says so of its import."""
    return Told(scenario, "Access denied: ")


def unaborted(scenario: Scenario) -> Told:
    """An upload that cannot be aborted is logged; the bucket's life-cycle rule removes its parts some day."""
    return Told(scenario, "parts of 1 uploads are left")


USES: dict[str, dict[str, Scenario | Told | dict[str, Scenario | Told]]] = {
    "import": {
        "Queue": {"sqs:SendMessage": importing.spread, OTHERS: importing.polled},
        "Source": {"s3:GetObject": importing.of_a_copied_export, "s3:GetObjectVersion": importing.folder},
        "Exports": {"s3:GetObject": importing.of_an_export, "s3:GetObjectVersion": importing.of_a_versioned_export},
        "ExportsFolders": {"s3:ListBucketVersions": importing.of_an_export},
        "Folders": importing.folder,
        "ReportsAndRejects": importing.folder,
        "Status": importing.folder,
        "Staging": {
            "s3:AbortMultipartUpload": unaborted(importing.spread),
            "s3:GetObject": unimported(importing.begun),
            OTHERS: importing.found_again,
        },
        "ObjectNotFound": importing.folder,
        "Tables": {
            "dynamodb:ImportTable": importing.found_again,
            "dynamodb:ListTagsOfResource": importing.taken,
            "dynamodb:TagResource": importing.followed,
            "dynamodb:UpdateTable": importing.followed,
            OTHERS: importing.folder,
        },
        "FollowImports": importing.followed,
        "ListImports": importing.found_again,
        "ImportLogs": unimported(importing.begun),
        "StreamMappings": importing.folder,
        "RepairStreamMappings": importing.repaired,
        "ListStreamMappings": importing.folder,
        "Catalog": importing.folder,
        "ChangeFiles": importing.folder,
        "ListChangeFiles": importing.folder,
    },
    "stream": {
        "Streams": streaming.mapped,
        "Lake": {
            "LakeBucket/changes/*": streaming.fed,
            "LakeBucket/quarantine/stream/*": streaming.quarantined,
            "LakeBucket/aws/lambda/*": streaming.mapped,
        },
        "Redrive": {
            "LakeBucket/aws/lambda/*": streaming.redriven_batch,
            "LakeBucket/quarantine/stream/*": streaming.redriven_record,
        },
        "FailureDestination": streaming.mapped,
        "Catalog": uncolumned(streaming.fed),
    },
    "backup": {
        "FindTables": {
            "dynamodb:ListTables": backing_up.found_by_name,
            OTHERS: backing_up.protected,
        },
        "Tables": {"dynamodb:ListTagsOfResource": backing_up.found_by_name, OTHERS: backing_up.protected},
        "Exports": backing_up.protected,
        "Backups": backing_up.protected,
        "ExportData": Told(backing_up.protected, "S3AccessDenied"),
        "State": backing_up.protected,
        "Snapshots": backing_up.audited,
        "Reports": {
            "LakeBucket/reports/export/*": backing_up.exported,
            "LakeBucket/reports/audit/*": backing_up.audited,
            OTHERS: backing_up.protected,
        },
        "ChangeFiles": backing_up.rebuilt,
        "ObjectNotFound": backing_up.protected,
        "Compaction": backing_up.protected,
        "StreamMappings": backing_up.protected,
        "RepairStreamMappings": backing_up.paused,
        "RemoveStreamMappings": backing_up.removed,
        "ListStreamMappings": backing_up.protected,
        "Catalog": backing_up.rebuilt,
        "Views": {"athena:GetQueryResults": backing_up.audited, OTHERS: backing_up.viewed},
        "ViewsDatabase": backing_up.viewed,
        "ViewsResults": {"s3:GetObject": backing_up.audited, "s3:PutObject": backing_up.viewed},
        "ViewsResultsBucket": {"s3:GetBucketLocation": backing_up.viewed},
        "FailureDestination": Told(backing_up.failed, "nothing to see"),
    },
    "compaction": {
        "ChangeFiles": {"s3:AbortMultipartUpload": unaborted(compacting.uncompacted), OTHERS: compacting.compacted},
        "Notes": compacting.compacted,
        "Reports": compacting.compacted,
        "ListChangeFiles": compacting.compacted,
    },
    "snapshot": {
        "Queue": {"sqs:SendMessage": snapshotting.a_snapshot, OTHERS: snapshotting.polled},
        "Exports": {
            "s3:ListBucket": snapshotting.missing,
            "ExportsBucket": snapshotting.missing,
            OTHERS: snapshotting.a_snapshot,
        },
        "Tables": {
            "dynamodb:DescribeTable": snapshotting.a_snapshot,
            "dynamodb:ListTagsOfResource": snapshotting.not_enrolled,
        },
        "Lake": {
            "s3:AbortMultipartUpload": unaborted(snapshotting.damaged),
            "LakeBucket/increments/*": snapshotting.an_increment,
            "LakeBucket/quarantine/snapshot/*": snapshotting.quarantined,
            OTHERS: snapshotting.a_snapshot,
        },
        "Notes": snapshotting.a_snapshot,
        "ListNotes": snapshotting.a_snapshot,
        "Catalog": {"table/headwater/*__increments": snapshotting.an_increment, OTHERS: snapshotting.a_snapshot},
    },
}
