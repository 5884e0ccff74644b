"""A table's views, as Athena answers them, held against its change files and the table itself.

```text
files, each change once  ═══  <t>__history  ──newest of each key, without removed ones──  ═══  <t>  ═══  the table
```
"""

import json
from collections import Counter

from .cloud import Cloud
from .lake import Change


def make(cloud: Cloud, tables: list[str]) -> None:
    cloud.invoke(cloud.backup_function, {"views": tables})


def compare(cloud: Cloud, table: str, changes: set[Change], items: list[dict], told_by: str) -> tuple[int, str]:
    """How many changes and items the views show wrongly, and which; `told_by` is the attribute that an item's versions
    differ in."""
    view = table.replace("-", "_")
    answered = cloud.ask(f'SELECT "_stream", "_seq", "_op", "_key", "_hash" FROM "{view}__history"')
    history = Counter(tuple(row.values()) for row in answered)
    twice, wrong = sum(history.values()) - len(history), history.keys() ^ changes
    if twice or wrong:
        return twice + len(wrong), f"{view}__history: {twice} changes stand twice, {len(wrong)} are missing or only there"
    current = cloud.ask(f'SELECT * FROM "{view}"')
    state, shown = newest(history.keys()), [(row["_key"], row["_hash"]) for row in current]
    if sorted(state.items()) != sorted(shown):
        return len(set(state.items()) ^ set(shown)) or 1, f"{view}: its items are not the newest of {view}__history"
    told = {(row["_key"], told_of(row, told_by)) for row in current}
    wrong = told ^ {(key_of(item), text_of(item.get(told_by))) for item in items}
    return len(wrong), f"{view}: {len(wrong)} items are others than in the table"


def newest(changes: set[Change]) -> dict[str, str]:
    """The hash of the newest version of each key that was not removed with it."""
    state = {}
    for _, _, operation, key, digest in sorted(changes):
        state[key] = digest
        if operation == "REMOVE":
            del state[key]
    return state


def told_of(row: dict[str, str], attribute: str) -> str:
    """What a view says of an attribute: it is in `_rest` where the catalog did not answer when the change was written."""
    rest = json.loads(row["_rest"] or "{}")
    return text_of(rest[attribute]) if attribute in rest else row.get(attribute, "")


def key_of(item: dict) -> str:
    """As `_key` has it."""
    key = {name: item[name] for name in ("pk", "id") if name in item}
    return json.dumps(key, separators=(",", ":"), ensure_ascii=False)


def text_of(value: dict | None) -> str:
    return "" if value is None else next(iter(value.values()))
