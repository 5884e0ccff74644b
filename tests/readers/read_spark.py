"""Spark, whose Parquet reader is Java: parquet-mr, the one that Hive and many others build on.

PySpark brings Spark's jars and is started without any other: nothing is fetched.
"""

import functools
import shutil
import subprocess
from pathlib import Path

from column import Column, Columns
from pyspark.sql import Row, SparkSession
from pyspark.sql.functions import unix_millis

NAMES = {
    "string": "string",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "binary": "binary",
    "timestamp": "timestamp",
}
SETTINGS = {
    # A process of half a minute: what pays off after minutes is left out.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # One thread keeps the order of the rows, and nothing listens but on this machine.
    "spark.master": "local[1]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    # Plans are used once here: to compile each to Java takes longer than to interpret it.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # So wide a file would be cut short in messages, which then do not say what is wrong.
    "spark.sql.debug.maxToStringFields": "10000",
}


def read(path: Path) -> Columns:
    frame = session().read.parquet(str(path))
    kinds = {name: _type(kind) for name, kind in frame.dtypes}
    rows = frame.withColumn("_ts", unix_millis("_ts")).collect()
    return {name: Column(kinds[name], _values(rows, at)) for at, name in enumerate(frame.columns)}


@functools.cache
def session() -> SparkSession:
    """One for all files: it takes longer to start than to read them. It ends with this process."""
    _require_java()
    builder = SparkSession.builder.appName("readers")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _require_java() -> None:
    java = shutil.which("java")
    # On some systems a `java` is there that only says where to get one.
    if java is None or subprocess.run([java, "-version"], capture_output=True).returncode != 0:
        raise RuntimeError(
            "Spark needs Java 17 or newer, and there is no `java` that runs. "
            "Install it (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless) and try again."
        )


def _values(rows: list[Row], at: int) -> list[object]:
    return [_plain(row[at]) for row in rows]


def _plain(value: object) -> object:
    """PySpark gives binary as an array of bytes that can be changed."""
    if isinstance(value, bytearray):
        return bytes(value)
    return [_plain(member) for member in value] if isinstance(value, list) else value


def _type(kind: str) -> str:
    if kind.startswith("array<"):
        return f"array<{_type(kind.removeprefix('array<').removesuffix('>'))}>"
    return NAMES.get(kind, kind)
