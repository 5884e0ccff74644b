"""What was found, as Markdown tables that can be read in a terminal and pasted into a document."""

from collections.abc import Iterator
from typing import Any

from .contestants import HEADWATER
from .exports import Export
from .figures import Figure, Found
from .imports import Decoding, Load
from .lakes import Compaction
from .measure import Runs
from .starts import EMPTY, Starts
from .streams import Event

Row = tuple[str, ...]


def render(found: Found, figures: list[Figure], about: dict[str, str]) -> str:
    sections = [f"{name}: {text}" for name, text in about.items()]
    tables = [
        *(_export(export) for export in (found.full_size, found.small, found.wide) if export),
        *([_events(found.events)] if found.events else []),
        *map(_decoding, found.decodings),
        *([_load(found.load)] if found.load else []),
        *([_compaction(found.compaction)] if found.compaction else []),
        *([_days(found.days)] if found.days else []),
        *([_starts(found.starts), _warm(found.starts)] if found.starts else []),
        *([_figures(figures)] if figures else []),
    ]
    return "\n".join(sections) + "\n\n" + "\n\n".join(tables)


def _export(export: Export) -> str:
    written = {name: f"{export.footers[name]['bytes'] / 1e6:.2f}" for name in export.runs}
    lines = [f"{export.items:,} items of the shape {export.shape.name}", ""]
    return "\n".join([*lines, _processes(export.runs, export.items, "MB out", written), *_notes(export)])


def _processes(runs: dict[str, Runs], items: int, last: str, last_of: dict[str, str]) -> str:
    """What each took for so many items, and a last column of its own."""
    ours = runs[HEADWATER].cpu_s
    rows: list[Row] = [("", "CPU s", "least to most", "wall s", "items/CPU s", "CPU / ours", "MiB", last)]
    for name, taken in runs.items():
        least, most = taken.cpu_range_s
        rows.append(
            (
                name,
                f"{taken.cpu_s:.2f}",
                f"{least:.2f} to {most:.2f}",
                f"{taken.wall_s:.2f}",
                f"{items / taken.cpu_s:,.0f}",
                f"{taken.cpu_s / ours:.2f}",
                f"{taken.rss_mib:.0f}",
                last_of[name],
            )
        )
    return _markdown(rows)


