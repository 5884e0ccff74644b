"""A process that outlives the command which started it, and is ended by exactly its number.

A number alone is not enough, numbers are used again: when the process began is kept beside it.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def start(command: list[str], environment: dict[str, str], log: Path, folder: Path | None = None) -> tuple[int, str]:
    """Starts the command in a session and, if given, a folder of its own. Gives its number and when it began."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return process.pid, began(process.pid)


def began(pid: int) -> str:
    """When the process began, in whatever words the system has for it. Empty if there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        state, start_time = fields[0], fields[19]
        return "" if state == "Z" else start_time
    if Path("/proc/self").exists():
        return ""
    return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def runs(pid: int, since: str) -> bool:
    """Whether this very process still runs."""
    return since != "" and began(pid) == since


def stop(pid: int, since: str, patience: float = 10.0) -> None:
    """Ends the process and what it has started, and nothing else."""
    if not runs(pid, since):
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while runs(pid, since) and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.05)
    # Whatever it started is in its group, and the number of a group is not given away while one is left in it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _reap(pid)


def _reap(pid: int) -> None:
    """Lets go of a process that is our own child and has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
