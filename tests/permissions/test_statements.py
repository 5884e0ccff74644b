"""No statement without a use: each part of each statement is taken away in turn, and something breaks.

A part stands in `uses` with the scenario that has to break, or in `not_enforced` with a scenario that has not.
"""

import functools
import re

import pytest
from deployed import Broken, Deployed
from not_enforced import NOT_ENFORCED, Unasked
from roles import Part, Role
from uses import OTHERS, USES, Scenario, Told

# How the emulator says what is not allowed to whom.
DENIED = re.compile(r"not authorized to perform: (?P<action>[\w:]+)")
READ_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
READ_QUEUE = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
# What is said without the action, and the parts that are missing then: Lambda's words of a stream, a queue or a bucket
# that the role of a function does not reach, and S3's of an object that is not there to someone who may not list the
# bucket.
UNNAMED: dict[str, set[str]] = {
    "Cannot access stream": {f"stream Streams dynamodb:{action}" for action in READ_STREAM},
    **{
        f"does not have permissions to call {action} on SQS": {
            f"{function} Queue sqs:{action}" for function in ("import", "snapshot")
        }
        for action in READ_QUEUE
    },
    "does not have permissions to call PutObject and ListBucket on": {
        "stream Lake LakeBucket/aws/lambda/*",
        "stream FailureDestination",
    },
    "failed with AccessDenied: Access Denied": {
        "import ObjectNotFound",
        "backup ObjectNotFound",
        "compaction ListChangeFiles",
        "snapshot Exports s3:ListBucket",
        "snapshot Exports ExportsBucket",
        "snapshot ListNotes",
    },
}
TRIES = 3


def test_something_breaks_without(
    aws: Deployed, functions_roles: dict[str, Role], part: Part, broke: dict[str, str]
) -> None:
    used, unasked = entry(USES, part), entry(NOT_ENFORCED, part)
    assert used or unasked, (
        f"{part}: the role has it, and nothing says what for. Give it a scenario in tests/permissions/uses.py, or the "
        "page that demands it in not_enforced.py; or take it out of the template"
    )
    scenario = scenario_of(unasked or used)
    works(aws, scenario)
    with functions_roles[part.function].without(part):
        told, why = outcome_without(aws, scenario, part, used)
    if unasked:
        assert told is None, f"{part}: it is enforced now, put it into tests/permissions/uses.py: {told}"
        broke[str(part)] = f"not asked for here: {unasked.page}"
        return
    assert told, f"{part}: nothing broke without it in {scenario.__name__}. {scenario.__doc__}"
    assert why, f"{part}: it broke for another reason: {told}"
    broke[str(part)] = f"{scenario.__module__}.{scenario.__name__}: {why}"


def outcome_without(
    aws: Deployed, scenario: Scenario, part: Part, use: Scenario | Told | None
) -> tuple[str | None, str | None]:
    """What broke, and what of that says why: once more where the emulator has not waited for what the function logs."""
    for _ in range(TRIES):
        told = outcome(aws, scenario)
        why = told and (use.text if isinstance(use, Told) and use.text in told else denied(part, told))
        if why or not told:
            break
    return told, why


def denied(part: Part, told: str) -> str | None:
    """What of it says that just this part was missing."""
    for found in DENIED.finditer(told):
        if found["action"] in part.actions:
            return found.group()
    return next((text for text, parts in UNNAMED.items() if text in told and str(part) in parts), None)


def scenario_of(use: Scenario | Told | Unasked) -> Scenario:
    return use if callable(use) else use.scenario


def entry(table: dict, part: Part):
    """What a table says of a part."""
    of_statement = table.get(part.function, {}).get(part.sid)
    if not isinstance(of_statement, dict):
        return of_statement
    return of_statement.get(part.name, of_statement.get(OTHERS))


def outcome(aws: Deployed, scenario: Scenario) -> str | None:
    """What broke, if anything did."""
    try:
        scenario(aws)
    except Broken as broken:
        return str(broken)
    return None


@functools.cache
def works(aws: Deployed, scenario: Scenario) -> None:
    """A scenario is no use that does not work with the whole policy."""
    told = outcome(aws, scenario)
    assert told is None, f"{scenario.__name__} does not work as it is: {told}"


@pytest.mark.parametrize("table", [USES, NOT_ENFORCED], ids=["uses", "not_enforced"])
def test_no_entry_is_of_a_statement_that_is_gone(functions_roles: dict[str, Role], table: dict) -> None:
    parts = {
        (part.function, part.sid, name)
        for role in functions_roles.values()
        for part in role.parts()
        for name in (part.name, OTHERS, None)
    }
    stale = [
        (function, sid, name)
        for function, statements in table.items()
        for sid, of_statement in statements.items()
        for name in (of_statement if isinstance(of_statement, dict) else [None])
        if (function, sid, name) not in parts
    ]
    assert stale == []


def test_what_is_said_without_an_action_is_of_parts_that_there_are(functions_roles: dict[str, Role]) -> None:
    there = {str(part) for role in functions_roles.values() for part in role.parts()}
    assert set().union(*UNNAMED.values()) - there == set()


def scenarios() -> list[Scenario]:
    found = {}
    for table in (USES, NOT_ENFORCED):
        for statements in table.values():
            for of_statement in statements.values():
                for use in of_statement.values() if isinstance(of_statement, dict) else [of_statement]:
                    scenario = scenario_of(use)
                    found[f"{scenario.__module__}.{scenario.__name__}"] = scenario
    return [found[name] for name in sorted(found)]


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: f"{scenario.__module__}.{scenario.__name__}")
def test_everything_works_with_all_statements_back(aws: Deployed, scenario: Scenario) -> None:
    aws.restart("stream")
    scenario(aws)
