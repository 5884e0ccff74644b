"""One scenario: tables change and files are imported under faults, then all has to be there."""

import json
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from demo.show import Unmet

from . import redrive, views
from .again import repeat_events, repeat_messages, repeat_objects
from .cloud import VISIBILITY_SECONDS, Cloud
from .injector import Microburst
from .lake import Found, Lake, merged
from .proxy import Faults, Proxy
from .runs import Runs
from .scenarios import Scenario
from .snapshots import export, snapshot_problem
from .workload import Table, rows, seed

# How long faults last once everything is written, if what they hold up does not come through.
OUTAGE_SECONDS = 10
# And how long what was held up is waited for after them, and what is to be given up under them.
PATIENCE_SECONDS = 150
# How many, while runs are due, and how far apart: further than a batch waits for more.
PIECES, PIECE_SECONDS = 16, 2
# Where lines of exports are that can be no row: no item here is one.
LINES = "quarantine/snapshot/"
# What comes back to its trigger.
RETURNED = ("the mapping comes back from there", "the queue tries again")
# The last line of an invocation, with what it has counted: counts.rs.
COUNTED = '"message":"invocation ended"'


@dataclass
class Result:
    scenario: Scenario
    changes: int = 0
    requests: int = 0
    injected: int = 0
    # Requests that the SDK sent again, and batches of items that `import` did.
    retries: int = 0
    returned: int = 0
    duplicates: int = 0
    # By kind, and each of them was redriven.
    given_up: Counter[str] = field(default_factory=Counter)
    losses: int = 0
    seconds: float = 0
    problems: list[str] = field(default_factory=list)


