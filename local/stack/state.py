"""What is remembered of a running stack, in a folder of its own under `target/local`."""

import json
import re
import shlex
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import process
from .paths import WORK, Failure

NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
TAKEN = re.compile(r"env-.*|uv|dynamodb-local.*")


@dataclass
class Stack:
    """A running emulator, and what has been deployed to it."""

    endpoint: str
    pid: int
    began: str
    name: str
    region: str = "us-east-1"
    # The emulator takes this pair for the root user of account 000000000000.
    access_key_id: str = "test"
    secret_access_key: str = "test"
    outputs: dict[str, str] = field(default_factory=dict)
    # What its functions find in their environment, for one that is run by hand.
    variables: dict[str, str] = field(default_factory=dict)

    def runs(self) -> bool:
        return process.runs(self.pid, self.began)

    def environment(self) -> dict[str, str]:
        """What a program needs to work with the stack: the AWS SDKs know the first four."""
        return self.variables | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "LOCAL_AWS_STACK": self.name,
        } | {output_variable(name): value for name, value in self.outputs.items()}


def output_variable(output: str) -> str:
    """`LandingBucket` becomes `HEADWATER_LANDING_BUCKET`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", output)
    return "HEADWATER_" + words.upper()


def folder_of(name: str) -> Path:
    if not NAME.fullmatch(name) or TAKEN.fullmatch(name):
        raise Failure(
            f"{name!r} cannot name a stack. "
            "Use small letters, digits and dashes, and not `uv`, `env-…` or `dynamodb-local…`."
        )
    return WORK / name


def load(name: str) -> Stack | None:
    file = folder_of(name) / "stack.json"
    return Stack(**json.loads(file.read_text())) if file.exists() else None


def running(name: str) -> Stack:
    stack = load(name)
    if stack is None or not stack.runs():
        raise Failure(f"No stack named {name!r} is running. Start it with: local/aws up --name {name}")
    return stack


def save(name: str, stack: Stack) -> None:
    """Writes the same three times: for programs, for `source`, and for what reads KEY=VALUE lines."""
    folder = folder_of(name)
    environment = stack.environment()
    (folder / "stack.json").write_text(json.dumps(asdict(stack), indent=2) + "\n")
    exports = (f"export {key}={shlex.quote(value)}\n" for key, value in environment.items())
    (folder / "env.sh").write_text("".join(exports))
    (folder / "env").write_text("".join(f"{key}={value}\n" for key, value in environment.items()))


def forget(name: str, keep_logs: bool = False) -> None:
    folder = folder_of(name)
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir() if folder.exists() else ():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.suffix != ".log":
            entry.unlink(missing_ok=True)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
