"""The sub-commands of `local/aws`."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import deployment, dynamodb_local, emulator, environments, process, state
from .paths import LOCAL, REPOSITORY, Failure, progress
from .state import Stack

DEFAULT_NAME = "default"
# Parameters of the template that name keys.
KEYS = ("KmsKeyArn", "TableKmsKeyArns", "ExportKmsKeyArn")


def main() -> int:
    arguments = command_line().parse_args()
    # A `kill` undoes what Ctrl-C undoes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return arguments.command(arguments) or 0
    except Failure as failure:
        print(f"local/aws: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local/aws", description="AWS on this machine: an emulator with the template deployed to it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, description):
        added = commands.add_parser(name, help=description, description=description)
        added.set_defaults(command=function)
        return added

    command("setup", setup, "Install the pinned emulator, SAM and cargo-lambda under target/local.")
    command("lock", lock, "Pin anew what local/*.in and tests/readers/readers.in ask for, into the *.txt beside them.")
    up_command = command(
        "up", up, "Start an emulator and deploy the template to it, from binaries that cargo has built."
    )
    down_command = command("down", down, "Stop an emulator and forget it.")
    deploy_command = command(
        "deploy", deploy, "Deploy the template once more to an emulator that runs: as an update, or after `delete`."
    )
    delete_command = command("delete", delete, "Delete the stack from an emulator, which goes on, with `sam delete`.")
    run_command = command("run", run, "Bring a stack up, run a command with its environment, and take it down again.")
    logs_command = command("logs", logs, "Show the functions' logs.")
    checkov_command = command("checkov", checkov, "Look for insecure settings in the template, with checkov.")
    tests_command = command("test-corrections", test_corrections, "Test the corrections of the emulator.")
    permissions_command = command(
        "test-permissions",
        test_permissions,
        "Bring a stack up, and test what its roles need and what they must not do.",
    )
    readers_command = command(
        "test-readers", test_readers, "Bring a stack up, and hold readers that others wrote against the lake's files."
    )
    opinion_command = command(
        "test-second-opinion", test_second_opinion, "Start AWS's DynamoDB Local, and ask it which items are valid."
    )

    for named in (up_command, down_command, deploy_command, delete_command, logs_command):
        named.add_argument("--name", default=DEFAULT_NAME, help="tells several stacks apart (default: %(default)s)")
    run_command.add_argument("--name", help="name of the stack (default: one that nobody else has)")
    for deploying in (up_command, deploy_command, run_command, permissions_command, readers_command):
        add_deployment_options(deploying)
    logs_command.add_argument("--function", default="", help="only functions with this in their name, such as `import`")
    run_command.add_argument("run", nargs="+", metavar="-- CMD", help="the command and its arguments")
    for testing in (tests_command, permissions_command, readers_command):
        testing.add_argument("pytest", nargs="*", metavar="-- ARG", help="arguments for pytest")
    checkov_command.add_argument("checkov", nargs="*", metavar="-- ARG", help="arguments for checkov")
    opinion_command.add_argument("cargo", nargs="*", metavar="-- ARG", help="arguments for `cargo test`")
    return parser


def add_deployment_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--template", type=Path, default=deployment.default_template(), help="instead of template.yaml")
    parser.add_argument(
        "--binaries",
        type=Path,
        default=deployment.default_binaries(),
        help="where cargo put the functions (default: target/debug)",
    )
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="KEY=VALUE", help="a parameter of the template; repeatable"
    )
    parser.add_argument(
        "--functions-endpoint", metavar="URL", help="where the functions find AWS: a proxy before the emulator"
    )


def setup(_: argparse.Namespace) -> None:
    environments.setup()


def lock(_: argparse.Namespace) -> None:
    environments.lock()


def up(arguments: argparse.Namespace) -> None:
    stack = bring_up(arguments.name, arguments)
    folder = state.folder_of(arguments.name)
    progress(f"ready at {stack.endpoint}. Use it with: source {os.path.relpath(folder)}/env.sh")


def down(arguments: argparse.Namespace) -> None:
    take_down(arguments.name)


def deploy(arguments: argparse.Namespace) -> None:
    """Gives the outputs as they are now to `env.sh`. A program that has the environment of before goes on with that."""
    stack, folder = state.running(arguments.name), state.folder_of(arguments.name)
    parameters = dict(parameter_pair(text) for text in arguments.parameter)
    template = deployment.package(folder, arguments.template, arguments.binaries)
    deployment.deploy(folder, template, stack, parameters)
    state.save(arguments.name, stack)


def delete(arguments: argparse.Namespace) -> None:
    deployment.delete(state.folder_of(arguments.name), state.running(arguments.name))


def run(arguments: argparse.Namespace) -> int:
    """The command's exit code is ours, and the stack goes down however it ends. After a failure its logs stay."""
    name = arguments.name or f"run-{os.getpid()}"
    code = 1
    try:
        stack = bring_up(name, arguments)
        code = run_command(arguments.run, stack, name)
        if code != 0:
            save_function_logs(name, stack)
    finally:
        take_down(name, keep_logs=code != 0)
    # What a shell makes of a command that a signal has ended.
    return code if code >= 0 else 128 - code


