"""Where things are, and how the bench says what is going on."""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
TARGET = REPOSITORY / "target"
WORK = TARGET / "bench"
DATA = WORK / "data"
OUTPUT = WORK / "output"
ENVIRONMENT = WORK / "env"
FLIGHTS_ENVIRONMENT = WORK / "env-flights"
SUMMARY = WORK / "summary.json"
PINS = BENCH / "peers.txt"
FLIGHTS_PINS = BENCH / "flights.txt"
PEERS = BENCH / "peers"


class Failure(Exception):
    """Ends the bench with this message: what failed, where, and what to do next."""


def progress(text: str) -> None:
    """Says what is going on, beside the table, which goes to standard output."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
