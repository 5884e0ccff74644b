"""The scheduled runs of some days, under faults, and what they have to leave behind.

| table | tags | has to have in the end |
|---|---|---|
| a | `headwater:retain=2d` | the backups of the two last days, a full export of each day |
| b | `headwater:export=off` | a backup of each day |
| c, without a change feed | `headwater:export=incremental`, recovery is nine days old | a full export of each day, and windows from the first one on, each once, without a gap |

All have a backup of someone else's, which stays. The event of each day comes twice, as schedules may deliver it, and that of
the run in between once; they go to the function as a schedule's do: Lambda tries them three times, and keeps what fails.

A run that is due in an hour, under faults and once more after them, takes all that there is for old enough: it moves a's views
to the newest snapshot and audits it, which has to be clean after them, and has `compaction` merge the change files of a and b.
Then an hour seems to be over, and another run of `compaction` removes what was merged.
"""

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from botocore.exceptions import ClientError

from demo.show import Unmet, until

from . import redrive
from .cloud import Cloud
from .proxy import Proxy
from .snapshots import finished

DAYS = 4
# How long a run has, under faults, before the next one begins.
DAY_SECONDS = 12
# Lambda waits two seconds before it tries an event for the last time: without a request for so long all is over.
IDLE_SECONDS = 5
KEPT_BY_A = 2
SOMEONE_ELSES = ("nightly", "headwater-by-hand")
# Another run takes a claim over after that: more than the 17 minutes of claim.rs.
CLAIM_MINUTES = 20
# The furthest that an event's time may lie ahead, by schedule.rs: the hour that it is has ended by then.
AHEAD = timedelta(hours=1)
# How long the merge has that a run has begun.
MERGE_SECONDS = 60
# So many small change files of a day are merged: lake::compaction.
MERGED_FROM = 8
# A window is of an hour or more, in quarters of one.
LONGEST_LAG = timedelta(minutes=75)