def _notes(export: Export) -> Iterator[str]:
    ours = export.footers[HEADWATER]
    yield ""
    yield (
        f"Of our {ours['bytes'] / 1e6:.2f} MB, {ours['meta_bytes'] / 1e6:.2f} MB are meta columns that no peer has;"
        f" without them {export.attribute_bytes / 1e6:.2f} MB."
    )
    if export.floor:
        middle = sorted(export.floor, key=lambda run: run["cpu_s"])[len(export.floor) // 2]
        yield (
            f"Floor: {middle['cpu_s']:.2f} s CPU,"
            f" of which inflate {middle['inflate_cpu_s']:.2f} and encode {middle['encode_cpu_s']:.2f}."
        )


_PATHS = {
    "direct": "Headwater",
    "raw": "Headwater, were it to let the runtime read the payload",
    "typed": "Rust, lambda_runtime's typed events",
    "orjson": "Python, orjson + pyarrow",
    "boto3": "Python, json + boto3 + pyarrow",
}


def _events(events: list[Event]) -> str:
    rows: list[Row] = [("stream event to Parquet", "event", "CPU ms", "CPU / ours", "memory / event", "KB out")]
    for event in events:
        for path, cpu in event.cpu_s.items():
            memory = f"{event.memory[path]:.2f}" if path in event.memory else ""
            rows.append(
                (
                    _PATHS[path],
                    event.says,
                    f"{cpu * 1e3:.1f}",
                    f"{cpu / event.cpu_s['direct']:.2f}",
                    memory,
                    f"{event.written[path] / 1e3:.0f}",
                )
            )
    return _markdown(rows)


def _decoding(decoding: Decoding) -> str:
    read = {name: f"{decoding.bytes / runs.cpu_s / 1e6:.0f}" for name, runs in decoding.runs.items()}
    table = _processes(decoding.runs, decoding.items, "MB/CPU s", read)
    return f"{decoding.items:,} flights as {decoding.says}, {decoding.bytes / 1e6:.1f} MB\n\n{table}"


def _load(load: Load) -> str:
    each = {name: f"{load.cpu_us(name):.1f}" for name in load.runs}
    sent = ", ".join(f"{name} {size / 1e3:.1f}" for name, size in load.request_bytes.items())
    table = _processes(load.runs, load.items, "CPU µs an item", each)
    return f"{load.items:,} flights loaded, the client alone\n\n{table}\n\nKB of a request: {sent}."


def _compaction(compaction: Compaction) -> str:
    before, after, run = compaction.before, compaction.after, compaction.run
    rows: list[Row] = [
        ("small change files", "before", "merged", "before / merged"),
        ("files", f"{before['files']:,}", f"{after['files']:,}", f"{before['files'] / after['files']:,.0f}"),
        _compared("MB", before["bytes"] / 1e6, after["bytes"] / 1e6),
        *(_compared(f"{name}, s", took, after["took_s"][name]) for name, took in before["took_s"].items()),
    ]
    took = f"Merged in {run.cpu_s:.2f} s CPU, {run.wall_s:.2f} s, {run.rss_mib:.0f} MiB at the peak."
    return f"{_markdown(rows)}\n\n{took}"


def _compared(name: str, before: float, after: float) -> Row:
    return name, f"{before:.2f}", f"{after:.2f}", f"{before / after:.1f}"


def _days(days: list[dict[str, Any]]) -> str:
    heads = ("files", "MB", "s")
    rows: list[Row] = [("day", *(f"{head} on a snapshot" for head in heads), *(f"{head} without" for head in heads))]
    for day in days:
        cells = [_read(day[name]) for name in ("onSnapshot", "onChanges")]
        rows.append((str(day["day"]), *cells[0], *cells[1]))
    return _markdown(rows)


def _read(query: dict[str, Any]) -> Row:
    return f"{query['files']:,}", f"{query['bytes'] / 1e6:.1f}", f"{query['took_s']:.2f}"


def _starts(starts: Starts) -> str:
    rows: list[Row] = [
        ("release build", "CPU ms to start", "/ empty", "wall ms", "least to most", "idle MiB", "/ empty", "MB", "glibc")
    ]
    for name, start in starts.functions.items():
        cpu, idle = (f"{ratio:.2f}" for ratio in starts.over_empty(name))
        walls = f"{min(start.wall_s) * 1e3:.1f} to {max(start.wall_s) * 1e3:.1f}"
        took = (f"{start.cpu_ms:.1f}", cpu, f"{start.wall_ms:.1f}", walls, f"{start.idle_mib:.1f}", idle)
        rows.append((name if name == EMPTY else f"`{name}`", *took, f"{start.megabytes:.1f}", f"{start.glibc:.2f}"))
    return _markdown(rows)


def _warm(starts: Starts) -> str:
    rows: list[Row] = [
        ("`stream`, warm", "batches", "p50 ms", "p99 ms", "CPU ms", "CPU µs a change", "KB in", "KB out", "peak MiB")
    ]
    for warm in starts.warm:
        took = (f"{warm.percentile_ms(50):.1f}", f"{warm.percentile_ms(99):.1f}", f"{warm.cpu_ms:.1f}")
        sizes = (f"{warm.event_bytes / 1e3:,.0f}", f"{warm.file_bytes / 1e3:,.0f}", f"{warm.peak_mib:.0f}")
        each = f"{warm.cpu_ms / warm.records * 1e3:.1f}"
        rows.append((f"{warm.records:,} records", f"{len(warm.wall_s):,}", *took, each, *sizes))
    return _markdown(rows)


def _figures(figures: list[Figure]) -> str:
    rows: list[Row] = [("figure", "must", "aim", "found", "")]
    for figure in figures:
        sign = "≥" if figure.more_is_better else "≤"
        rows.append(
            (
                figure.name,
                f"{sign} {_number(figure.must, figure.unit)}",
                _number(figure.aim, figure.unit),
                _number(figure.found, figure.unit),
                figure.verdict,
            )
        )
    return _markdown(rows)


def _number(value: float, unit: str) -> str:
    return {"x": f"{value:.2f} x", "MB": f"{value:.1f} MB", "glibc": f"{value:.2f}"}.get(unit, f"{value:.0f} {unit}")


def _markdown(rows: list[Row]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]

    def line(row: Row) -> str:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        return f"| {' | '.join(cells)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])
