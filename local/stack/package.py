"""What `sam build` does, for functions that cargo has already built for this machine.

Run with the Python of `env-deploy`, which has PyYAML:

    python -m stack.package TEMPLATE BINARIES BUILD_FOLDER

Writes `BUILD_FOLDER/template.yaml`, which is the template with nothing but its `CodeUri` lines
changed, and `BUILD_FOLDER/<logical id>/bootstrap` for each function. `sam build` itself would compile
every dependency a second time, in a folder of its own.
"""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

BUILD_METHOD = "rust-cargolambda"


@dataclass
class Function:
    """A function of the template, and where in the template's text its `CodeUri` stands."""

    logical_id: str
    binary: str
    start: int
    end: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("template", type=Path)
    parser.add_argument("binaries", type=Path, help="where cargo put them, such as target/debug")
    parser.add_argument("build", type=Path, help="gets the packages and the template that points to them")
    arguments = parser.parse_args()
    text = arguments.template.read_text()
    functions = rust_functions(text)
    shutil.rmtree(arguments.build, ignore_errors=True)
    for function in functions:
        package(function, arguments.binaries, arguments.build / function.logical_id)
    (arguments.build / "template.yaml").write_text(pointed_at_packages(text, functions))


def rust_functions(template: str) -> list[Function]:
    """Composes the template without constructing it, so that CloudFormation's tags need no meaning here."""
    resources = entry(yaml.compose(template, Loader=yaml.SafeLoader), "Resources")
    functions = []
    for name, resource in resources.value:
        method = entry(entry(resource, "Metadata"), "BuildMethod")
        if method is None or method.value != BUILD_METHOD:
            continue
        uri = entry(entry(resource, "Properties"), "CodeUri")
        if uri is None:
            sys.exit(f"{name.value} in the template has BuildMethod {BUILD_METHOD} but no CodeUri.")
        start, end = uri.start_mark.index, uri.end_mark.index
        functions.append(Function(name.value, Path(uri.value).name, start, end))
    return functions


def entry(mapping: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(mapping, yaml.MappingNode):
        return None
    return next((value for name, value in mapping.value if name.value == key), None)


def package(function: Function, binaries: Path, folder: Path) -> None:
    """Copies the binary without its debug information, which is most of it."""
    binary = binaries / function.binary
    if not binary.exists():
        sys.exit(f"{function.logical_id} has no binary {binary}. Build it with: cargo build --workspace")
    folder.mkdir(parents=True)
    bootstrap = folder / "bootstrap"
    stripped = (
        shutil.which("strip")
        and subprocess.run(["strip", "-o", str(bootstrap), str(binary)], capture_output=True).returncode == 0
    )
    if not stripped:
        shutil.copyfile(binary, bootstrap)
    bootstrap.chmod(0o755)


def pointed_at_packages(template: str, functions: list[Function]) -> str:
    for function in sorted(functions, key=lambda function: function.start, reverse=True):
        template = template[: function.start] + function.logical_id + template[function.end :]
    return template


if __name__ == "__main__":
    main()
