"""Where things are, and the two ways to say that something went wrong or is going on."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = REPOSITORY / "local"
TARGET = REPOSITORY / "target"
WORK = TARGET / "local"


class Failure(Exception):
    """Ends the command with this message: what failed, where, and what to do next."""


def progress(text: str) -> None:
    """Says what is going on, beside whatever the command prints for other programs to read."""
    print(f"local/aws: {text}", file=sys.stderr, flush=True)


def last_lines(file: Path, count: int = 20) -> str:
    """The end of a log, for the message of a failure."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(nothing was written)"
    return "\n".join(lines[-count:])
