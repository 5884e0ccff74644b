"""Deploys the template as it is to an emulator, the way a team deploys it to AWS: `sam deploy`."""

import json
import os
import platform
import subprocess
from pathlib import Path

from . import environments
from .paths import LOCAL, REPOSITORY, TARGET, Failure, last_lines
from .state import Stack

STACK_NAME = "headwater"
ARTIFACTS = "headwater-local-artifacts"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


def package(folder: Path, template: Path, binaries: Path) -> Path:
    """Gives the template that `sam deploy` takes, with the packages that it names beside it."""
    build = folder / "build"
    command = [str(environments.python(environments.DEPLOY)), "-m", "stack.package", template, binaries, build]
    packaged = subprocess.run([*map(str, command)], cwd=LOCAL, capture_output=True, text=True)
    if packaged.returncode != 0:
        raise Failure(f"The functions could not be packaged. {packaged.stdout}{packaged.stderr}".rstrip())
    return build / "template.yaml"


def deploy(folder: Path, template: Path, stack: Stack, parameters: dict[str, str]) -> None:
    """Runs `sam deploy`, and puts the stack's outputs and its functions' variables into `stack`."""
    ask(stack, "make-bucket", ARTIFACTS)
    overrides = {"Architecture": ARCHITECTURES[platform.machine().lower()]} | parameters
    options = [
        *("--template-file", str(template), "--capabilities", "CAPABILITY_IAM"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--parameter-overrides", *(f'{key}="{value}"' for key, value in overrides.items())),
    ]
    _sam("deploy", folder, stack, options)
    stack.outputs = json.loads(ask(stack, "outputs", STACK_NAME))
    stack.variables = json.loads(ask(stack, "variables", STACK_NAME))


def delete(folder: Path, stack: Stack) -> None:
    """Runs `sam delete`. What the template retains stays."""
    _sam("delete", folder, stack, ["--no-prompts"])


def _sam(command: str, folder: Path, stack: Stack, options: list[str]) -> None:
    log = folder / f"{command}.log"
    program = str(environments.program(environments.DEPLOY, "sam"))
    of_stack = ["--stack-name", STACK_NAME, "--s3-bucket", ARTIFACTS, "--region", stack.region]
    with log.open("w") as output:
        done = subprocess.run(
            [program, command, *of_stack, *options],
            cwd=folder,
            env=_sam_environment(folder, stack),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    if done.returncode != 0:
        raise Failure(f"`sam {command}` failed. The end of its output:\n{last_lines(log, 40)}")


def ask(stack: Stack, *arguments: str) -> str:
    """Runs `stack.cloud`, which has the calls that need boto3."""
    command = [str(environments.python(environments.EMULATOR)), "-m", "stack.cloud", *arguments]
    answer = subprocess.run(command, cwd=LOCAL, env=_environment(stack), capture_output=True, text=True)
    if answer.returncode != 0:
        raise Failure(f"The emulator refused `{' '.join(arguments)}`:\n{answer.stderr}")
    return answer.stdout


def default_template() -> Path:
    return REPOSITORY / "template.yaml"


def default_binaries() -> Path:
    return TARGET / "debug"


def _environment(stack: Stack) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"} | stack.environment()


def _sam_environment(folder: Path, stack: Stack) -> dict[str, str]:
    """Nothing of the user's: neither their AWS profile nor SAM's settings and telemetry."""
    return _environment(stack) | {
        "HOME": str(folder),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
    }
