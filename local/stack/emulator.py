"""Starts the emulator and waits until it answers."""

import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import environments, process
from .paths import LOCAL, Failure, last_lines
from .state import Stack

PATIENCE = 60.0


def start(folder: Path, uncorrected: bool = False, functions_endpoint: str | None = None) -> Stack:
    """Starts an emulator that keeps everything it writes in `folder`; its functions may be given another endpoint."""
    (folder / "tmp").mkdir(parents=True)
    endpoint_file, log = folder / "endpoint", folder / "emulator.log"
    command = [str(environments.python(environments.EMULATOR)), str(LOCAL / "emulator.py"), str(endpoint_file)]
    if uncorrected:
        command.append("--uncorrected")
    if functions_endpoint:
        command += ["--functions-endpoint", functions_endpoint]
    pid, began = process.start(command, clean_environment(folder), log)
    stack = Stack(endpoint="", pid=pid, began=began)
    try:
        stack.endpoint = _wait_for_endpoint(stack, endpoint_file, log)
    except BaseException:
        process.stop(pid, began)
        raise
    return stack


def clean_environment(folder: Path) -> dict[str, str]:
    """A list and not what this shell has: the functions inherit it, and must not work by accident."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "MINISTACK_REGION": "us-east-1",
        # The functions' roles are enforced.
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "ATHENA_ENGINE": "duckdb",
        # A listener on a fixed port, which two emulators could not both have.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No containers, even where there could be.
        "DOCKER_HOST": "unix:///nonexistent",
    }


def _wait_for_endpoint(stack: Stack, endpoint_file: Path, log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not stack.runs():
            raise Failure(f"The emulator ended while it was starting. The end of its log:\n{last_lines(log)}")
        if endpoint_file.exists() and _answers(endpoint := endpoint_file.read_text()):
            return endpoint
        time.sleep(0.05)
    raise Failure(f"The emulator did not answer within {PATIENCE:.0f} s. The end of its log:\n{last_lines(log)}")


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
