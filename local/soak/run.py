"""One scenario: tables change and files are imported under faults, then all has to be there."""

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from demo.show import Unmet

from . import redrive
from .again import repeat_events, repeat_messages, repeat_objects
from .cloud import Cloud
from .lake import Lake
from .injector import Microburst
from .proxy import Faults, Proxy
from .scenarios import Scenario
from .snapshots import export, snapshot_problem
from .workload import Table, rows, seed

# How long faults last once everything is written, if what they hold up does not come through.
OUTAGE_SECONDS = 20
# And how long what was held up is waited for after them.
PATIENCE_SECONDS = 150
# What comes back to its trigger.
RETURNED = ("the mapping comes back from there", "the queue tries again")


@dataclass
class Result:
    scenario: Scenario
    changes: int = 0
    requests: int = 0
    injected: int = 0
    retries: int = 0
    returned: int = 0
    duplicates: int = 0
    given_up: int = 0
    redriven: int = 0
    losses: int = 0
    seconds: float = 0
    problems: list[str] = field(default_factory=list)


class Run:
    def __init__(self, cloud: Cloud, proxy: Proxy, microburst: Microburst, scenario: Scenario, changes: int, seed: int):
        self.cloud, self.proxy, self.microburst, self.scenario = cloud, proxy, microburst, scenario
        self.random = random.Random(f"{seed} {scenario.name}")
        names = [f"soak-{scenario.name}-{letter}" for letter in "ab"]
        self.tables = [Table(name, random.Random(f"{seed} {name}")) for name in names]
        self.imported = f"soak-{scenario.name}-file"
        # A third is imported, and a third changes in each table.
        self.each = changes // 3
        self.result = Result(scenario)
        self.versions: dict[str, str] = {}

    def run(self) -> Result:
        began, before = time.time(), self._injected()
        self.proxy.begin()
        try:
            self._under_faults()
            self._settle()
        except (Unmet, AssertionError, ClientError, BotoCoreError) as problem:
            self._lost(1, f"{type(problem).__name__}: {problem}")
        result, counts = self.result, self.proxy.counts
        result.injected += self._injected() - before + sum(counts.faults.values())
        result.requests, result.retries = counts.requests, counts.retries
        if counts.resent and self.scenario.faults.unprocessed:
            result.problems.append(f"{counts.resent} requests were sent again though they had been processed")
            result.losses += counts.resent
        result.returned = sum(self.cloud.logged(text, began) for text in RETURNED)
        result.seconds = time.time() - began
        return result

    def _injected(self) -> int:
        return self.microburst.injected() + self.cloud.timed_out()

    def _under_faults(self) -> None:
        with ExitStack() as undone:
            if self.scenario.tables_first:
                self._make_tables()
            for function, seconds in self.scenario.timeouts.items():
                undone.enter_context(self.cloud.timeout(function, seconds))
            if self.scenario.retries is not None:
                undone.enter_context(self._impatient(self.scenario.retries))
            undone.enter_context(self._faults())
            if self.scenario.killed:
                undone.enter_context(self._killing())
            if not self.scenario.tables_first:
                self._make_tables()
            self._drop(self.imported, "csv", rows(self.each))
            with ThreadPoolExecutor() as threads:
                for _ in threads.map(lambda table: table.change(self.cloud, self.each), self.tables):
                    pass
            if self.scenario.exported:
                export(self.cloud, self.tables[0].name)
            if self.scenario.repeated:
                self._repeat()
            self._wait(OUTAGE_SECONDS)

    def _make_tables(self) -> None:
        for table in self.tables:
            self._drop(table.name, "jsonl", seed(table.name))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(self._is_active(table.name) for table in self.tables):
            if time.monotonic() > deadline:
                raise Unmet(f"the tables of {self.scenario.name} were not made within {PATIENCE_SECONDS} s")
            redrive.dead_letters(self.cloud)
            time.sleep(0.5)

    def _is_active(self, table: str) -> bool:
        """Whether the table is there, has its stream and its mapping: changes before that are nobody's."""
        try:
            described = self.cloud.dynamodb.describe_table(TableName=table)["Table"]
            return described["TableStatus"] == "ACTIVE" and bool(self.cloud.mapping(table))
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
            while not over.wait(self.random.uniform(0.5, 2.5)):
                self.result.injected += self.cloud.kill(self.random.choice(self.scenario.killed))

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def _impatient(self, retries: int) -> Iterator[None]:
        mappings = [self.cloud.mapping(table.name)["UUID"] for table in self.tables]
        for mapping in mappings:
            self.cloud.functions.update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=retries)
        try:
            yield
        finally:
            for mapping in mappings:
                self.cloud.functions.update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=-1)

    def _repeat(self) -> None:
        self._wait(PATIENCE_SECONDS)
        for table in self.tables:
            self.result.injected += repeat_events(self.cloud, table.name, self.random)
        for table, version in self.versions.items():
            self.result.injected += repeat_objects(self.cloud, table, version)
        self.result.injected += repeat_messages(self.cloud, self.tables[0].name, self.random)

    def _settle(self) -> None:
        """Without faults: what was given up is redriven, and everything comes through, or is lost."""
        self._wait(PATIENCE_SECONDS, redriving=True)
        for table in [*self.tables, None]:
            self._compare(table)
        for table in self.versions:
            self._check_report(table)
        if self.scenario.exported:
            problem = snapshot_problem(self.cloud, self.tables[0].name)
            self._lost(1 if problem else 0, problem)
        for name, (queue, dead) in self.cloud.queues.items():
            left = self.cloud.messages(queue) + self.cloud.messages(dead)
            self._lost(left, f"{left} messages are left in the queues of {name}")
        left = redrive.given_up(self.cloud)
        self._lost(len(left), f"not redriven: {left[:3]}")

    def _wait(self, seconds: float, redriving: bool = False) -> None:
        """Until nothing is under way, for so many seconds at most."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if redriving:
                moved, written = redrive.dead_letters(self.cloud), redrive.batches(self.cloud)
                self.result.given_up += moved + written
                self.result.redriven += moved + written
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
            keys = self.cloud.keys(self.cloud.lake, f"changes/{table.name}/")
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

    def _compare(self, table: Table | None) -> None:
        """Until it is right, for a while: the last changes may be on their way."""
        name = table.name if table else self.imported
        lake, deadline = Lake(self.cloud, name), time.monotonic() + 30
        while (found := lake.compare()).problem and time.monotonic() < deadline:
            time.sleep(1)
        self.result.changes += found.changes
        self.result.duplicates += found.rows - found.changes
        self._lost(found.losses, found.problem)
        # The seed is a change, too.
        made = table.changes + 1 if table else self.each
        self._lost(abs(found.changes - made), f"{name}: {made} changes were made, and {found.changes} are known")

    def _lost(self, count: int, problem: str | None) -> None:
        if count:
            self.result.losses += count
            self.result.problems.append(str(problem))
