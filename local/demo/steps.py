"""Each step does one thing a user would do, checks that it came out, and shows it."""

import json
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from . import show
from .cloud import Cloud
from .items import comparable
from .show import require

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "data"
CHANGES_TO_ITEMS = REPOSITORY / "target" / "debug" / "examples" / "changes_to_items"

UPDATED, DELETED, ADDED = 200, 100, 50
SCHEDULED_TIME = "2026-11-22T03:00:00Z"


def drop_a_file(number: int, cloud: Cloud) -> None:
    show.step(number, "Drop planes.csv into the landing bucket: it becomes the table `planes`.")
    rows = (DATA / "planes.csv").read_bytes()
    report = cloud.report("planes", cloud.drop("planes.csv", rows))
    _show_report(report)
    require(report["status"] == "finished", f"the import failed: {report.get('error')}")
    in_file = len(rows.splitlines()) - 1
    in_table = len(cloud.items("planes"))
    show.line(f"{in_file:,} rows in the file, {in_table:,} items in the table.")
    require(in_file == in_table == report["rowsWritten"], "the table does not hold every row of the file")
    status = f"s3://{cloud.landing}/status/planes/{report['importId']}.json"
    show.line(f"while a longer one runs, watch its phase, percent and rate: aws s3 cp {status} -")


BAD_ROWS = [
    (b",Nameless Strip,41.0,-70.0,10,-5,A,America/New_York", "no key"),
    (b"2ZZ,Short Row", "too few fields"),
    (b"04G,Lansdowne Again,41.1,-80.6,1044,-5,A,America/New_York", "a key that another row has"),
    (b"3ZZ,\xff\xfe,41.0,-70.0,10,-5,A,America/New_York", "bytes that are not UTF-8"),
    (b'4ZZ,"Unclosed Field,41.0,-70.0,10,-5,A,America/New_York', "a quote that is never closed"),
]


def drop_a_file_with_bad_rows(number: int, cloud: Cloud) -> None:
    show.step(number, f"Drop airports.csv with {len(BAD_ROWS)} bad rows added: they are kept, and everything else loads.")
    rows = (DATA / "airports.csv").read_bytes().rstrip() + b"\n" + b"\n".join(row for row, _ in BAD_ROWS) + b"\n"
    report = cloud.report("airports", cloud.drop("airports.csv", rows, partition_key="faa"))
    _show_report(report)
    require(report["status"] == "finished", f"the import failed: {report.get('error')}")
    require(report["rowsRejected"] == len(BAD_ROWS), f"expected {len(BAD_ROWS)} rejects")
    require(report["rowsRead"] == report["rowsWritten"] + report["rowsRejected"], "a row vanished")
    rejects = _rejects(cloud, report)
    show.table(["line", "why it was rejected"], [[reject["line"], reject["reason"]] for reject in rejects])
    show.line(f"kept with their bytes in {report['rejects'][0]}")
    _mend(cloud, report)


def _mend(cloud: Cloud, report: dict) -> None:
    """What a person does with an editor: one row is mended in place, and the file dropped back in."""
    lines = _rejects_file(cloud, report).splitlines()
    mended = [line.replace(b'"row":"2ZZ,Short Row"', b'"row":"2ZZ,Mended Row,41.0,-70.0,10,-5,A,x"') for line in lines]
    again = cloud.report("airports", cloud.drop("airports.rejects.jsonl", b"\n".join(mended)))
    require(again["status"] == "finished", f"the import of the mended rows failed: {again.get('error')}")
    show.line(f"one mended in place and the file dropped under imports/: {again['rowsWritten']} written to `airports`, "
              f"{again['rowsRejected']} still rejected, and still with the places in airports.csv.")
    require((again["rowsWritten"], again["rowsRejected"]) == (1, len(BAD_ROWS) - 1), "mending went wrong")


def _rejects(cloud: Cloud, report: dict) -> list[dict]:
    lines = [json.loads(text) for text in _rejects_file(cloud, report).splitlines()]
    return [entry for entry in lines if "reason" in entry]


def _rejects_file(cloud: Cloud, report: dict) -> bytes:
    bucket, key = report["rejects"][0].removeprefix("s3://").split("/", 1)
    return cloud.read(bucket, key)


def _show_report(report: dict) -> None:
    heads = ["table", "status", "rows read", "written", "rejected", "seconds"]
    counts = [f"{report[name]:,}" for name in ("rowsRead", "rowsWritten", "rowsRejected")]
    show.table(heads, [[report["table"], report["status"], *counts, f"{report['seconds']:.1f}"]])
    strings = sum(": strings" in inference for inference in report["inferences"])
    for inference in report["inferences"]:
        if ": strings" not in inference:
            show.line(f"inferred: {inference}")
    show.line(f"inferred: the other {strings} columns hold strings; the report says why, column by column")


