"""What a function meets on Lambda: the Runtime API that it asks for work, and an AWS that takes what it is sent.

```text
function ── GET …/invocation/next ──▶ RuntimeApi   answers once there is an event
         ◀── event ──
         ── POST …/response ──▶                     and the answer is given to whoever sent the event
         ── PutObject, GetTable ──▶ Aws             at once, from memory
```

HTTP/1.1 with connections kept open, a thread for each. What Lambda itself takes (its network, fetching the image, the
sandbox) is not in here.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .places import REPOSITORY, Failure

# A function that has not asked for work by then will not.
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server:
    """Answers requests on a port of this machine until it is closed."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        self._socket.close()

    def answer(self, request: Request) -> tuple[str, dict[str, str], bytes]:
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            # A function that is ended breaks its connections off.
            while request := _request(stream):
                status, headers, body = self.answer(request)
                lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
                head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
                try:
                    connection.sendall(head + body)
                except OSError:
                    return


def _request(stream: Any) -> Request | None:
    try:
        method, path, _ = stream.readline().decode().split(" ", 2)
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Request(method, path, headers, stream.read(int(headers.get("content-length", "0"))))
    except (OSError, ValueError):
        return None


class RuntimeApi(Server):
    """Lambda's Runtime API, for one function.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self) -> None:
        self.asked: queue.Queue[float] = queue.Queue()
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[tuple[float, str, bytes]] = queue.Queue()
        self._numbers = itertools.count()
        super().__init__()

    def answer(self, request: Request) -> tuple[str, dict[str, str], bytes]:
        if request.path.endswith("/next"):
            self.asked.put(time.perf_counter())
            event = self.events.get()
            return "200 OK", self._invocation(), event
        self.answers.put((time.perf_counter(), request.path.rsplit("/", 1)[1], request.body))
        return "202 Accepted", {}, b""

    def _invocation(self) -> dict[str, str]:
        return {
            "lambda-runtime-aws-request-id": f"00000000-0000-0000-0000-{next(self._numbers):012}",
            "lambda-runtime-deadline-ms": str(int(time.time() * 1000) + 300_000),
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:123456789012:function:bench",
            "lambda-runtime-trace-id": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
        }


@dataclass
class Aws(Server):
    """Takes every object, and has one table in its catalog, to which columns are added as they come."""

    catalog: dict[str, Any]
    objects: int = 0
    stored: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Server.__init__(self)

    def answer(self, request: Request) -> tuple[str, dict[str, str], bytes]:
        action = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "GetTable":
            return "200 OK", {}, json.dumps({"Table": self.catalog}).encode()
        if action == "UpdateTable":
            version = str(int(self.catalog["VersionId"]) + 1)
            given = json.loads(request.body)["TableInput"]
            self.catalog = {**given, "DatabaseName": "bench", "VersionId": version}
            return "200 OK", {}, b"{}"
        if request.method == "PUT":
            self.objects += 1
            self.stored[request.path.partition("?")[0]] = len(request.body)
            return "200 OK", {"etag": '"0123456789abcdef0123456789abcdef"'}, b""
        return "500 Internal Server Error", {}, f"the bench knows no {request.method} {action}".encode()


@dataclass
class Function:
    """A function's process, from its start to its end."""

    process: subprocess.Popen[bytes]
    api: RuntimeApi
    # Wall seconds until it first asked for work.
    start_s: float

    @property
    def cpu_s(self) -> float:
        """CPU time of all of its threads so far, in user and system."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory_mib(self, of: str = "VmRSS") -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{of}:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def invoke(self, event: bytes) -> tuple[float, bytes]:
        """Wall seconds from the event to its answer, and that; the function has asked for work when this returns."""
        began = time.perf_counter()
        self.api.events.put(event)
        ended, kind, body = self.api.answers.get(timeout=PATIENCE_S)
        if kind != "response":
            raise Failure(f"the function answered with an {kind}: {body.decode()}")
        self.api.asked.get(timeout=PATIENCE_S)
        return ended - began, body


@contextmanager
def running(binary: Path, variables: dict[str, str]) -> Iterator[Function]:
    """The function, idle, and ended afterwards."""
    api = RuntimeApi()
    environment = {**_of_lambda(), **variables, "AWS_LAMBDA_RUNTIME_API": api.address}
    began = time.perf_counter()
    process = subprocess.Popen(
        (str(binary),), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield Function(process, api, api.asked.get(timeout=PATIENCE_S) - began)
    except queue.Empty:
        process.kill()
        errors = process.stderr.read().decode() if process.stderr else ""
        raise Failure(f"{binary.name} did not ask for work, or answer, within {PATIENCE_S:.0f} s: {errors}") from None
    finally:
        process.kill()
        process.communicate()
        api.close()


def _of_lambda() -> dict[str, str]:
    """What Lambda sets."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "PATH": os.environ.get("PATH", ""),
        **_certificates(),
    }


def _certificates() -> dict[str, str]:
    """One file of roots, as Amazon Linux has it. Debian has a folder of them besides, which would be read as well."""
    bundles = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt")
    return {"SSL_CERT_FILE": found for found in bundles if Path(found).exists()}


def variables() -> dict[str, str]:
    """All that the template sets, for whichever function: its parameters' defaults, and made up names of resources."""
    template = (REPOSITORY / "template.yaml").read_text()
    set_to = dict(re.findall(r"^ +(HEADWATER_[A-Z_]+): (.*)$", template, re.MULTILINE))
    return {name: _value(name, text, template) for name, text in set_to.items()}


def _value(name: str, text: str, template: str) -> str:
    parameter = text.removeprefix("!Ref ")
    default = re.search(rf"^  {re.escape(parameter)}:\n(?:    .*\n)*?    Default: (.*)$", template, re.MULTILINE)
    if default:
        return default[1].strip('"')
    # Without rules there is none, and none is the rules' default.
    if name == "HEADWATER_PRIVACY_KEY":
        return ""
    otherwise = re.fullmatch(r"!If \[\w+, .*, ([\w-]+|\"\")\]", text)
    if otherwise:
        return otherwise[1].strip('"')
    if name.endswith("_QUEUE"):
        return "https://sqs.us-east-1.amazonaws.com/123456789012/bench"
    return "arn:aws:lambda:us-east-1:123456789012:function:bench" if text.endswith(".Arn") else "bench"
