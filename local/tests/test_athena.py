"""Corrections athena_sql, athena_tables and query_results, and how Athena reads what Headwater writes."""

import duckdb
import pytest
from conftest import eventually, unique

COLUMNS = {
    "name": "string",
    "big": "bigint",
    "part": "double",
    "yes": "boolean",
    "raw": "binary",
    "tags": "array<string>",
    "_ts": "timestamp",
    "later": "array<decimal(12,2)>",
}


def test_athena_writes_values_as_trino_does(aws, tmp_path):
    database = lake(aws, tmp_path)
    sql = "SELECT 1e10, -1.25e-7, 0.5e0, raw, CAST(1.50 AS decimal(12, 2)) FROM t__changes WHERE name = 'b'"
    assert query(aws, database, sql) == [["1.0E10", "-1.25E-7", "0.5", "61 62", "1.50"]]


def test_athena_reads_parquet_of_which_older_files_lack_columns(aws, tmp_path):
    database = lake(aws, tmp_path)
    columns = '"name", "big", "part", "yes", "tags", "_ts"'
    assert query(aws, database, f'SELECT {columns} FROM "t__changes" WHERE dt >= \'2026-11-22\' ORDER BY "name"') == [
        ["a", "9007199254740993", None, None, None, None],
        ["b", "2", "0.5", "true", "[x, y]", "2026-11-22 15:00:00.123"],
    ]
    assert query(aws, database, "SELECT count(*) FROM t__changes WHERE dt = '2026-11-23'") == [["1"]]


def test_the_columns_of_a_table_are_those_of_the_catalog(aws, tmp_path):
    database = lake(aws, tmp_path)
    sql = "SELECT * FROM t__changes WHERE name = 'b'"
    row = ["b", "2", "0.5", "true", "61 62", "[x, y]", "2026-11-22 15:00:00.123", None, "2026-11-23"]
    assert query(aws, database, sql) == [row]
    assert query(aws, database, "SELECT cardinality(later) FROM t__changes") == [[None], [None]]
    with pytest.raises(AssertionError, match="FAILED"):
        query(aws, database, "SELECT dropped FROM t__changes")


def test_a_table_without_files_has_its_columns(aws, tmp_path):
    database = lake(aws, tmp_path, files={})
    assert query(aws, database, "SELECT * FROM t__changes") == []
    assert query(aws, database, "SELECT count(*), sum(cardinality(later)) FROM t__changes") == [["0", None]]


def test_a_view_is_kept_in_glue_and_can_be_queried_through_another(aws, tmp_path):
    database = lake(aws, tmp_path)
    newest = 'SELECT "name", max_by("big", "dt") AS "big" FROM c GROUP BY "name"'
    query(aws, database, f'CREATE OR REPLACE VIEW "t" AS WITH c AS (SELECT * FROM "t__changes") {newest}')
    query(aws, database, f'CREATE OR REPLACE VIEW "{database}"."u" AS SELECT * FROM "t" WHERE "big" > 1')
    query(aws, database, "CREATE OR REPLACE VIEW u AS SELECT * FROM t WHERE big > 2")
    assert query(aws, database, 'SELECT x."name" FROM "u" AS x JOIN "t" ON t.name = x.name') == [["a"]]
    assert query(aws, "default", f'SELECT "big" FROM "{database}"."t" ORDER BY 1') == [["2"], ["9007199254740993"]]
    table = aws.client("glue").get_table(DatabaseName=database, Name="u")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW" and table["ViewOriginalText"].startswith("/* Presto View: ")
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == ["name", "big"]
    query(aws, database, "DROP VIEW u")
    with pytest.raises(AssertionError, match="FAILED"):
        query(aws, database, "SELECT * FROM u")


def test_a_view_of_a_column_that_is_not_there_is_refused(aws, tmp_path):
    database = lake(aws, tmp_path)
    with pytest.raises(AssertionError, match="FAILED"):
        query(aws, database, "CREATE VIEW v AS SELECT nothing FROM t__changes")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('json_extract_scalar(\'{"a":{"b":"c"}}\', \'$.a.b\')', "c"),
        ("date_format(timestamp '2026-11-22 15:00:00', '%Y/%m')", "2026/11"),
        ("cast(sum(cast(x AS decimal(38,0))) AS varchar)", "3"),
        ("max_by(x, -x)", "1"),
        ("try_cast('a' AS bigint)", None),
        ("element_at(array[1, 2], 1)", "1"),
        ("cardinality(array[1, 2])", "2"),
        ("from_iso8601_timestamp('2026-11-22T15:00:00Z')", "2026-11-22 15:00:00.000 UTC"),
        ("date_diff('day', date '2026-11-20', date '2026-11-22')", "2"),
        ("coalesce(null, 'x')", "x"),
        ("count_if(x > 1)", "1"),
        ("arbitrary(x) IS NOT NULL", "true"),
        ("row_number() OVER (ORDER BY max(x))", "1"),
    ],
)
def test_functions_of_trino(aws, sql, expected):
    assert query(aws, "default", f"SELECT {sql} FROM (VALUES (1), (2)) AS t(x)")[0] == [expected]


def test_still_needed_plain_athena_has_no_views_and_writes_like_python(plain, tmp_path):
    database = lake(plain, tmp_path)
    assert query(plain, database, "SELECT tags FROM t__changes WHERE name = 'b'") == [["['x', 'y']"]]
    query(plain, database, "CREATE VIEW v AS SELECT 1 AS x")
    with pytest.raises(AssertionError, match="FAILED"):
        query(plain, database, "SELECT x FROM v")
    with pytest.raises(AssertionError, match="FAILED"):
        query(plain, database, "SELECT json_extract_scalar('{}', '$.a')")
    with pytest.raises(AssertionError, match="FAILED"):
        query(plain, database, "SELECT later FROM t__changes")


FILES = {
    "changes/t/dt=2026-11-22/a.parquet": "SELECT 'a' AS name, 9007199254740993::BIGINT AS big",
    "changes/t/dt=2026-11-23/b.parquet": """SELECT 'b' AS name, 2::BIGINT AS big, 0.5::DOUBLE AS part, true AS yes,
        'ab'::BLOB AS raw, ['x', 'y'] AS tags, TIMESTAMPTZ '2026-11-22 15:00:00.123+00' AS _ts, 1 AS dropped""",
}


def lake(aws, tmp_path, files=FILES) -> str:
    """Two files, the older with two columns, in a table as Headwater registers it."""
    s3, glue, bucket, database = aws.client("s3"), aws.client("glue"), aws.make_bucket(), unique("db").replace("-", "_")
    for key, select in files.items():
        file = tmp_path / "file.parquet"
        duckdb.sql(f"COPY ({select}) TO '{file}' (FORMAT parquet, CODEC 'zstd')")
        s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    glue.create_database(DatabaseInput={"Name": database})
    location = f"s3://{bucket}/changes/t/"
    descriptor = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
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