def change_items(number: int, cloud: Cloud) -> None:
    show.step(number, f"Update {UPDATED}, delete {DELETED} and add {ADDED} planes: every change arrives as a Parquet row.")
    keys = sorted(item["tailnum"]["S"] for item in cloud.items("planes"))
    for index, key in enumerate(keys[:UPDATED]):
        _update(cloud, key, index)
    for key in keys[UPDATED : UPDATED + DELETED]:
        cloud.dynamodb.delete_item(TableName="planes", Key={"tailnum": {"S": key}})
    for index in range(ADDED):
        cloud.dynamodb.put_item(TableName="planes", Item=_new_plane(index))
    expected = {"INSERT": len(keys) + ADDED, "MODIFY": UPDATED, "REMOVE": DELETED}
    counts = show.until(f"{sum(expected.values()):,} change rows", lambda: _counts_when(cloud, expected))
    files = cloud.keys(cloud.lake, "changes/planes/")
    show.table(["change", "rows"], [[kind, f"{count:,}"] for kind, count in sorted(counts.items())])
    show.line(f"in {len(files)} Parquet files below s3://{cloud.lake}/changes/planes/")


def _update(cloud: Cloud, key: str, index: int) -> None:
    """A new attribute of a type the file did not have, and a number that becomes a fraction."""
    cloud.dynamodb.update_item(
        TableName="planes",
        Key={"tailnum": {"S": key}},
        UpdateExpression="SET hours = :hours, tags = :tags, seats = :seats",
        ExpressionAttributeValues={
            ":hours": {"N": f"{index}.25"},
            ":tags": {"SS": ["inspected", f"hangar-{index % 7}"]},
            ":seats": {"N": f"{100 + index}.5"},
        },
    )


def _new_plane(index: int) -> dict:
    return {
        "tailnum": {"S": f"HW{index:04}"},
        "manufacturer": {"S": "HEADWATER"},
        "seats": {"N": str(100 + index)},
        "serial": {"N": "12345678901234567890123456789012345678"},
        "photo": {"B": bytes([index, 255, 0])},
        "retired": {"BOOL": index % 2 == 0},
        "owner": {"NULL": True},
        "service": {"M": {"last": {"S": "2026-11-01"}, "parts": {"L": [{"N": "1.5"}, {"SS": ["wing"]}]}}},
    }


def _counts_when(cloud: Cloud, expected: dict[str, int]) -> dict[str, int] | None:
    if not cloud.keys(cloud.lake, "changes/planes/"):
        return None
    _, rows = cloud.query('SELECT "_op", count(DISTINCT "_seq") FROM planes__changes GROUP BY "_op"')
    counts = {kind: int(count) for kind, count in rows}
    return counts if counts == expected else None


def rebuild_from_changes(number: int, cloud: Cloud) -> None:
    show.step(number, "Rebuild the items from the change rows alone, and compare them with the table.")
    with tempfile.TemporaryDirectory() as folder:
        files = cloud.download(cloud.lake, "changes/planes/", Path(folder))
        rebuilt = subprocess.run([CHANGES_TO_ITEMS, folder], capture_output=True, text=True)
    require(rebuilt.returncode == 0, f"changes_to_items: {rebuilt.stderr}")
    from_changes = {comparable(json.loads(text)["Item"]) for text in rebuilt.stdout.splitlines()}
    in_table = {comparable(item) for item in cloud.items("planes")}
    show.table(
        ["", "items"],
        [
            ["in the table", f"{len(in_table):,}"],
            [f"rebuilt from {files} files", f"{len(from_changes):,}"],
            ["equal, value by value", f"{len(in_table & from_changes):,}"],
            ["different", f"{len(in_table ^ from_changes):,}"],
        ],
    )
    require(in_table == from_changes, "the change rows do not rebuild the table")


QUESTIONS = [
    (
        "Which makers have the most planes, and how many seats on average?",
        """SELECT manufacturer, count(*) AS planes, round(avg(seats), 1) AS seats, min(year) AS oldest
           FROM planes__changes WHERE "_op" = 'INSERT'
           GROUP BY manufacturer ORDER BY planes DESC LIMIT 4""",
    ),
    (
        "What was changed, and to what? (`seats` got fractions, so a second column holds them)",
        """SELECT tailnum, "_op" AS op, seats__double, hours, "_by" AS by_whom
           FROM planes__changes WHERE "_op" = 'MODIFY' ORDER BY tailnum LIMIT 3""",
    ),
]


def ask_athena(number: int, cloud: Cloud) -> None:
    show.step(number, "Ask Athena: typed columns, no crawler.")
    for question, sql in QUESTIONS:
        show.line(question)
        heads, rows = cloud.query(sql)
        show.table(heads, rows)
        require(bool(rows), "Athena found no rows")


