"""What the project relies on and ministack does as AWS does it: no correction, but to be noticed if it changes."""


import duckdb
import pytest
from botocore.exceptions import ClientError
from conftest import eventually, unique

COLUMNS = [("name", "string"), ("big", "bigint"), ("part", "double"), ("yes", "boolean"), ("raw", "binary"), ("tags", "array<string>"), ("_ts", "timestamp")]


def test_an_object_is_written_only_if_it_is_not_there(aws):
    s3, bucket = aws.client("s3"), aws.make_bucket()
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    etag = s3.head_object(Bucket=bucket, Key="a")["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"4", IfMatch=etag)


def test_an_older_version_can_be_read_with_its_metadata(aws):
    s3, bucket = aws.client("s3"), aws.make_bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"first", Metadata={"partition-key": "id"})["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"second")
    found = s3.get_object(Bucket=bucket, Key="a", VersionId=first, Range="bytes=1-2")
    assert (found["Body"].read(), found["Metadata"]) == (b"ir", {"partition-key": "id"})


def test_a_glue_table_keeps_column_parameters_and_is_updated_only_at_its_version(aws):
    glue, database = aws.client("glue"), unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "a", "Type": "string", "Parameters": {"headwater.attribute": "A"}}]
    table = {"Name": "t", "StorageDescriptor": {"Columns": columns}, "Parameters": {"p": "1"}}
    glue.create_table(DatabaseName=database, TableInput=table)
    found = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert found["StorageDescriptor"]["Columns"] == columns and found["Parameters"] == {"p": "1"}
    glue.update_table(DatabaseName=database, TableInput=table, VersionId=found["VersionId"], SkipArchive=True)
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(DatabaseName=database, TableInput=table, VersionId=found["VersionId"], SkipArchive=True)


def test_tables_are_found_by_their_tags(aws):
    client, tagging = aws.client("dynamodb"), aws.client("resourcegroupstaggingapi")
    created, tagged, other = aws.make_table(Tags=[{"Key": "headwater", "Value": "on"}]), aws.make_table(), aws.make_table()
    client.tag_resource(ResourceArn=tagged["TableArn"], Tags=[{"Key": "headwater", "Value": "on"}])
    client.tag_resource(ResourceArn=other["TableArn"], Tags=[{"Key": "headwater", "Value": "off"}])

    def found() -> set[str]:
        filters = [{"Key": "headwater", "Values": ["on"]}]
        pages = tagging.get_paginator("get_resources").paginate(TagFilters=filters, ResourceTypeFilters=["dynamodb:table"])
        return {resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]}

    assert found() == {created["TableArn"], tagged["TableArn"]}
    client.untag_resource(ResourceArn=tagged["TableArn"], TagKeys=["headwater"])
    assert found() == {created["TableArn"]}


def test_athena_reads_parquet_of_which_older_files_lack_columns(aws, tmp_path):
    database = lake(aws, tmp_path)
    assert query(aws, database, 'SELECT "name", "big", "part", "yes", "tags", "_ts" FROM "t__changes" WHERE dt >= \'2026-11-22\' ORDER BY "name"') == [
        ["a", "9007199254740993", None, None, None, None],
        ["b", "2", "0.5", "true", "[x, y]", "2026-11-22 15:00:00.123"],
    ]
    assert query(aws, database, "SELECT count(*) FROM t__changes WHERE dt = '2026-11-23'") == [["1"]]


def lake(aws, tmp_path) -> str:
    """Two files, the older with two columns, in a table as Headwater registers it."""
    s3, glue, bucket, database = aws.client("s3"), aws.client("glue"), aws.make_bucket(), unique("db").replace("-", "_")
    files = {
        "changes/t/dt=2026-11-22/a.parquet": "SELECT 'a' AS name, 9007199254740993::BIGINT AS big",
        "changes/t/dt=2026-11-23/b.parquet": """SELECT 'b' AS name, 2::BIGINT AS big, 0.5::DOUBLE AS part, true AS yes,
            'ab'::BLOB AS raw, ['x', 'y'] AS tags, TIMESTAMP '2026-11-22 15:00:00.123' AS _ts""",
    }
    for key, select in files.items():
        file = tmp_path / "file.parquet"
        duckdb.sql(f"COPY ({select}) TO '{file}' (FORMAT parquet, CODEC 'zstd')")
        s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    glue.create_database(DatabaseInput={"Name": database})
    location = f"s3://{bucket}/changes/t/"
    descriptor = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS],
        "Location": location,
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    parameters = {
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2026-10-01,NOW",
        "storage.location.template": location + "dt=${dt}/",
    }
    table = {
        "Name": "t__changes",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "dt", "Type": "string"}],
        "StorageDescriptor": descriptor,
        "Parameters": parameters,
    }
    glue.create_table(DatabaseName=database, TableInput=table)
    return database


def query(aws, database: str, sql: str) -> list[list[str | None]]:
    athena, results = aws.client("athena"), aws.make_bucket()
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": f"s3://{results}/"},
    )["QueryExecutionId"]

    def status() -> dict | None:
        found = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        return found if found["State"] not in ("QUEUED", "RUNNING") else None

    found = eventually(status)
    assert found["State"] == "SUCCEEDED", found
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    return [[column.get("VarCharValue") for column in row["Data"]] for row in rows[1:]]