class Run:
    def __init__(self, cloud: Cloud, proxy: Proxy, microburst: Microburst, scenario: Scenario, changes: int, seed: int):
        self.cloud, self.proxy, self.microburst, self.scenario = cloud, proxy, microburst, scenario
        self.random = random.Random(f"{seed} {scenario.name}")
        names = [f"soak-{scenario.name}-{letter}" for letter in "ab"]
        self.tables = [Table(name, random.Random(f"{seed} {name}"), bad=scenario.bad) for name in names]
        self.imported = f"soak-{scenario.name}-file"
        self.runs = Runs(cloud, proxy, scenario.name) if scenario.scheduled else None
        # A third is imported, and a third changes in each table.
        self.each = -(-changes // 3)
        self.result = Result(scenario)
        # Faults, by kind.
        self.injected: Counter[str] = Counter()
        self.versions: dict[str, str] = {}

    def run(self) -> Result:
        began, broken, timed_out = time.time(), self.microburst.injected(), self.cloud.timed_out()
        self.proxy.begin()
        try:
            self._under_faults()
            self._settle()
        except Exception as problem:  # Whatever it is, the other scenarios have their turn, and all are told of.
            traceback.print_exc()
            self._lost(1, f"{type(problem).__name__}: {problem}")
        result, counts = self.result, self.proxy.counts
        self.injected["requests broken"] += self.microburst.injected() - broken + sum(counts.faults.values())
        self.injected["invocations timed out"] += self.cloud.timed_out() - timed_out
        result.injected = self.injected.total()
        result.requests = counts.requests
        if counts.resent and self.scenario.faults.unprocessed:
            self._lost(counts.resent, f"{counts.resent} requests were sent again though they had been processed")
        for kind in self._has_to_inject():
            self._lost(0 if self.injected[kind] else 1, f"no {kind}, nothing of it was injected: this shows nothing")
        for kind in self.scenario.gives_up:
            self._lost(0 if result.given_up[kind] else 1, f"no {kind} was given up: this shows nothing")
        told = list(self.cloud.log_lines(began))
        result.returned = sum(text in line for line in told for text in RETURNED)
        # Functions count what looks new to the proxy, and one that is killed does not tell what it has counted.
        result.retries = max(counts.retries, sum(map(retries_told, told)))
        result.seconds = time.time() - began
        return result

    def _has_to_inject(self) -> list[str]:
        """The kinds of faults of which there has to be one. They come by chance, and more than one is to be expected of each;
        `errors-1`, where that may be none, has one that is certain."""
        scenario = self.scenario
        has = {
            "requests broken": scenario.rules or scenario.faults != Faults(),
            "processes killed": scenario.killed,
            "invocations timed out": scenario.timeouts and not scenario.scheduled,
            "events repeated": scenario.repeated,
        }
        return [kind for kind, is_asked in has.items() if is_asked]

    def _under_faults(self) -> None:
        scenario = self.scenario
        with ExitStack() as undone:
            if scenario.tables_first:
                self._make_tables()
            if self.runs:
                self.runs.prepare()
            for function, seconds in scenario.timeouts.items():
                undone.enter_context(self.cloud.timeout(function, seconds))
            if "batch" in scenario.gives_up:
                undone.enter_context(self._impatient())
            undone.enter_context(self._faults())
            if scenario.killed:
                undone.enter_context(self._killing())
            if not scenario.tables_first:
                self._make_tables()
            self._drop(self.imported, "csv", rows(self.each))
            with ThreadPoolExecutor() as threads:
                days = threads.submit(self.runs.run) if self.runs else None
                for _ in threads.map(self._change, self.tables):
                    pass
                if days:
                    days.result()
            if scenario.exported:
                export(self.cloud, self.tables[0].name)
            if scenario.repeated:
                self._repeat()
            if scenario.gives_up:
                self._wait_for_what_is_given_up()
            else:
                self._wait(OUTAGE_SECONDS)

    def _change(self, table: Table) -> None:
        """At once, or while runs are due in pieces, so that there are files to merge, and changes between snapshots."""
        pieces = PIECES if self.runs else 1
        for piece in range(pieces):
            table.change(self.cloud, self.each // pieces + (piece < self.each % pieces))
            time.sleep(PIECE_SECONDS if piece < pieces - 1 else 0)

    def _make_tables(self) -> None:
        for table in self.tables:
            self._drop(table.name, "jsonl", seed(table.name))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(self._is_made(table.name) for table in self.tables):
            if time.monotonic() > deadline:
                raise Unmet(f"the tables of {self.scenario.name} were not made within {PATIENCE_SECONDS} s")
            self.result.given_up += redrive.dead_letters(self.cloud)
            time.sleep(0.2)

    def _is_made(self, table: str) -> bool:
        """Whether the table is there with its stream, its mapping and its seed: before that changes are nobody's, and an
        export can have been asked for before a load that faults hold up."""
        try:
            described = self.cloud.dynamodb.describe_table(TableName=table)["Table"]
            is_active = described["TableStatus"] == "ACTIVE"
            return is_active and bool(self.cloud.mapping(table)) and bool(self.cloud.items(table))
        except (self.cloud.dynamodb.exceptions.ResourceNotFoundException, KeyError, ValueError):
            return False

    def _drop(self, table: str, kind: str, body: bytes) -> None:
        self.versions[table] = self.cloud.drop(f"{table}.{kind}", body)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        self.microburst.follow(self.scenario.rules)
        self.proxy.faults = self.scenario.faults
        through = self.proxy.upstream
        if self.scenario.rules:
            self.proxy.upstream = self.microburst.endpoint
        try:
            yield
        finally:
            self.proxy.upstream, self.proxy.faults = through, Faults()
            self.microburst.follow([])

    @contextmanager
    def _killing(self) -> Iterator[None]:
        over = threading.Event()

        def kill() -> None:
            # The first is of those that run: in a small run there is not time for many.
            killed = self.scenario.killed
            while not over.wait(self.random.uniform(0.5, 2.5)):
                is_first = not self.injected["processes killed"]
                among = [function for function in killed if self.cloud.processes(function)] if is_first else killed
                if among:
                    self.injected["processes killed"] += self.cloud.kill(self.random.choice(among))

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """Mappings give a batch up after one retry, and not after 20 hours; messages come back at once."""
        mappings = [self.cloud.mapping(table.name)["UUID"] for table in self.tables]
        for mapping in mappings:
            self.cloud.functions.update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=1)
        self.cloud.come_back_after(1)
        try:
            yield
        finally:
            self.cloud.come_back_after(VISIBILITY_SECONDS)
            for mapping in mappings:
                self.cloud.functions.update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=-1)

    def _wait_for_what_is_given_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not redrive.waiting(self.cloud) >= set(self.scenario.gives_up) and time.monotonic() < deadline:
            time.sleep(0.5)

    def _repeat(self) -> None:
        self._wait(PATIENCE_SECONDS)
        for table in self.tables:
            self.injected["events repeated"] += repeat_events(self.cloud, table.name, self.random)
        for table, version in self.versions.items():
            self.injected["events repeated"] += repeat_objects(self.cloud, table, version)
        self.injected["events repeated"] += repeat_messages(self.cloud, self.tables[0].name, self.random)

    def _settle(self) -> None:
        """Without faults: what was given up is redriven, and everything comes through, or is lost."""
        if self.runs:
            self.result.given_up += self.runs.settle()
        self._wait(PATIENCE_SECONDS, redriving=True)
        names = [table.name for table in self.tables]
        views.make(self.cloud, [*names, self.imported])
        if self.runs:
            self.runs.merge()
        with ThreadPoolExecutor() as threads:
            for table, found, wrong in threads.map(self._compared, [*self.tables, None]):
                self._count(table, found, wrong)
        for table in self.versions:
            self._check_report(table)
        if self.scenario.exported:
            problem = snapshot_problem(self.cloud, self.tables[0].name)
            self._lost(1 if problem else 0, problem)
        for problem in self.runs.problems() if self.runs else []:
            self._lost(1, problem)
        for name, (queue, dead) in self.cloud.queues.items():
            left = self.cloud.messages(queue) + self.cloud.messages(dead)
            self._lost(left, f"{left} messages are left in the queues of {name}")
        runs = self.cloud.messages(self.cloud.given_up_runs)
        self._lost(runs, f"{runs} runs of backup were given up and not redriven")
        left = redrive.given_up(self.cloud) + self.cloud.keys(self.cloud.lake, LINES)
        self._lost(len(left), f"not redriven: {left[:3]}")

    def _wait(self, seconds: float, redriving: bool = False) -> None:
        """Until nothing is under way, for so many seconds at most."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if redriving:
                self.result.given_up += redrive.dead_letters(self.cloud) + redrive.batches(self.cloud)
            if self._is_quiet():
                return
            time.sleep(0.5)

    def _is_quiet(self) -> bool:
        waiting = sum(self.cloud.messages(queue) for queue, _ in self.cloud.queues.values())
        return waiting == 0 and self._has_reports() and self._has_changes()

    def _has_reports(self) -> bool:
        return all(self._reports(table) for table in self.versions)

    def _has_changes(self) -> bool:
        # Names of change files hold how many changes are in them.
        for table in self.tables:
            keys = set(self.cloud.keys(self.cloud.lake, f"changes/{table.name}/")) - merged(self.cloud, table.name)
            if sum(int(key.split("-")[-2]) for key in keys) < table.changes + 1:
                return False
        return True

    def _reports(self, table: str) -> list[dict]:
        version = self.versions[table]
        return [report for report in self.cloud.reports(table) if report["source"].get("version") == version]

    def _check_report(self, table: str) -> None:
        expected = self.each if table == self.imported else 1
        reports = self._reports(table)
        counts = [(report["status"], report["rowsWritten"], report["rowsRejected"]) for report in reports]
        is_right = counts == [("finished", expected, 0)]
        self._lost(0 if is_right else 1, f"the import of {table} says {counts}, not {expected} rows: {json.dumps(reports)[:600]}")

    def _compared(self, table: Table | None) -> tuple[Table | None, Found, tuple[int, str]]:
        """Until the files are right, for a while: the last changes may be on their way. Then what the views show."""
        name = table.name if table else self.imported
        lake, items, deadline = Lake(self.cloud, name), self.cloud.items(name), time.monotonic() + 30
        while (found := lake.compare(items)).problem and time.monotonic() < deadline:
            time.sleep(1)
        return table, found, views.compare(self.cloud, name, found.changes, items, "version" if table else "name")

    def _count(self, table: Table | None, found: Found, wrong: tuple[int, str]) -> None:
        self.result.changes += len(found.changes)
        self.result.duplicates += found.rows - len(found.changes)
        self._lost(found.losses, found.problem)
        self._lost(*wrong)
        # The seed is a change, too.
        made, name = (table.changes + 1, table.name) if table else (self.each, self.imported)
        self._lost(abs(len(found.changes) - made), f"{name}: {made} changes were made, and {len(found.changes)} are known")

    def _lost(self, count: int, problem: str | None) -> None:
        if count:
            self.result.losses += count
            self.result.problems.append(str(problem))


def retries_told(line: str) -> int:
    """How many retries a log line counts: none, if it is not an invocation's last, or was cut off as the function died."""
    if COUNTED not in line:
        return 0
    try:
        return json.loads(line).get("Retries", 0)
    except ValueError:
        return 0
