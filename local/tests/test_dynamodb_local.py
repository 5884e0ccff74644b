"""Where DynamoDB Local is fetched from, and that nothing else is taken for it."""

import pytest
from stack import dynamodb_local
from stack.paths import Failure


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NPM_CONFIG_REGISTRY": "https://mirror.example"}, "https://mirror.example"),
        ({"npm_config_registry": "https://mirror.example/npm/"}, "https://mirror.example/npm/"),
    ],
)
def test_the_registry_is_the_one_that_npm_would_ask(monkeypatch, tmp_path, variables, expected):
    for variable in dynamodb_local.REGISTRY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dynamodb_local.registry() == expected


@pytest.mark.parametrize("variables", [{}, {"NPM_CONFIG_REGISTRY": ""}])
def test_without_npm_and_without_a_word_of_it_nothing_is_guessed(monkeypatch, tmp_path, variables):
    for variable in dynamodb_local.REGISTRY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="nothing here says where that is.*\n.*Install npm, or set NPM_CONFIG_REGISTRY"):
        dynamodb_local.registry()


def test_npm_is_asked_where_it_is(monkeypatch, tmp_path):
    for variable in dynamodb_local.REGISTRY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho https://mirror.example/$1-$2-$3\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dynamodb_local.registry() == "https://mirror.example/config-get-registry"


def test_another_package_is_not_taken():
    with pytest.raises(Failure, match="is not amplify-dynamodb-simulator .* expected xTee"):
        dynamodb_local.checked(b"another", "https://mirror.example/x.tgz")
