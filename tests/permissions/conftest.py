"""The deployed stack and its roles, once for all tests."""

import functools
from collections.abc import Iterator

import importing
import pytest
import roles
from deployed import STACK, Deployed


@functools.cache
def deployed() -> Deployed:
    return Deployed()


@functools.cache
def roles_of_functions() -> dict[str, roles.Role]:
    return roles.of_stack(deployed().client("iam"), deployed().client("cloudformation"), STACK)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", action="store_true", help="show what broke without each part of each statement")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The parts of statements are what the stack has, not what someone has written down."""
    if "part" in metafunc.fixturenames:
        parts = [part for role in roles_of_functions().values() for part in role.parts()]
        metafunc.parametrize("part", parts, ids=str)


@pytest.fixture(scope="session")
def aws() -> Iterator[Deployed]:
    """The stack; nothing is taken from its queues but by the scenarios."""
    aws = deployed()
    client = aws.client("lambda")
    for name in ("import", "snapshot"):
        for mapping in client.list_event_source_mappings(FunctionName=aws.functions[name])["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    # It takes a while, in which others have their turn.
    importing.native(aws)
    yield aws


@pytest.fixture(scope="session")
def functions_roles() -> dict[str, roles.Role]:
    return roles_of_functions()


@pytest.fixture(scope="session")
def schedules_roles() -> dict[str, roles.Role]:
    return roles.of_schedules(deployed().client("iam"), deployed().client("cloudformation"), STACK)


@pytest.fixture(scope="session")
def broke(request: pytest.FixtureRequest) -> dict[str, str]:
    """What broke without which part."""
    return request.config.stash.setdefault(BROKE, {})


BROKE = pytest.StashKey[dict[str, str]]()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if config.getoption("--table"):
        for part, told in config.stash.get(BROKE, {}).items():
            terminalreporter.write_line(f"| {part} | {told} |")