class Runs:
    def __init__(self, cloud: Cloud, proxy: Proxy, scenario: str) -> None:
        self.cloud, self.proxy = cloud, proxy
        self.a, self.b, self.c = self.tables = [f"soak-{scenario}-{letter}" for letter in "abc"]
        yesterday = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
        self.due = [yesterday - timedelta(days=days) for days in reversed(range(DAYS))]
        # The reports of the last runs, and why one has none.
        self.last: dict = {}
        self.between: dict = {}
        self.ahead: dict = {}
        self.merged: dict = {}
        # What was merged, by the notes, and how many files a day had before.
        self.notes: dict[str, list[dict]] = {}
        self.most_files: dict[str, int] = {}
        self.failed: list[str] = []

    def prepare(self) -> None:
        """Tables a and b are there."""
        self.cloud.dynamodb.create_table(
            TableName=self.c,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        tags = {
            self.a: {"headwater:retain": f"{KEPT_BY_A}d"},
            self.b: {"headwater:export": "off"},
            self.c: {"headwater": "on", "headwater:export": "incremental", "local:recovery-hours": str(9 * 24)},
        }
        for table, of_table in tags.items():
            pairs = [{"Key": key, "Value": value} for key, value in of_table.items()]
            self.cloud.dynamodb.tag_resource(ResourceArn=self._arn(table), Tags=pairs)
            for name in SOMEONE_ELSES:
                self.cloud.dynamodb.create_backup(TableName=table, BackupName=name)

    def run(self) -> None:
        """One day after the other, with a run in between as every hour has one."""
        for due in self.due:
            backup, between = {"scheduledTime": stamp(due)}, {"reconcileTime": stamp(due + timedelta(hours=1))}
            for event in (backup, backup, between):
                self._invoke(event)
            deadline = time.monotonic() + DAY_SECONDS
            while not self._is_made(due) and time.monotonic() < deadline:
                self.cloud.dynamodb.put_item(TableName=self.c, Item={"pk": {"S": f"{time.time_ns()}"}})
                time.sleep(0.5)
        # Without a full export it would ask for one as of a time that is to come.
        if self._exports(self.a):
            event = self._due_in_an_hour()
            self._invoke(event)
            deadline = time.monotonic() + DAY_SECONDS
            while not self._has_merged(event) and time.monotonic() < deadline:
                time.sleep(0.5)
            self._age_merges()
            self._call(self.cloud.function["compaction"], due_to_merge(event))

    def _due_in_an_hour(self) -> dict:
        # Not of c: windows up to then cannot be exported.
        return {"reconcileTime": stamp(datetime.now(UTC) + AHEAD), "tables": [self.a, self.b]}

    def _has_merged(self, event: dict) -> bool:
        return bool(self.cloud.keys(self.cloud.lake, report_of_merge(event)))

    def merge(self) -> None:
        """Once everything is there: what the lake and the views show stays the same."""
        event = self._due_in_an_hour()
        for table in (self.a, self.b):
            days = Counter(key.rpartition("/")[0] for key in self._change_files(table))
            self.most_files[table] = max(days.values(), default=0)
        self._forget_looks()
        self.ahead = self._report(event)
        self.merged = self._object(report_of_merge(event))
        self.notes = self._age_merges()
        self._answer(self.cloud.function["compaction"], due_to_merge(event))

    def settle(self) -> Counter[str]:
        """Without faults: what was given up is redriven once its claims have run out, then two runs as every hour has one."""
        until("the runs to end", lambda: self.proxy.idle_seconds() > IDLE_SECONDS, 120)
        self._age_claims()
        redriven = redrive.runs(self.cloud)
        self.last = self._report({"scheduledTime": stamp(self.due[-1])})
        self._report({"reconcileTime": stamp(datetime.now(UTC))})
        until("the exports to end", self._have_exports_ended)
        self.between = self._report({"reconcileTime": stamp(datetime.now(UTC))})
        return redriven

    def problems(self) -> list[str]:
        ours = [f"headwater-{compact(due)}" for due in self.due]
        expected = {self.a: ours[-KEPT_BY_A:], self.b: ours, self.c: ours}
        problems = list(self.failed)
        for table, kept in expected.items():
            found = sorted(backup["BackupName"] for backup in self._backups(table))
            if found != sorted([*kept, *SOMEONE_ELSES]):
                problems.append(f"{table} has the backups {found}")
            exports = self._exports(table)
            unfinished = [export["ExportArn"] for export in exports if export["ExportStatus"] != "COMPLETED"]
            if unfinished:
                problems.append(f"{table}: these exports did not come to their end: {unfinished}")
            full = Counter(e["S3Prefix"].rpartition("/")[2] for e in exports if not is_window(e))
            days = set(map(compact, self.due)) if table != self.b else set()
            # Where the first day's run failed, one in between has asked for a first one, or begun the chain with one.
            is_twice = any(count > 1 for count in full.values())
            if is_twice or not days <= full.keys() or len(full.keys() - days) > (2 if days else 0):
                problems.append(f"{table} has the full exports {dict(full)}")
            problems += self._unprotected(table)
        return problems + self._gaps() + self._unmerged() + self._unaudited()

    def _unmerged(self) -> list[str]:
        problems = []
        for table in (self.a, self.b):
            compaction = told_of(self.merged, table)
            left = [compaction.get("leftTo"), compaction.get("leftAlone"), compaction.get("left", {}).get("files")]
            if not compaction.get("before") or any(left):
                problems.append(f"{table}: the changes are not merged: {json.dumps(compaction)[:500]}")
            problems += self._unremoved(table)
        return problems

    def _unaudited(self) -> list[str]:
        """The newest snapshot, which the views stand on, is held against one before. There is no audit where there is none
        before, and while the last batch of the feed is one that failed."""
        told = told_of(self.ahead, self.a)
        stands_on, audit = told.get("snapshot"), told.get("audit", {})
        if not stands_on:
            return [f"{self.a}: the views stand on no snapshot"]
        if not audit and (told.get("feedProblem") or self._whole_snapshots() < 2):
            return []
        audited = audit.get("snapshot", "")
        kept = self._object(f"reports/audit/{self.a}/{audited}.json")
        is_right = audited >= stands_on and kept.get("isClean")
        said = f"the run says {json.dumps(audit)[:500]}, and the lake has the report {json.dumps(kept)[:500]}"
        return [] if is_right else [f"{self.a}: of the audit of snapshot {stands_on} {said}"]

    def _whole_snapshots(self) -> int:
        notes = finished(self.cloud, self.a)
        return sum(note["rows"] == note["items"] and not note["quarantined"] + note["damagedFiles"] for note in notes)

    def _unremoved(self, table: str) -> list[str]:
        files, notes = self._change_files(table), self.notes.get(table, [])
        left = {entry["key"] for note in notes for entry in note["inputs"]} & files
        gone = {note["output"] for note in notes} - files
        held = [*self.cloud.keys(self.cloud.lake, f"state/compaction/{table}/"), *self._claims_of_merges(table)]
        problems = []
        if left or gone or held:
            problems.append(f"{table}: of what was merged {left} are left, {gone} is gone, and there are {held}")
        if self.most_files.get(table, 0) >= MERGED_FROM and not notes:
            problems.append(f"{table}: nothing was merged of {self.most_files[table]} files of a day")
        return problems

    def _change_files(self, table: str) -> set[str]:
        return set(self.cloud.keys(self.cloud.lake, f"changes/{table}/"))

    def _claims_of_merges(self, table: str) -> list[str]:
        return self.cloud.keys(self.cloud.lake, f"state/compaction/{table}.json")

    def _gaps(self) -> list[str]:
        """A chain reaches from two minutes before a full export to what is proven, which is that beginning while it has no
        window: under faults a chain may have had to begin with an export of just now."""
        exports = self._exports(self.c)
        specified = [e["IncrementalExportSpecification"] for e in exports if is_window(e)]
        windows = sorted((window["ExportFromTime"], window["ExportToTime"]) for window in specified)
        times = [export["ExportTime"].replace(microsecond=0) for export in exports if not is_window(export)]
        begins = [time - timedelta(minutes=2) for time in times]
        chain = told_of(self.between, self.c).get("chain", {})
        proven = datetime.fromisoformat(chain.get("proven", "1970-01-01T00:00:00Z").replace("Z", "+00:00"))
        begin, end = (windows[0][0], windows[-1][1]) if windows else (proven, proven)
        is_whole = (
            begin in begins
            and all(former[1] == latter[0] for former, latter in pairwise(windows))
            and end == proven > datetime.now(UTC) - LONGEST_LAG
        )
        shown = [f"{begin:%d %H:%M}-{end:%d %H:%M}" for begin, end in windows]
        return [] if is_whole else [f"{self.c}: {chain}, from one of {begins}, with the windows {shown}"]

    def _unprotected(self, table: str) -> list[str]:
        recovery = self.cloud.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        problems = [] if status == "ENABLED" else [f"{table}: recovery is {status}"]
        for report in (self.last, self.between):
            told = told_of(report, table)
            if not told or told.get("failure") or told.get("leftTo"):
                problems.append(f"{table}: the last run says {json.dumps(told)[:500]}")
        return problems

    def _invoke(self, event: dict) -> None:
        self._call(self.cloud.backup_function, {"tables": self.tables} | event)

    def _call(self, function: str, event: dict) -> None:
        self.cloud.functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))

    def _report(self, event: dict) -> dict:
        """Of a run without faults, and of the merge that it begins; one that fails is a problem, and the other checks go on."""
        report = self._answer(self.cloud.backup_function, {"tables": self.tables} | event)
        if report and "reconcileTime" in event:
            try:
                until("the files to be merged", lambda: self._has_merged(event), MERGE_SECONDS)
            except Unmet as failure:
                self.failed.append(str(failure))
        return report

    def _answer(self, function: str, event: dict) -> dict:
        try:
            return self.cloud.invoke(function, event)
        except Unmet as failure:
            self.failed.append(f"the run {json.dumps(event)} failed: {failure}"[:1000])
            return {}

    def _is_made(self, due: datetime) -> bool:
        return all(self._object(claim_key(table, due)).get("made") for table in self.tables)

    def _object(self, key: str) -> dict:
        try:
            return json.loads(self.cloud.read(self.cloud.lake, key))
        except ClientError:
            return {}

    def _age_claims(self) -> None:
        """What more than the 17 minutes of claim.rs do, for which the soak does not wait: a claim of a run that is dead runs out."""
        for table in self.tables:
            for key in (f"state/compaction/{table}.json", *(claim_key(table, due) for due in self.due)):
                claim = self._object(key)
                if claim and not claim.get("made"):
                    claim["claimedAt"] = stamp(datetime.now(UTC) - timedelta(minutes=CLAIM_MINUTES))
                    body = json.dumps(claim).encode()
                    self.cloud.s3.put_object(Bucket=self.cloud.lake, Key=key, Body=body)

    def _age_merges(self) -> dict[str, list[dict]]:
        """What an hour does: what was merged may be removed. Gives the notes of it."""
        aged: dict[str, list[dict]] = {self.a: [], self.b: []}
        for table, notes in aged.items():
            for key in self.cloud.keys(self.cloud.lake, f"state/compaction/{table}/"):
                note = self._object(key)
                stage = note.get("stage")
                if isinstance(stage, dict) and "written" in stage:
                    stage["written"]["at"] = stamp(datetime.now(UTC) - timedelta(hours=1))
                    self.cloud.s3.put_object(Bucket=self.cloud.lake, Key=key, Body=json.dumps(note).encode())
                    notes.append(note)
        return aged

    def _forget_looks(self) -> None:
        """What an audit has found or asked under faults, when changes were on their way: it takes no second look for half an
        hour. Reports stay."""
        for key in self.cloud.keys(self.cloud.lake, f"state/backup/{self.a}/audit-"):
            self.cloud.s3.delete_object(Bucket=self.cloud.lake, Key=key)

    def _have_exports_ended(self) -> bool:
        return all(e["ExportStatus"] != "IN_PROGRESS" for table in self.tables for e in self._exports(table))

    def _arn(self, table: str) -> str:
        return self.cloud.dynamodb.describe_table(TableName=table)["Table"]["TableArn"]

    def _backups(self, table: str) -> list[dict]:
        return self.cloud.dynamodb.list_backups(TableName=table)["BackupSummaries"]

    def _exports(self, table: str) -> list[dict]:
        arns, page = [], {"NextToken": None}
        while "NextToken" in page:
            after = {"NextToken": page["NextToken"]} if page["NextToken"] else {}
            page = self.cloud.dynamodb.list_exports(TableArn=self._arn(table), **after)
            arns += [summary["ExportArn"] for summary in page["ExportSummaries"]]
        return [self.cloud.dynamodb.describe_export(ExportArn=arn)["ExportDescription"] for arn in arns]


def told_of(report: dict, table: str) -> dict:
    """What a report says of a table; nothing, if it is none or does not tell of it."""
    return next((told for told in report.get("tables", []) if told.get("table") == table), {})


def is_window(export: dict) -> bool:
    return export["ExportType"] == "INCREMENTAL_EXPORT"


def due_to_merge(event: dict) -> dict:
    return {"compactionTime": event["reconcileTime"], "tables": event["tables"]}


def report_of_merge(event: dict) -> str:
    due = datetime.fromisoformat(event["reconcileTime"].replace("Z", "+00:00"))
    return f"reports/compaction/{compact(due)}.json"


def claim_key(table: str, due: datetime) -> str:
    return f"state/backup/{table}/{compact(due)}.json"


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def compact(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
