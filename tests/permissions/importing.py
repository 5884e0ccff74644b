"""What the import function is for, piece by piece.

An import by ImportTable takes minutes on AWS and a quarter of one here. It is done once; what was known of it before
its last turn is put back for each scenario, so that it takes that turn again.
"""

import functools
import json

from deployed import Deployed, expect, until

FILES = ("changes/{}/dt=2026-01-01/none.parquet", "snapshots/{}/none.parquet", "increments/{}/none.parquet")


def dropped(aws: Deployed, key: str, body: bytes | str) -> str:
    """Drops a file, and gives the message that tells of it."""
    return aws.created(aws.landing, key, aws.put(aws.landing, key, body))


def report(aws: Deployed, table: str) -> dict:
    """The report of a table's only import."""
    keys = aws.keys(aws.landing, f"reports/{table}/")
    expect(keys, f"no report below reports/{table}/")
    return json.loads(aws.read(aws.landing, keys[0]))


def folder(aws: Deployed) -> None:
    """A folder becomes a table that expires items, one of its rows becomes a reject, and other files have its name."""
    table = aws.new_name()
    for key in FILES:
        aws.put(aws.lake, key.format(table), "no Parquet: it is read, and told of")
    aws.put(aws.landing, f"imports/{table}/rows.csv", "id,n\n1,10\n2,20\n3,x\n")
    options = {"ColumnTypes": {"n": "N"}, "TimeToLiveAttribute": "n"}
    try:
        aws.deliver("import", dropped(aws, f"imports/{table}/_import.json", json.dumps({"Headwater": options})))
        told = report(aws, table)
        expect((told["status"], told["rowsWritten"], told["rowsRejected"]) == ("finished", 2, 1), told)
    finally:
        aws.drop_table(table)


def taken(aws: Deployed) -> None:
    """A file whose table is there, and was made by someone else, is refused."""
    name = standing(aws)
    told_before = set(aws.keys(aws.landing, f"reports/{name}/"))
    aws.deliver("import", dropped(aws, f"imports/{name}.csv", "id\n1\n"))
    (key,) = set(aws.keys(aws.landing, f"reports/{name}/")) - told_before
    told = json.loads(aws.read(aws.landing, key))
    expect("was not made by this import" in told.get("error", ""), told)


@functools.cache
def standing(aws: Deployed) -> str:
    """A table that nobody changes."""
    name = aws.new_name("standing")
    aws.make_table(name, "a")
    return name


def spread(aws: Deployed) -> None:
    """The files of a folder are staged by a message each; of one that is gone by then nothing is left."""
    table = aws.new_name()
    version = aws.put(aws.landing, f"imports/{table}/a.csv", "id,n\n1,10\n")
    aws.put(aws.landing, f"imports/{table}/b.csv", "id,n\n2,20\n")
    manifest = json.dumps({"Headwater": {"Engine": "native"}})
    aws.deliver("import", dropped(aws, f"imports/{table}/_import.json", manifest))
    import_id = import_of(aws, table)
    aws.deliver("import", message(aws, table, import_id, file=1))
    expect(len(aws.keys(aws.landing, f"staging/{import_id}/")) == 1, "b.csv is not staged")
    aws.client("s3").delete_object(Bucket=aws.landing, Key=f"imports/{table}/a.csv", VersionId=version)
    with aws.no_upload_left(aws.landing):
        aws.deliver("import", message(aws, table, import_id, file=0))


def import_of(aws: Deployed, table: str) -> str:
    """The id of a table's only import."""
    keys = [key for key in aws.keys(aws.landing, f"status/{table}/") if not key.endswith("/work.json")]
    return keys[0].rpartition("/")[2].removesuffix(".json")


def message(aws: Deployed, table: str, import_id: str, **of_file: int) -> str:
    """What the function sends to its queue after the first turn. There it would wait for some seconds."""
    turn = {"bucket": aws.landing, "table": table, "importId": import_id, "number": 1} | of_file
    return json.dumps({"headwaterImport": turn})


def polled(aws: Deployed) -> None:
    """The function's queue is mapped to it."""
    aws.map_queue("import")


def of_an_export(aws: Deployed) -> None:
    """An export is looked at: a folder's manifest names it as its source."""
    looked_at(aws, exported(aws))


def of_a_versioned_export(aws: Deployed) -> None:
    """The same in a bucket that has versions, as an account's own may."""
    looked_at(aws, versioned(aws))


def of_a_copied_export(aws: Deployed) -> None:
    """An export is dropped as a folder."""
    table, source = aws.new_name(), exported(aws)
    for key in aws.keys(aws.exports, source):
        aws.put(aws.landing, f"imports/{table}/{key.removeprefix(source)}", aws.read(aws.exports, key))
    manifest = {"Headwater": {"DryRun": True}}
    aws.deliver("import", dropped(aws, f"imports/{table}/_import.json", json.dumps(manifest)))
    told = report(aws, table)
    expect((told["status"], told["rowsRead"]) == ("planned", 1), told)


