"""AWS's own DynamoDB Local: fetched once, started for one command, and ended with it.

It comes out of a package that AWS publishes on npm, pinned by that package's hash. npm is asked which registry it uses;
without npm, NPM_CONFIG_REGISTRY says it.
"""

import base64
import contextlib
import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from . import process
from .paths import WORK, Failure, last_lines, progress

PACKAGE = "amplify-dynamodb-simulator"
# Version 1.25.1 of DynamoDB Local. What the registry calls the package's `dist.integrity` is its SHA-512.
VERSION = "2.9.30"
SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
EMULATOR = PurePosixPath("package/emulator")

REGISTRY_VARIABLES = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
FOLDER = WORK / "dynamodb-local"
STAMP = FOLDER / "made-from"
PATIENCE = 60.0


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its endpoint, while the block runs. What went before is not there: tables are in memory."""
    java = _java()
    setup()
    folder = Path(tempfile.mkdtemp(prefix="dynamodb-local-", dir=WORK))
    log, port = folder / "dynamodb-local.log", _free_port()
    progress("starting DynamoDB Local")
    # It notes things for its telemetry in the folder that it is started in, even with that off.
    pid, began = process.start(_command(java, port), _clean_environment(folder), log, folder)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(endpoint, pid, began, log)
        yield endpoint
    finally:
        process.stop(pid, began)
        shutil.rmtree(folder, ignore_errors=True)


def environment(endpoint: str) -> dict[str, str]:
    """What the test needs. The credentials are letters and digits, whatever they are."""
    return {
        "HEADWATER_DYNAMODB_LOCAL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def setup() -> None:
    """Fetches it if it is not there yet."""
    if STAMP.exists() and STAMP.read_text() == SHA512:
        return
    url = f"{registry().rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    progress(f"fetching DynamoDB Local, 57 MB, from {url}")
    _unpack(checked(_fetch(url), url))
    STAMP.write_text(SHA512)
    licence = os.path.relpath(FOLDER / "LICENSE.txt")
    progress(f"DynamoDB Local is AWS's and no open source; its licence, which asks for an AWS account, is {licence}")


def registry() -> str:
    """The registry that npm would ask here."""
    for variable in REGISTRY_VARIABLES:
        if os.environ.get(variable):
            return os.environ[variable]
    npm = shutil.which("npm")
    command = [npm, "config", "get", "registry"]
    asked = subprocess.run(command, capture_output=True, text=True).stdout.strip() if npm else ""
    if asked.startswith(("http://", "https://")):
        return asked
    raise Failure(
        f"{PACKAGE} comes from npm's registry, and nothing here says where that is.\n"
        "Install npm, or set NPM_CONFIG_REGISTRY to the registry's URL; or go without: WITHOUT_DYNAMODB_LOCAL=1."
    )


def checked(package: bytes, url: str) -> bytes:
    """The package, if it is the one that is pinned."""
    found = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != SHA512:
        raise Failure(
            f"{url} is not {PACKAGE} {VERSION}: its SHA-512 is {found}, expected {SHA512}.\n"
            "Nothing was unpacked. If a mirror gave it, take another: NPM_CONFIG_REGISTRY=URL."
        )
    return package


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise Failure(
            f"{url} could not be fetched: {error}\n"
            "It needs to reach npm's registry, or your mirror of it: NPM_CONFIG_REGISTRY=URL."
        ) from None


def _unpack(package: bytes) -> None:
    """The emulator's files alone; the package's own code is Node's, and not run."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if member.isfile() and EMULATOR in path.parents:
                file = FOLDER / path.relative_to(EMULATOR)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(archive.extractfile(member).read())


def _java() -> str:
    java = shutil.which("java")
    # On some systems a `java` is there that only says where to get one.
    if java is None or subprocess.run([java, "-version"], capture_output=True).returncode != 0:
        raise Failure(
            "DynamoDB Local needs Java 17 or newer, and there is no `java` that runs. "
            "Install it (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless) and try again."
        )
    return java


def _command(java: str, port: int) -> list[str]:
    # A process of seconds: what pays off after minutes is left out.
    virtual_machine = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
    libraries = f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}"
    options = ["-inMemory", "-disableTelemetry", "-port", str(port)]
    return [java, *virtual_machine, libraries, "-jar", str(FOLDER / "DynamoDBLocal.jar"), *options]


def _clean_environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_it_answers(endpoint: str, pid: int, began: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not process.runs(pid, began):
            raise Failure(f"DynamoDB Local ended while it was starting. The end of its log:\n{last_lines(log)}")
        if _answers(endpoint):
            return
        time.sleep(0.05)
    raise Failure(f"DynamoDB Local did not answer within {PATIENCE:.0f} s. The end of its log:\n{last_lines(log)}")


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=5).close()
    except urllib.error.HTTPError:
        # It wants a signed request, and says so.
        return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
    return True
