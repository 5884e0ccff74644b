"""The Python environments: pinned, made by a pinned uv, and left alone while their pins stay.

The local AWS is two, because the emulator and SAM each want a boto of their own. The readers that the lake's files are
held against are a third, which only their test needs: with Spark in it, it is large. checkov, which looks for what is
insecure in the template, is a fourth: it wants a boto of its own, too. What injects faults is a fifth.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import LOCAL, REPOSITORY, WORK, Failure, progress

UV_VERSION = "0.13.9"
UV = WORK / "uv"
EMULATOR = WORK / "env-emulator"
DEPLOY = WORK / "env-deploy"
READERS = WORK / "env-readers"
SOAK = WORK / "env-soak"
LOCKS = {EMULATOR: LOCAL / "emulator.txt", DEPLOY: LOCAL / "deploy.txt"}
READERS_LOCK = REPOSITORY / "tests" / "readers" / "readers.txt"
CHECKOV = WORK / "env-checkov"
CHECKOV_LOCK = LOCAL / "checkov.txt"
SOAK_LOCK = LOCAL / "soak.txt"


def setup() -> None:
    """Makes what is not there yet. Takes no time when all of it is."""
    for environment, pinned in LOCKS.items():
        prepare(environment, pinned)


def prepare(environment: Path, pinned: Path) -> None:
    """Makes one environment of what a file pins, if it is not there yet. The bench has one, too."""
    stamp = _stamp_of(pinned)
    if _stamp_file(environment).exists() and _stamp_file(environment).read_text() == stamp:
        return
    progress(f"installing what {pinned.name} pins")
    environment.parent.mkdir(parents=True, exist_ok=True)
    _install(environment, pinned)
    _stamp_file(environment).write_text(stamp)


def lock() -> None:
    """Pins anew: resolves the `.in` files into the `.txt` files."""
    for pinned in (*LOCKS.values(), READERS_LOCK, CHECKOV_LOCK, SOAK_LOCK):
        pin(pinned)


def pin(pinned: Path) -> None:
    """Resolves what a `.in` file asks for into the `.txt` file beside it, for every Python from 3.10 on."""
    wanted = pinned.with_suffix(".in")
    progress(f"resolving {wanted.name}")
    options = ["--universal", "--python-version", "3.10", "--no-header", "--no-annotate", "--no-emit-index-url"]
    _run([str(_uv()), "pip", "compile", "--quiet", *options, str(wanted), "--output-file", str(pinned)])


def program(environment: Path, name: str) -> Path:
    """A program of an environment, which `setup` has to have made."""
    found = environment / "bin" / name
    if not found.exists():
        raise Failure(f"{found} is not there. Make it with: local/aws setup")
    return found


def python(environment: Path) -> Path:
    return program(environment, "python")


def _stamp_file(environment: Path) -> Path:
    return environment / "made-from"


def _stamp_of(lock: Path) -> str:
    """Changes when the pins change, or the Python that the environment is made from."""
    pins = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{pins} {sys.version_info.major}.{sys.version_info.minor} {os.path.realpath(sys.executable)}"


def _install(environment: Path, lock: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    _run([str(_uv()), "venv", "--quiet", "--python", sys.executable, str(environment)])
    _run([str(_uv()), "pip", "install", "--quiet", "--python", str(python(environment)), "-r", str(lock)])


def _uv() -> Path:
    """uv itself, which comes from pip like everything else here."""
    uv = UV / "bin" / "uv"
    if uv.exists() and UV_VERSION in _output([str(uv), "--version"]):
        return uv
    progress(f"installing uv {UV_VERSION}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(UV)], capture_output=True, text=True)
    if made.returncode != 0:
        raise Failure(
            f"{sys.executable} cannot make a virtual environment:\n{made.stdout}{made.stderr}"
            "Install Python's venv module (on Debian and Ubuntu: apt-get install python3-venv) and try again."
        )
    _run([str(UV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", f"uv=={UV_VERSION}"])
    return uv


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr)
    if done.returncode != 0:
        raise Failure(f"This failed, see above: {' '.join(command)}\nIt needs to reach PyPI, or your mirror of it.")
