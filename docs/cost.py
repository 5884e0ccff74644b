#!/usr/bin/env python3
"""What Headwater costs in an AWS account, and what else would: `docs/cost.py --help`.

```text
prices (AWS's lists) ──┐
measured (the bench) ──┼─▶ bill: lines of dollars ─▶ text, or the tables of cost.md
your table, settings ──┘
```

Everything that is multiplied stands in this file. docs/cost.md says where the prices are from and what is left out;
test_cost.py holds its tables, the import's own estimate and the template's settings to this file.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

# ---- Prices: us-east-1, list prices, no free tier --------------------------------------------------

MILLION, GB = 1e6, 1e9
MONTH_HOURS, MONTH_SECONDS, MONTH_DAYS = 730, 730 * 3600, 30.4

PRICES = {
    # name: (dollars, for what)
    "lambda arm64": (0.0000133334, "GB-second"),
    "lambda x86_64": (0.0000166667, "GB-second"),
    "lambda requests": (0.20, "million"),
    "s3 put": (5.00, "million"),
    "s3 get": (0.40, "million"),
    "s3 storage": (0.023, "GB-month"),
    "dynamodb write": (0.625, "million write units"),
    "dynamodb import": (0.15, "GB"),
    "dynamodb export": (0.10, "GB"),
    "dynamodb recovery": (0.20, "GB-month"),
    "dynamodb backup": (0.10, "GB-month"),
    "dynamodb capture": (0.10, "million units of 1 KB"),
    "backup cold": (0.03, "GB-month"),
    "kinesis stream": (0.04, "hour"),
    "kinesis in": (0.08, "GB"),
    "kinesis out": (0.04, "GB"),
    "firehose": (0.029, "GB"),
    "firehose parquet": (0.018, "GB"),
    "athena": (5.00, "TB"),
    "scheduler": (1.00, "million"),
    "logs": (0.50, "GB"),
    "metric": (0.30, "month"),
    "traces": (5.00, "million"),
}

# ---- Measured: docs/performance.md, one processor of the machine it names --------------------------

# CPU seconds of a change: 1,000 full records of `orders` (1.8 MB) took 21.1 ms.
CPU_OF_CHANGE = 21.1e-3 / 1000
# Those 1,000 records and the file that they became.
EVENT_BYTES_OF_CHANGE, PARQUET_BYTES_OF_CHANGE = 1800, 279
# An item of `orders`, as DynamoDB counts it and as a line of an export.
ITEM_BYTES, LINE_BYTES = 583, 926
# An export to a snapshot: 500,000 items in 5.66 s, 78.64 MB; of them, what an audit reads (`_key`, `_hash`) is at most
# the meta columns, 9.95 MB.
CPU_OF_SNAPSHOT_ITEM, SNAPSHOT_BYTES_OF_ITEM, META_BYTES_OF_ITEM = 5.66 / 500e3, 157, 20
# Export files are gzip: 94.0 MB of 462.9 MB.
GZIP = 94.0 / 462.9
# 10,000 files of 20 changes merged in 7.4 s of CPU, to a third of the bytes.
CPU_OF_MERGED_FILE = 7.4 / 10_000
MERGED_BYTES = 20.10 / 62.20
# The most of an event, and so of a batch.
BATCH_BYTES = 6e6
# A row of an import: decoded three times, at 600,000 rows a second, and 14 µs at the client of BatchWriteItem.
CPU_OF_ROW_READ, CPU_OF_ROW_LOADED = 3 / 600e3, 14.1e-6

# ---- Assumed: what no bench on one machine can show ------------------------------------------------

# A processor of Lambda comes with 1,769 MB of memory, and less memory brings that much less of one.
PROCESSOR_MB = 1769
# How long a function waits for S3 to take a file. Lambda bills it whole; an account's own logs have the true figure.
WAIT_SECONDS = 0.1
# What an invocation logs: a line of ours and three of Lambda's.
LOG_BYTES = 1500
# X-Ray traces the first request of each second and a twentieth of the others.
TRACED_EACH_SECOND, TRACED_OF_OTHERS = 1, 0.05
# Write units per second that a new on-demand table takes, and that a load therefore runs at.
LOAD_RATE = 4_000
# The hourly run, of one table: a few calls and no more; and what is looked at of it where there is nothing to merge.
RECONCILE_SECONDS, LOOK_SECONDS = 2, 0.2
# Metrics of one table: of a snapshot and its audit, and of an incremental export. CloudWatch bills the hours in which
# they are sent.
METRICS_OF_SNAPSHOT, METRICS_OF_INCREMENT = 6, 3


@dataclass(frozen=True)
class Settings:
    """The parameters of the stack that move the bill, with the template's defaults."""

    architecture: str = "arm64"
    batch_size: int = 1000
    window_seconds: int = 30
    stream_memory: int = 512
    import_memory: int = 1769
    snapshot_memory: int = 1769
    backup_memory: int = 512
    compaction_memory: int = 1769
    compaction: bool = True
    audit: bool = True
    tracing: bool = True
    recovery: bool = True
    backups_kept: int = 35
    full_exports: float = MONTH_DAYS
    incremental: bool = False


