"""What the functions take for AWS: counts their requests, and makes the faults that microburst cannot.

```text
functions ──▶ this proxy ──▶ microburst ──▶ emulator
                   └── while no rule is set ──▶
```

| fault | what happens |
|---|---|
| unprocessed | some requests of a `BatchWriteItem` do not reach DynamoDB, and are in the answer's `UnprocessedItems` |
| lost | the request is done, and the connection is reset before the answer |
"""

import hashlib
import http.client
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# Not handed on: they are of one connection.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"}


@dataclass(frozen=True)
class Faults:
    """How often, from 0 to 1, and for `lost` of which operations (of all, if none is named)."""

    unprocessed: float = 0
    lost: float = 0
    lost_operations: frozenset[str] = frozenset()


@dataclass
class Counts:
    """Since the last scenario began."""

    requests: int = 0
    # Those that the SDK says it sends again, and batches of which something is given back here. A batch that a function sends
    # again of itself looks new.
    retries: int = 0
    faults: Counter = field(default_factory=Counter)
    # Requests of a BatchWriteItem that were processed and came again.
    resent: int = 0


class Proxy:
    """Listens from the beginning; told where to hand requests on once that is known."""

    def __init__(self, seed: int) -> None:
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        # The next on the way, and the last.
        self.upstream = self.emulator = ""
        self.faults = Faults()
        self.counts = Counts()
        self.processed: set[bytes] = set()
        self.last_request = time.monotonic()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True, name="proxy").start()

    def begin(self) -> None:
        with self.lock:
            self.counts, self.processed = Counts(), set()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def idle_seconds(self) -> float:
        return time.monotonic() - self.last_request

    def came(self, headers: http.client.HTTPMessage) -> None:
        attempt = headers.get("amz-sdk-request", "attempt=1")
        with self.lock:
            self.last_request = time.monotonic()
            self.counts.requests += 1
            self.counts.retries += "attempt=1" not in attempt

    def happens(self, fault: str, rate: float) -> bool:
        with self.lock:
            if rate <= 0 or self.random.random() >= rate:
                return False
            self.counts.faults[fault] += 1
            return True

    def is_lost(self, operation: str) -> bool:
        named = self.faults.lost_operations
        return (not named or operation in named) and self.happens("lost", self.faults.lost)

    def hold_back(self, body: bytes) -> tuple[bytes | None, dict[str, list]]:
        """What is handed on of a `BatchWriteItem`, if anything, and what is not."""
        request = json.loads(body)
        on, back = {}, {}
        for table, writes in request["RequestItems"].items():
            for write in writes:
                text = hashlib.sha256(json.dumps(write, sort_keys=True).encode()).digest()
                with self.lock:
                    self.counts.resent += text in self.processed
                if self.happens("unprocessed", self.faults.unprocessed):
                    back.setdefault(table, []).append(write)
                else:
                    on.setdefault(table, []).append(write)
                    with self.lock:
                        self.processed.add(text)
        if not back:
            return body, back
        with self.lock:
            self.counts.retries += 1
        return json.dumps(request | {"RequestItems": on}).encode() if on else None, back


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy: Proxy

    def handle_error(self, request, client_address) -> None:
        """A function that was killed leaves its connections."""


class Handler(BaseHTTPRequestHandler):
    """One connection of a function."""

    protocol_version = "HTTP/1.1"
    # An answer's head and body in one packet each, at once.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def answer(self) -> None:
        proxy, body = self.server.proxy, self.read_body()
        proxy.came(self.headers)
        operation = operation_of(self.command, self.path, self.headers)
        on, back = body, {}
        if operation == "BatchWriteItem" and proxy.faults.unprocessed:
            on, back = proxy.hold_back(body)
        if back and on is not None:
            self.sign_again(on)
        if on is None:
            self.reply(200, [("Content-Type", "application/x-amz-json-1.0")], unprocessed({}, back))
            return
        # microburst takes the length out of answers, and of HEAD that is all there is.
        to = proxy.emulator if self.command == "HEAD" else proxy.upstream
        upstream = http.client.HTTPConnection(urlsplit(to).netloc, timeout=120)
        try:
            status, headers, answer, whole = self.ask(upstream, on)
        except (OSError, http.client.HTTPException):
            self.reset()
            return
        finally:
            upstream.close()
        if proxy.is_lost(operation):
            self.reset()
            return
        if back and status == 200:
            answer = unprocessed(json.loads(answer), back)
        self.reply(status, headers, answer, whole)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def ask(self, upstream: http.client.HTTPConnection, body: bytes) -> tuple[int, list, bytes, int | None]:
        """Status, heads and body of the answer, and how long it was to be, if it was cut off."""
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                upstream.putheader(name, value)
        if body or self.command in ("PUT", "POST"):
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        got = upstream.getresponse()
        headers = [(name, value) for name, value in got.getheaders() if name.lower() not in HOP_BY_HOP]
        if self.command == "HEAD":
            return got.status, headers, b"", None
        try:
            return got.status, strip_length(headers), got.read(), None
        except http.client.IncompleteRead as cut:
            length = len(cut.partial) + (cut.expected or 1)
            return got.status, strip_length(headers), cut.partial, length

    def sign_again(self, body: bytes) -> None:
        """The emulator looks at signatures, and this body is not what was signed: it comes from the account's root user."""
        url = f"http://{self.headers['Host']}{self.path}"
        kept = {name: self.headers[name] for name in ("X-Amz-Target", "Content-Type")}
        request = AWSRequest(self.command, url, kept, body)
        SigV4Auth(Credentials("test", "test"), "dynamodb", "us-east-1").add_auth(request)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"):
            del self.headers[name]
        for name, value in request.headers.items():
            if name not in kept:
                self.headers[name] = value

    def reply(self, status: int, headers: list, body: bytes, whole: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(whole or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if whole:
            self.reset()

    def reset(self) -> None:
        """Ends the connection without a word: with no time to linger the system sends a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def log_message(self, *_: object) -> None:
        pass


def strip_length(headers: list) -> list:
    return [(name, value) for name, value in headers if name.lower() != "content-length"]


def unprocessed(answer: dict, back: dict[str, list]) -> bytes:
    left = answer.get("UnprocessedItems") or {}
    for table, writes in back.items():
        left[table] = left.get(table, []) + writes
    return json.dumps(answer | {"UnprocessedItems": left}).encode()


def operation_of(method: str, path: str, headers: http.client.HTTPMessage) -> str:
    """The operation under AWS's name, as far as faults need it."""
    target = headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "uploadId" in query:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload"}.get(method, "AbortMultipartUpload")
    return {"PUT": "PutObject", "GET": "GetObject", "DELETE": "DeleteObject", "HEAD": "HeadObject"}.get(method, method)
