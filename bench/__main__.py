"""The command line: `python -m bench --help`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from . import contestants, data, exports, figures, flights, imports, lakes, machine, starts, streams, table
from .figures import Figure, Found
from .places import FLIGHTS_ENVIRONMENT, SUMMARY, Failure, progress

# What the figures are defined at.
ITEMS, SMALL_ITEMS, RUNS = 500_000, 100_000, 5
SMALL_FILES, CHANGES_OF_A_FILE = 10_000, 20
PARTS = ("export", "wide", "events", "decode", "load", *contestants.LAKES, contestants.START)


def main() -> int:
    options = _options()
    began = time.monotonic()
    try:
        _bench(options)
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    progress(f"took {(time.monotonic() - began) / 60:.1f} minutes")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Headwater beside its peers. A missed figure is said plainly, and is no failure."
    )
    parser.add_argument("--items", type=int, default=ITEMS, help=f"items at full size; the figures are at {ITEMS:,}")
    parser.add_argument("--runs", type=int, default=RUNS, help="rounds, of which medians are taken")
    parser.add_argument("--only", choices=PARTS, action="append", help="leave out the other parts")
    parser.add_argument("--seed", type=int, default=7, help="other items of the same shapes")
    parser.add_argument("--lock", action="store_true", help="pin the peers' packages anew, and nothing else")
    options = parser.parse_args()
    if options.items < 1 or options.runs < 1:
        parser.error("--items and --runs are at least 1")
    return options


def _bench(options: argparse.Namespace) -> None:
    if options.lock:
        contestants.lock()
        return
    parts = options.only or PARTS
    contestants.prepare(parts)
    about = {**machine.describe(parts), "load": f"{machine.load()} at the start"}
    if options.items != ITEMS or options.runs < RUNS:
        about["note"] = f"a quick look; the figures are defined at {ITEMS:,} items and {RUNS} runs"
    found = _measure(parts, options)
    about["load"] += f", {machine.load()} at the end"
    reached = figures.figures(found)
    print(table.render(found, reached, about))
    missed = sum(not figure.reaches(figure.must) for figure in reached)
    print(f"\n{len(reached)} figures, {missed} missed." if reached else "")
    SUMMARY.write_text(json.dumps(_summary(options, about, found, reached), indent=1, ensure_ascii=False) + "\n")


def _measure(parts: Sequence[str], options: argparse.Namespace) -> Found:
    """The parts, each with the data it needs."""
    items, small_items, rounds = options.items, min(options.items, SMALL_ITEMS), options.runs
    found = Found()
    if not {"export", "wide", "events"}.isdisjoint(parts):
        made = data.prepare(items, small_items, options.seed)
        if "export" in parts:
            found.full_size, found.small = exports.full_size(made, rounds), exports.small(made, rounds)
        if "wide" in parts:
            found.wide = exports.wide(made, rounds)
        if "events" in parts:
            found.events = streams.events(made, rounds)
    if contestants.has_flights(parts):
        interpreter = contestants.python("", environment=FLIGHTS_ENVIRONMENT)[0]
        written = flights.prepare(interpreter, items, small_items)
        if "decode" in parts:
            found.decodings = imports.decodings(written, rounds)
        if "load" in parts:
            found.load = imports.load(written, rounds)
    if "compaction" in parts:
        found.compaction = lakes.compaction(min(SMALL_FILES, items), CHANGES_OF_A_FILE)
    if "days" in parts:
        found.days = lakes.days()
    if contestants.START in parts:
        # Nothing but its events is needed, which are the same however many items there are.
        found.starts = starts.starts(data.prepare(1000, 1000, options.seed), rounds)
    return found


def _summary(options: argparse.Namespace, about: dict[str, str], found: Found, reached: list[Figure]) -> dict[str, Any]:
    measured = {"full_size": found.full_size, "small": found.small, "wide": found.wide}
    return {
        "about": about,
        "items": options.items,
        "runs": options.runs,
        "seed": options.seed,
        "figures": [figure.as_json() for figure in reached],
        "exports": {name: export.as_json() for name, export in measured.items() if export},
        "events": [event.as_json() for event in found.events],
        "decodings": [decoding.as_json() for decoding in found.decodings],
        "load": found.load and found.load.as_json(),
        "compaction": found.compaction and found.compaction.as_json(),
        "days": found.days,
        "starts": found.starts and found.starts.as_json(),
    }


sys.exit(main())