def looked_at(aws: Deployed, prefix: str) -> None:
    table = aws.new_name()
    manifest = {"S3BucketSource": {"S3Bucket": aws.exports, "S3KeyPrefix": prefix}, "Headwater": {"DryRun": True}}
    aws.deliver("import", dropped(aws, f"imports/{table}/_import.json", json.dumps(manifest)))
    told = report(aws, table)
    expect((told["status"], told["rowsRead"]) == ("planned", 1), told)


@functools.cache
def exported(aws: Deployed) -> str:
    """The prefix of an export of one item."""
    name = aws.new_name("exported")
    table = aws.make_table(name, "a")
    dynamodb = aws.client("dynamodb")
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    prefix = f"elsewhere/{name}"
    export = dynamodb.export_table_to_point_in_time(TableArn=table["TableArn"], S3Bucket=aws.exports, S3Prefix=prefix)
    arn = export["ExportDescription"]["ExportArn"]
    until(lambda: dynamodb.describe_export(ExportArn=arn)["ExportDescription"]["ExportStatus"] == "COMPLETED")
    return prefix


@functools.cache
def versioned(aws: Deployed) -> str:
    """The prefix of a copy of the export, each of whose objects has a version."""
    source, s3 = exported(aws), aws.client("s3")
    prefix = f"versioned/{source}"
    s3.put_bucket_versioning(Bucket=aws.exports, VersioningConfiguration={"Status": "Enabled"})
    for key in aws.keys(aws.exports, source):
        aws.put(aws.exports, f"versioned/{key}", aws.read(aws.exports, key))
    s3.put_bucket_versioning(Bucket=aws.exports, VersioningConfiguration={"Status": "Suspended"})
    return prefix


def begun(aws: Deployed) -> None:
    """ImportTable begins to read what is staged, and to log."""
    table = aws.new_name()
    aws.put(aws.landing, f"imports/{table}/rows.csv", "id,n\n1,10\n2,20\n")
    manifest = json.dumps({"Headwater": {"Engine": "native"}})
    try:
        aws.deliver("import", dropped(aws, f"imports/{table}/_import.json", manifest))
        told = [json.loads(aws.read(aws.landing, key)) for key in aws.keys(aws.landing, f"reports/{table}/")]
        expect(not told, told)
    finally:
        aws.drop_table(table)


class Native:
    """An import by ImportTable that is over, and what was known of it before its last turn."""

    def __init__(self, aws: Deployed):
        self.aws, self.table = aws, aws.new_name("native")
        aws.put(aws.landing, f"imports/{self.table}/rows.csv", "id,n\n1,10\n2,20\n")
        options = {"Engine": "native", "DeletionProtection": True}
        manifest = dropped(aws, f"imports/{self.table}/_import.json", json.dumps({"Headwater": options}))
        aws.deliver("import", manifest)
        self.import_id = import_of(aws, self.table)
        self.staging = f"staging/{self.import_id}/"
        prefixes = (f"status/{self.table}/", self.staging)
        self.kept = {key: aws.read(aws.landing, key) for prefix in prefixes for key in aws.keys(aws.landing, prefix)}

    def last_turn(self, stage: dict | None = None) -> None:
        """Takes the last turn again, perhaps from another stage."""
        for key, body in self.kept.items():
            if key == self._status():
                status = json.loads(body)
                status["engine"] |= stage or {}
                body = json.dumps(status)
            self.aws.put(self.aws.landing, key, body)
        self.aws.client("dynamodb").update_table(TableName=self.table, DeletionProtectionEnabled=False)
        self.aws.deliver("import", message(self.aws, self.table, self.import_id))
        told = report(self.aws, self.table)
        expect(told["status"] == "finished", told)
        expect(not self.aws.keys(self.aws.landing, self.staging), "what was staged is still there")

    def _status(self) -> str:
        return f"status/{self.table}/{self.import_id}.json"

    def wait(self) -> None:
        arn = json.loads(self.kept[self._status()])["engine"]["stage"]["importArn"]
        describe = self.aws.client("dynamodb").describe_import
        until(lambda: describe(ImportArn=arn)["ImportTableDescription"]["ImportStatus"] == "COMPLETED")


@functools.cache
def native(aws: Deployed) -> Native:
    """Its first turns; whoever asks again waits for the last."""
    return Native(aws)


def followed(aws: Deployed) -> None:
    """ImportTable has ended: the table gets its tags, its stream, its mapping and its protection."""
    import_ = native(aws)
    import_.wait()
    aws.unmap(import_.table)
    import_.last_turn()


def repaired(aws: Deployed) -> None:
    """The same, and its mapping was switched off meanwhile."""
    import_ = native(aws)
    import_.wait()
    if not aws.mappings(import_.table):
        import_.last_turn()
    for mapping in aws.mappings(import_.table):
        aws.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    import_.last_turn()


def found_again(aws: Deployed) -> None:
    """ImportTable was started, and whoever started it could not note that: it is found among all imports."""
    import_ = native(aws)
    import_.wait()
    import_.last_turn({"stage": {"at": "staging"}, "attempt": 1})