def run_the_schedule(number: int, cloud: Cloud) -> None:
    show.step(number, "Run the schedule: recovery, a backup, a full export and the views of every enrolled table.")
    report = cloud.invoke(cloud.backup_function, {"scheduledTime": SCHEDULED_TIME})
    _show_protection(cloud, report)


def ask_for_the_current_state(number: int, cloud: Cloud) -> None:
    show.step(number, "Ask Athena for the table as it is now: the schedule has made the view `planes`.")
    heads, rows = cloud.query(
        """SELECT manufacturer, count(*) AS planes, round(avg(seats), 1) AS seats, max("_ts") AS last_change
           FROM planes GROUP BY manufacturer ORDER BY planes DESC, manufacturer LIMIT 4"""
    )
    show.table(heads, rows)
    _, keys = cloud.query('SELECT tailnum FROM planes WHERE manufacturer = \'HEADWATER\'')
    _, [[in_view]] = cloud.query("SELECT count(*) FROM planes")
    in_table = cloud.items("planes")
    show.line(f"{int(in_view):,} rows in the view, {len(in_table):,} items in the table; what was deleted is gone.")
    require(int(in_view) == len(in_table) and len(keys) == ADDED, "the view is not the table")


def run_the_schedule_again(number: int, cloud: Cloud) -> None:
    show.step(number, "Run it once more for the same time: nothing is made twice.")
    before = _backups(cloud), _exports(cloud)
    report = cloud.invoke(cloud.backup_function, {"scheduledTime": SCHEDULED_TIME})
    require(all(table["backupArn"] for table in report["tables"]), "the second run lost sight of the backups")
    after = _backups(cloud), _exports(cloud)
    require(before == after, f"the second run changed something: {before} became {after}")
    show.line(f"still {len(after[0])} backups and {len(after[1])} exports.")


def stand_on_a_snapshot(number: int, cloud: Cloud) -> None:
    show.step(number, "Half an hour on: exports have become snapshots, the view stands on the newest, and that is audited.")
    _snapshots(cloud, 1)
    now = datetime.now(UTC)
    cloud.invoke(cloud.backup_function, {"scheduledTime": now.isoformat(), "tables": ["planes"]})
    _snapshots(cloud, 2)
    due = {"reconcileTime": (now + timedelta(minutes=30)).isoformat(), "tables": ["planes"]}
    [report] = cloud.invoke(cloud.backup_function, due)["tables"]
    audit = report["audit"]
    heads = ["view", "stands on", "items found", "expected by the changes", "differing"]
    differing = sum(audit[kind] for kind in ("missing", "unexpected", "different", "repeated"))
    show.table(heads, [["planes", report["snapshot"], f"{audit['found']:,}", f"{audit['expected']:,}", f"{differing:,}"]])
    _, [[in_view]] = cloud.query("SELECT count(*) FROM planes")
    require(report["snapshot"] is not None and audit["isClean"], f"the audit found differences: {audit}")
    require(int(in_view) == len(cloud.items("planes")), "the view is not the table")
    show.line(f"compared by the hash of every item; the report is in s3://{cloud.lake}/reports/audit/planes/")


def _snapshots(cloud: Cloud, count: int) -> None:
    prefix = "state/snapshot/planes/finished/"
    show.until(f"snapshot {count} of planes", lambda: len(cloud.keys(cloud.lake, prefix)) >= count or None)


def _show_protection(cloud: Cloud, report: dict) -> None:
    rows = []
    for table in sorted(entry["table"] for entry in report["tables"]):
        recovery = cloud.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        require(status == "ENABLED", f"{table} has no point-in-time recovery")
        backups = cloud.dynamodb.list_backups(TableName=table)["BackupSummaries"]
        require(len(backups) == 1, f"{table} has {len(backups)} backups")
        exported = show.until(f"the export of {table}", lambda: _export_manifest(cloud, table))
        rows.append([table, status, backups[0]["BackupName"], f"{exported['itemCount']:,}"])
    show.table(["table", "recovery", "backup", "items exported"], rows)
    require([row[0] for row in rows] == ["airports", "planes"], "not every enrolled table was protected")
    show.line(f"exports are below s3://{cloud.exports}/")


def _export_manifest(cloud: Cloud, table: str) -> dict | None:
    keys = cloud.keys(cloud.exports, f"{table}/full/")
    return next((json.loads(cloud.read(cloud.exports, key)) for key in keys if key.endswith("manifest-summary.json")), None)


def _backups(cloud: Cloud) -> list[str]:
    return sorted(backup["BackupArn"] for backup in cloud.dynamodb.list_backups()["BackupSummaries"])


def _exports(cloud: Cloud) -> list[str]:
    keys = cloud.keys(cloud.exports, "")
    return sorted(key for key in keys if key.endswith("manifest-summary.json"))