@dataclass(frozen=True)
class Table:
    """A table, and what happens to it in a month."""

    gigabytes: float = 10
    changes: float = 10 * MILLION
    item_bytes: int = ITEM_BYTES
    # Parts of the stream that are read side by side. A new on-demand table takes 4,000 writes a second, and so has four.
    shards: int = 4
    # Seconds of the month in which something changes, in every shard. A batch waits for its window only then.
    busy: float = 1.0

    @property
    def items(self) -> float:
        return self.gigabytes * GB / self.item_bytes


@dataclass(frozen=True)
class Line:
    """One line of a bill."""

    what: str
    dollars: float


def price(name: str) -> float:
    """Dollars of one: request, GB, GB-second, month."""
    dollars, unit = PRICES[name]
    return dollars / MILLION if unit.startswith("million") else dollars


def total(lines: list[Line]) -> float:
    return sum(line.dollars for line in lines)


def compute(settings: Settings, memory: int, cpu_seconds: float, wait_seconds: float = 0) -> float:
    """Lambda's time, in dollars: less memory computes for longer, and waits as long."""
    seconds = cpu_seconds / min(1, memory / PROCESSOR_MB) + wait_seconds
    return seconds * memory / 1024 * price(f"lambda {settings.architecture}")


# ---- The change feed --------------------------------------------------------------------------------


def files(table: Table, settings: Settings) -> float:
    """Batches of a month, each a file: full ones, or those that a window ends."""
    size = min(settings.batch_size, BATCH_BYTES / (EVENT_BYTES_OF_CHANGE * table.item_bytes / ITEM_BYTES))
    full = table.changes / max(1, size)
    # A window begins with the first change that comes after the last batch.
    seconds = table.shards * MONTH_SECONDS * table.busy
    ended = seconds / (settings.window_seconds + seconds / table.changes)
    return max(full, ended)


def feed(table: Table, settings: Settings) -> list[Line]:
    """The stream function, and what its files cost until they are merged."""
    made, scale = files(table, settings), table.item_bytes / ITEM_BYTES
    cpu = table.changes * CPU_OF_CHANGE * scale
    stored = table.changes * PARQUET_BYTES_OF_CHANGE * scale / GB
    lines = [
        Line("Lambda, requests", made * price("lambda requests")),
        Line("Lambda, time", compute(settings, settings.stream_memory, cpu, made * WAIT_SECONDS)),
        Line("S3, files put", made * price("s3 put")),
        Line("S3, one month of the files", stored * price("s3 storage")),
        Line("logs", made * LOG_BYTES / GB * price("logs")),
    ]
    if settings.tracing:
        lines.append(Line("X-Ray traces", traced(made) * price("traces")))
    # Of the hours in which the lag was sent: with few batches, at most one in each.
    lines.append(Line("metric of the lag", min(made, MONTH_HOURS) / MONTH_HOURS * price("metric")))
    if settings.compaction:
        lines.extend(compaction(table, made, settings))
    return lines


def traced(invocations: float) -> float:
    always = min(invocations, TRACED_EACH_SECOND * MONTH_SECONDS)
    return always + (invocations - always) * TRACED_OF_OTHERS


def compaction(table: Table, made: float, settings: Settings) -> Iterator[Line]:
    """Each file is read once; what becomes of it is put in parts of 5 MB and more, which hardly counts."""
    yield Line("merging: S3, files read", made * price("s3 get"))
    yield Line("merging: Lambda, time", compute(settings, settings.compaction_memory, made * CPU_OF_MERGED_FILE))


# ---- An import ----------------------------------------------------------------------------------------


def write_units(item_bytes: int) -> int:
    return max(1, math.ceil(item_bytes / 1024))


