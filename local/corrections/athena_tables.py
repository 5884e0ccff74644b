"""The columns of a table in Athena are those of the catalog.

AWS: a column that is in the catalog and in no file is null, one that is in files and not in the catalog is not
there (https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html), and a `timestamp` has no
time zone, whatever the file says (https://docs.aws.amazon.com/athena/latest/ug/data-types.html).

ministack 1.5.33: the columns of a table over Parquet are those of its files; without any file a list is text.

Changed: tables over Parquet. The catalog's type is given to what is missing; what is in the files keeps the type that
it has there, but for timestamps.
"""

from ministack.services import athena
from sqlglot import exp

from .patching import original


def apply() -> None:
    of_files = original(athena, "_table_relation", "a1a2686723d2ddff")
    without_files = original(athena, "_empty_relation", "9b6b848915d99854")

    def relation(table, files):
        if athena._data_format(table) != "parquet" or not columns_of(table):
            return of_files(table, files)
        in_files = f"SELECT * FROM {of_files(table, files)}"
        return f"(SELECT {selected(table)} FROM ({in_files} UNION ALL BY NAME {nothing(table)}))"

    def empty(table):
        return f"({nothing(table)})" if columns_of(table) else without_files(table)

    athena._table_relation = relation
    athena._empty_relation = empty


def columns_of(table: dict) -> list[dict]:
    return ((table.get("StorageDescriptor") or {}).get("Columns") or []) + (table.get("PartitionKeys") or [])


def selected(table: dict) -> str:
    return ", ".join(map(column, columns_of(table)))


def column(entry: dict) -> str:
    name = quoted(entry)
    # In UTC, whether the file's time has a zone or not.
    return f"make_timestamp(epoch_us({name})) AS {name}" if entry["Type"] == "timestamp" else name


def nothing(table: dict) -> str:
    """No rows, with all columns."""
    casts = [f"CAST(NULL AS {duckdb_type(entry['Type'])}) AS {quoted(entry)}" for entry in columns_of(table)]
    return f"SELECT {', '.join(casts)} WHERE FALSE"


def quoted(entry: dict) -> str:
    return exp.to_identifier(entry["Name"], quoted=True).sql(dialect="duckdb")


def duckdb_type(hive_type: str) -> str:
    return exp.DataType.build(hive_type, dialect="hive").sql(dialect="duckdb")