def run_command(command: list[str], stack: Stack, name: str) -> int:
    """The command also gets the stack's name, which `local/aws deploy` and `delete` want."""
    try:
        environment = os.environ | stack.environment() | {"LOCAL_AWS_NAME": name}
        return subprocess.run(command, env=environment).returncode
    except FileNotFoundError:
        raise Failure(f"There is no program {command[0]}.") from None


def save_function_logs(name: str, stack: Stack) -> None:
    file = state.folder_of(name) / "functions.log"
    try:
        file.write_text(deployment.ask(stack, "logs"))
    except Failure as failure:
        file.write_text(f"{failure}\n")
    progress(
        f"the command failed. What the functions logged is in {os.path.relpath(file)}, and beside it the emulator's log"
    )


def logs(arguments: argparse.Namespace) -> None:
    print(deployment.ask(state.running(arguments.name), "logs", arguments.function), end="")


def checkov(arguments: argparse.Namespace) -> int:
    """Every exception stands with its reason in the template, beside what it is for."""
    environments.prepare(environments.CHECKOV, environments.CHECKOV_LOCK)
    program = str(environments.program(environments.CHECKOV, "checkov"))
    options = ["--file", str(deployment.default_template()), "--framework", "cloudformation"]
    options += ["--compact", "--quiet", "--skip-download", *arguments.checkov]
    # It would ask PyPI for a newer one, and wait where there is none.
    environment = os.environ | {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    return subprocess.run([program, *options], env=environment).returncode


def test_corrections(arguments: argparse.Namespace) -> int:
    environments.setup()
    command = pytest(environments.EMULATOR, LOCAL / "tests", arguments.pytest)
    return subprocess.run(command, cwd=LOCAL).returncode


def test_permissions(arguments: argparse.Namespace) -> int:
    arguments.name = None
    # Every statement that depends on a parameter is there. `tests/permissions/deployed.py` knows the names.
    arguments.parameter += [
        "BatchWindowSeconds=1",
        "TablePrefix=least-",
        "TableNamePatterns=least-named-*",
        *(f"{key}=arn:aws:kms:us-east-1:000000000000:key/{key}" for key in KEYS),
    ]
    arguments.run = pytest(environments.EMULATOR, REPOSITORY / "tests" / "permissions", arguments.pytest)
    return run(arguments)


def test_readers(arguments: argparse.Namespace) -> int:
    environments.prepare(environments.READERS, environments.READERS_LOCK)
    arguments.name = None
    arguments.parameter.append("BatchWindowSeconds=1")
    arguments.run = pytest(environments.READERS, REPOSITORY / "tests" / "readers", arguments.pytest)
    return run(arguments)


def test_second_opinion(arguments: argparse.Namespace) -> int:
    command = ["cargo", "test", "--workspace", "--locked", "--test", "second_opinion", *arguments.cargo]
    with dynamodb_local.running() as endpoint:
        environment = os.environ | dynamodb_local.environment(endpoint)
        return subprocess.run(command, cwd=REPOSITORY, env=environment).returncode


def pytest(environment: Path, tests: Path, arguments: list[str]) -> list[str]:
    python = str(environments.python(environment))
    return [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), *arguments]


def bring_up(name: str, arguments: argparse.Namespace) -> Stack:
    """Gives a stack that is ready to be used, or leaves nothing running."""
    folder = claim(name)
    parameters = dict(parameter_pair(text) for text in arguments.parameter)
    started = time.monotonic()
    environments.setup()
    template = deployment.package(folder, arguments.template, arguments.binaries)
    progress("starting the emulator")
    stack = emulator.start(folder, functions_endpoint=arguments.functions_endpoint)
    try:
        state.save(name, stack)
        progress(f"deploying {os.path.relpath(arguments.template)} to {stack.endpoint}")
        deployment.deploy(folder, template, stack, parameters)
        state.save(name, stack)
    except BaseException:
        process.stop(stack.pid, stack.began)
        (folder / "stack.json").unlink(missing_ok=True)
        raise
    progress(f"up in {time.monotonic() - started:.0f} s")
    return stack


def claim(name: str) -> Path:
    """Makes the stack's folder. A folder that a broken-off run left behind is made anew."""
    folder = state.folder_of(name)
    stack = state.load(name)
    if stack is not None and stack.runs():
        raise Failure(
            f"The stack {name!r} already runs at {stack.endpoint}. Stop it with: local/aws down --name {name}"
        )
    state.forget(name)
    folder.mkdir(parents=True)
    return folder


def take_down(name: str, keep_logs: bool = False) -> None:
    stack = state.load(name)
    if stack is not None:
        process.stop(stack.pid, stack.began)
    state.forget(name, keep_logs)


def parameter_pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or '"' in value:
        raise Failure(f"--parameter {text}: give it as KEY=VALUE, without double quotes in the value.")
    return key, value