def direct(rows: float, item_bytes: int, settings: Settings, indexes: int = 0) -> list[Line]:
    """BatchWriteItem. The first line is what the import's report says."""
    units = rows * write_units(item_bytes)
    cpu, waiting = rows * (CPU_OF_ROW_READ + CPU_OF_ROW_LOADED), units / LOAD_RATE
    share = min(1, settings.import_memory / PROCESSOR_MB)
    return [
        Line("DynamoDB, write units", units * (1 + indexes) * price("dynamodb write")),
        Line("Lambda, time", compute(settings, settings.import_memory, cpu, max(0, waiting - cpu / share))),
    ]


def native(rows: float, line_bytes: int, settings: Settings, objects: int = 1) -> list[Line]:
    """ImportTable of what was staged. The first two lines are what the import's report says."""
    return [
        Line("DynamoDB, import", rows * line_bytes / GB * price("dynamodb import")),
        Line("S3, objects staged", objects * price("s3 put")),
        Line("Lambda, time", compute(settings, settings.import_memory, rows * (CPU_OF_ROW_READ + CPU_OF_ROW_LOADED))),
        Line("S3, a day of what was staged", rows * line_bytes / GB * price("s3 storage") / MONTH_DAYS),
    ]


# ---- A table, month after month -----------------------------------------------------------------------


def keep(table: Table, settings: Settings) -> list[Line]:
    """Recovery, backups, exports, snapshots, views and audits of one table."""
    lines, exports = [], settings.full_exports
    if settings.recovery:
        lines.append(Line("point-in-time recovery", table.gigabytes * price("dynamodb recovery")))
    kept = table.gigabytes * settings.backups_kept
    lines.append(Line(f"backups, {settings.backups_kept} kept", kept * price("dynamodb backup")))
    if exports:
        lines.extend(snapshots(table, exports, settings))
    if settings.incremental:
        # An hour of changes, 10 MB at least.
        windows = max(table.changes * table.item_bytes / GB, MONTH_HOURS * 0.01)
        lines.append(Line("incremental exports, hourly", windows * price("dynamodb export")))
    if settings.audit and exports:
        # The snapshot before and the new one; 10 MB at least.
        read = max(2 * table.items * META_BYTES_OF_ITEM / 1e12, 10e6 / 1e12)
        lines.append(Line("audits, in Athena", exports * read * price("athena")))
    lines.append(Line("schedules", (MONTH_HOURS + MONTH_DAYS) * price("scheduler")))
    runs = compute(settings, settings.backup_memory, 0, MONTH_HOURS * RECONCILE_SECONDS)
    looks = compute(settings, settings.compaction_memory, 0, MONTH_HOURS * LOOK_SECONDS) if settings.compaction else 0
    lines.append(Line("hourly runs: Lambda, time", runs + looks))
    hours = METRICS_OF_SNAPSHOT * exports + METRICS_OF_INCREMENT * (MONTH_HOURS if settings.incremental else 0)
    # Each hourly run tells how old the newest backup is.
    hours += MONTH_HOURS if settings.backups_kept else 0
    lines.append(Line("metrics", hours / MONTH_HOURS * price("metric")))
    return lines


def snapshots(table: Table, exports: float, settings: Settings) -> Iterator[Line]:
    scale = table.item_bytes / ITEM_BYTES
    yield Line("full exports", exports * table.gigabytes * price("dynamodb export"))
    cpu = table.items * CPU_OF_SNAPSHOT_ITEM * scale
    yield Line("snapshots: Lambda, time", exports * compute(settings, settings.snapshot_memory, cpu))
    # What one month leaves, for a month. Nothing removes it but a life-cycle rule.
    left = table.items * (LINE_BYTES * GZIP + SNAPSHOT_BYTES_OF_ITEM) * scale / GB
    yield Line("S3, what they leave, each month", exports * left * price("s3 storage"))


# ---- What else there is -------------------------------------------------------------------------------


def kinesis(table: Table) -> list[Line]:
    """DynamoDB to a Kinesis stream, on demand, read once: no Parquet yet."""
    units = table.changes * write_units(table.item_bytes)
    # Its records have both images, and count in whole KB.
    record = math.ceil(EVENT_BYTES_OF_CHANGE * table.item_bytes / ITEM_BYTES / 1024) * 1024
    moved = table.changes * record / 2**30
    return [
        Line("DynamoDB, capture", units * price("dynamodb capture")),
        Line("Kinesis, the stream", MONTH_HOURS * price("kinesis stream")),
        Line("Kinesis, in", moved * price("kinesis in")),
        Line("Kinesis, out", moved * price("kinesis out")),
    ]


