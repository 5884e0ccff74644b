"""microburst, a process of its own before the emulator: https://github.com/pingedbrain/microburst.

Answers with the errors that AWS's own models name, holds requests up, cuts answers off and resets connections, each with a
probability. Its rules are given to it while it runs.
"""

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from stack import environments, process
from stack.paths import LOCAL, Failure, last_lines

PATIENCE = 30.0


class Microburst:
    """A running one."""

    def __init__(self, folder: Path, upstream: str) -> None:
        endpoint_file, log = folder / "microburst", folder / "microburst.log"
        serve = LOCAL / "soak" / "serve_microburst.py"
        command = [str(environments.python(environments.SOAK)), str(serve), str(endpoint_file), upstream]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8"}
        self.pid, self.began = process.start(command, environment, log)
        deadline = time.monotonic() + PATIENCE
        while not endpoint_file.exists() or not self._answers(endpoint_file.read_text()):
            if time.monotonic() > deadline or not process.runs(self.pid, self.began):
                self.stop()
                raise Failure(f"microburst did not start. The end of its log:\n{last_lines(log)}")
            time.sleep(0.05)
        self.endpoint = endpoint_file.read_text()

    def stop(self) -> None:
        process.stop(self.pid, self.began)

    def follow(self, rules: list[dict[str, Any]]) -> None:
        """These rules and no others, from now on."""
        self._ask("POST", "rules", rules)

    def injected(self) -> int:
        """How many faults there were since it started."""
        return self._ask("GET", "stats")["requests"]["faulted"]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_microburst/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    @staticmethod
    def _answers(endpoint: str) -> bool:
        try:
            with urllib.request.urlopen(f"{endpoint}/_microburst/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
