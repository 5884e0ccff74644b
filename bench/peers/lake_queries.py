"""Asks DuckDB the views of a lake that lies in a folder, and prints what it took: python lake_queries.py FOLDER [DAY…].

Without days it asks all the files of a table `orders`; else those that the lines of these days in FOLDER/days.jsonl name.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import sqlglot

RUNS = 3
# Of any view the whole, without the work of showing it.
WHOLE = "SELECT count(*), sum(_hash) FROM ({view})"


def main() -> None:
    folder, wanted = Path(sys.argv[1]), [int(day) for day in sys.argv[2:]]
    print(json.dumps(days(folder, wanted) if wanted else all_files(folder)))


def all_files(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("changes/orders/*/*.parquet"))
    views = {name: _translated(sql) for name, sql in json.loads((folder / "views.json").read_text()).items()}
    key = '{"id":{"S":"order-0000042"}}'
    asked = {
        "current state, all of it": WHOLE.format(view=views["current"]),
        "history, all of it": WHOLE.format(view=views["history"]),
        "history of one key": f"SELECT count(*), sum(_hash) FROM ({views['history']}) WHERE _key = '{key}'",
        "rows of the files, counted": "SELECT count(*), 0 FROM orders__changes",
    }
    took, answers = {}, {}
    for name, sql in asked.items():
        took[name], answers[name] = _asked(sql, files, [])
    return {"files": len(files), "bytes": _bytes(files), "took_s": took, "answers": answers}


def days(folder: Path, wanted: list[int]) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "days.jsonl").read_text().splitlines())
    return [_of_day(folder, line) for line in lines if line["day"] in wanted]


def _of_day(folder: Path, line: dict[str, Any]) -> dict[str, Any]:
    found, answers = {"day": line["day"]}, []
    for name in ("onSnapshot", "onChanges"):
        query = line[name]
        changes = [folder / file for file in query["changes"]]
        snapshot = [folder / file for file in query["snapshot"]]
        took, answer = _asked(WHOLE.format(view=_translated(query["statement"])), changes, snapshot)
        answers.append(answer)
        found[name] = {"files": query["files"], "bytes": query["bytes"], "took_s": took, "items": answer[0]}
    return found


def _translated(statement: str) -> str:
    return sqlglot.parse_one(statement, read="athena").expression.sql(dialect="duckdb")


def _asked(sql: str, changes: list[Path], snapshot: list[Path]) -> tuple[float, list[Any]]:
    """The median of some runs, each as the first that opens the files, and the answer."""
    took = []
    for _ in range(RUNS):
        with duckdb.connect(config={"threads": 1}) as database:
            began = time.perf_counter()
            _view(database, "orders__changes", changes)
            if snapshot:
                _view(database, "orders__snapshot", snapshot)
            answer = database.execute(sql).fetchone()
            took.append(time.perf_counter() - began)
    return statistics.median(took), [answer[0], str(answer[1])]


def _view(database: duckdb.DuckDBPyConnection, name: str, files: list[Path]) -> None:
    # The partition's column is text, as in the catalog.
    types = "{'dt': VARCHAR}" if name.endswith("changes") else "{'snapshot': VARCHAR}"
    names = ", ".join(f"'{file}'" for file in files)
    source = f"read_parquet([{names}], union_by_name = true, hive_partitioning = true, hive_types = {types})"
    database.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {source}')


def _bytes(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


main()