def firehose(table: Table) -> list[Line]:
    """That, and Firehose to Parquet, which counts each record in whole 5 KB."""
    record = math.ceil(EVENT_BYTES_OF_CHANGE * table.item_bytes / ITEM_BYTES / 5120) * 5120
    taken = table.changes * record / 2**30
    return [
        *kinesis(table),
        Line("Firehose, in", taken * price("firehose")),
        Line("Firehose, to Parquet", taken * price("firehose parquet")),
    ]


def zero_etl(table: Table) -> list[Line]:
    """What DynamoDB asks for it. What Glue asks for its part is not in here: no source with a figure was found."""
    return [
        Line("point-in-time recovery", table.gigabytes * price("dynamodb recovery")),
        Line("the first export", table.gigabytes * price("dynamodb export")),
        Line("exports of changes", table.changes * table.item_bytes / GB * price("dynamodb export")),
    ]


def aws_backup(table: Table, settings: Settings, warm: int = 7) -> list[Line]:
    """As many backups, of which all but the newest are cold."""
    cold = max(0, settings.backups_kept - warm)
    return [
        Line("backups, warm", table.gigabytes * min(warm, settings.backups_kept) * price("dynamodb backup")),
        Line("backups, cold", table.gigabytes * cold * price("backup cold")),
    ]


# ---- The tables of cost.md ----------------------------------------------------------------------------


def dollars(amount: float) -> str:
    """To the cent, halves up as the import's report has them; below ten cents to two digits."""
    if amount == 0:
        return "$0"
    if amount < 0.1:
        return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
    cents = math.floor(amount * 100 + 0.5) / 100
    return f"${cents:,.2f}" if amount < 100 else f"${amount:,.0f}"


def markdown(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def bill(lines: list[Line]) -> str:
    rows = [(line.what, dollars(line.dollars)) for line in lines if line.dollars]
    return markdown([("", "dollars"), *rows, ("**together**", f"**{dollars(total(lines))}**")])


def feeds() -> str:
    """Dollars of a million changes, by how busy the table is."""
    settings = Settings()
    rows: list[tuple[str, ...]] = [("changes a month", "files", "Headwater", "Kinesis alone", "Kinesis and Firehose")]
    for changes in (0.1 * MILLION, MILLION, 10 * MILLION, 100 * MILLION, 1000 * MILLION):
        table = Table(changes=changes)
        millions = changes / MILLION
        ways = (feed(table, settings), kinesis(table), firehose(table))
        each = (dollars(total(way) / millions) for way in ways)
        rows.append((f"{millions:g} million", f"{files(table, settings):,.0f}", *each))
    return markdown(rows)


def moves() -> str:
    """What each setting does to the feed of one table."""
    table, usual = Table(), Settings()
    changed = {
        "as it is": usual,
        "BatchWindowSeconds=300": replace(usual, window_seconds=300),
        "BatchWindowSeconds=5": replace(usual, window_seconds=5),
        "BatchWindowSeconds=300, BatchSize=10000": replace(usual, window_seconds=300, batch_size=10_000),
        "Architecture=x86_64": replace(usual, architecture="x86_64"),
        "256 MB for the stream function": replace(usual, stream_memory=256),
        "1,024 MB": replace(usual, stream_memory=1024),
        "Compaction=off": replace(usual, compaction=False),
        "tracing off": replace(usual, tracing=False),
    }
    rows = [("setting", "10 million changes a month", "of that Lambda's time")]
    for name, settings in changed.items():
        lines = feed(table, settings)
        time = sum(line.dollars for line in lines if line.what == "Lambda, time")
        rows.append((name, dollars(total(lines)), dollars(time)))
    return markdown(rows)


def imports() -> str:
    """Dollars of a GB of items, by how large they are."""
    settings = Settings()
    rows = [("items of", "direct", "with an index", "native", "of native, ImportTable itself")]
    for item_bytes in (100, 500, 1024, 4096):
        count = GB / item_bytes
        line_bytes = round(item_bytes * LINE_BYTES / ITEM_BYTES)
        staged = native(count, line_bytes, settings)
        amounts = (direct(count, item_bytes, settings), direct(count, item_bytes, settings, 1), staged, staged[:1])
        rows.append((f"{item_bytes:,} bytes", *(dollars(total(lines)) for lines in amounts)))
    return markdown(rows)


def months() -> str:
    """Dollars of one table and month, by its size and what is kept of it."""
    usual = Settings()
    kinds = {
        "daily backups and exports (the defaults)": usual,
        "weekly, eight backups kept": replace(usual, backups_kept=8, full_exports=MONTH_DAYS / 7),
        "weekly, eight kept, incremental exports": replace(
            usual, backups_kept=8, full_exports=MONTH_DAYS / 7, incremental=True
        ),
        "daily backups, no exports": replace(usual, full_exports=0),
    }
    sizes = (1, 10, 100)
    rows = [("", *(f"{size} GB" for size in sizes))]
    for name, settings in kinds.items():
        rows.append((name, *(dollars(total(keep(Table(gigabytes=size), settings))) for size in sizes)))
    backups = (dollars(total(aws_backup(Table(gigabytes=size), usual))) for size in sizes)
    rows.append(("AWS Backup: 35 daily backups alone, all but 7 of them cold", *backups))
    alone = (dollars(size * usual.backups_kept * price("dynamodb backup")) for size in sizes)
    rows.append(("AWS Backup, or Headwater: 35 daily backups alone, none cold", *alone))
    zero = (dollars(total(zero_etl(Table(gigabytes=size)))) for size in sizes)
    rows.append(("zero-ETL: DynamoDB's part in its first month; Glue's comes on top", *zero))
    return markdown(rows)


def prices() -> str:
    rows = [(name, f"{amount:.10f}".rstrip("0").rstrip("."), unit) for name, (amount, unit) in PRICES.items()]
    return markdown([("price", "dollars", "for a"), *rows])


TABLES = {
    "feeds": feeds,
    "feed of 10 million changes": lambda: bill(feed(Table(), Settings())),
    "moves": moves,
    "imports": imports,
    "months": months,
    "10 GB kept": lambda: bill(keep(Table(), Settings())),
    "prices": prices,
}


# ---- The command line ---------------------------------------------------------------------------------


def main() -> None:
    options = _options()
    if options.tables:
        for name, table in TABLES.items():
            print(f"\n{name}\n\n{table()}")
        return
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    table = Table(**{field.name: getattr(options, field.name) for field in fields(Table)})
    rows = options.import_gb * GB / table.item_bytes
    line_bytes = round(table.item_bytes * LINE_BYTES / ITEM_BYTES)
    sections = {
        f"The change feed, {table.changes / MILLION:,g} million changes a month": feed(table, settings),
        f"Keeping {table.gigabytes:g} GB, a month": keep(table, settings),
        f"Importing {options.import_gb:g} GB, once, direct": direct(rows, table.item_bytes, settings, options.indexes),
        f"Importing {options.import_gb:g} GB, once, native": native(rows, line_bytes, settings),
        "Instead of the feed: Kinesis and Firehose, a month": firehose(table),
        "Instead of the feed: zero-ETL, DynamoDB's part, the first month": zero_etl(table),
        "Instead of the backups: AWS Backup, a month": aws_backup(table, settings),
    }
    for name, lines in sections.items():
        print(f"\n{name}\n\n{bill(lines)}")


def _options() -> argparse.Namespace:
    about = "What a table costs with Headwater, in dollars, at list prices of us-east-1 (docs/cost.md says which)."
    parser = argparse.ArgumentParser(prog="docs/cost.py", description=about)
    helps = {
        "gigabytes": "size of the table",
        "changes": "changes a month",
        "item_bytes": "bytes of an item, as DynamoDB counts them",
        "shards": "parts of the stream",
        "busy": "the part of the month in which something changes, 0 to 1",
        "backups_kept": "backups of a table that are there at a time",
        "full_exports": "full exports a month; 0 for none",
    }
    for field in (*fields(Table), *fields(Settings)):
        name, default = f"--{field.name.replace('_', '-')}", field.default
        if isinstance(default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=default)
        elif isinstance(default, str):
            parser.add_argument(name, choices=("arm64", "x86_64"), default=default)
        else:
            says = f"{helps.get(field.name, 'the parameter of the stack')} ({default:,.10g})"
            kind = int if isinstance(default, int) else float
            parser.add_argument(name, type=kind, default=default, help=says)
    parser.add_argument("--import-gb", type=float, default=1, help="GB of items to import (1)")
    parser.add_argument("--indexes", type=int, default=0, help="indexes of the table that is imported (0)")
    parser.add_argument("--tables", action="store_true", help="the tables of docs/cost.md, and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    main()
