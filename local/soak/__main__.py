"""Starts the local AWS with two proxies before it, runs the scenarios, and prints what came of them.

    make soak
    make soak SOAK_ARGS="--scenario killed --scenario lost --changes 3000 --seed 7"
"""

import argparse
import os
import sys
import time

from demo import show
from stack import cli, environments, state
from stack.paths import Failure, progress

from .cloud import Cloud
from .injector import Microburst
from .proxy import Proxy
from .run import Result, Run
from .scenarios import SCENARIOS
from .workload import send_bad_input

NAME = "soak"
HEADS = (
    "scenario", "changes", "requests", "faults", "retries", "returned", "duplicates", "given up, redriven", "losses",
    "seconds",
)  # fmt: skip


def main() -> int:
    arguments = command_line().parse_args()
    try:
        return soak(arguments)
    except Failure as failure:
        print(f"soak: {failure}", file=sys.stderr)
        return 1


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description="Inject faults, and look for losses.")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", action="append", choices=names, help="only this one; repeatable")
    parser.add_argument("--changes", type=int, default=20_000, help="in each scenario (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is written and of our own faults")
    parser.add_argument("--keep-logs", action="store_true", help=f"leave the logs in target/local/{NAME}")
    cli.add_deployment_options(parser)
    return parser


def soak(arguments: argparse.Namespace) -> int:
    environments.prepare(environments.SOAK, environments.SOAK_LOCK)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in (arguments.scenario or [scenario.name])]
    proxy, began, results = Proxy(arguments.seed), time.monotonic(), []
    arguments.functions_endpoint = proxy.endpoint
    arguments.parameter.append("BatchWindowSeconds=1")
    try:
        stack = cli.bring_up(NAME, arguments)
        os.environ.update(stack.environment())
        proxy.upstream = proxy.emulator = stack.endpoint
        microburst = Microburst(state.folder_of(NAME), stack.endpoint)
        try:
            cloud = Cloud(proxy.endpoint, state.folder_of(NAME) / "emulator.log")
            send_bad_input(cloud)
            for scenario in scenarios:
                progress(f"soak: {scenario.name}: {scenario.what}")
                run = Run(cloud, proxy, microburst, scenario, arguments.changes, arguments.seed)
                results.append(run.run())
                for problem in results[-1].problems:
                    progress(f"soak: {scenario.name}: {problem}")
        finally:
            if arguments.keep_logs or any(result.losses for result in results):
                cli.save_function_logs(NAME, stack)
            microburst.stop()
    finally:
        proxy.stop()
        cli.take_down(NAME, keep_logs=arguments.keep_logs or any(result.losses for result in results))
    return told(results, time.monotonic() - began)


def told(results: list[Result], seconds: float) -> int:
    print()
    show.table(HEADS, [cells(result) for result in results])
    losses = sum(result.losses for result in results)
    for result in results:
        for problem in result.problems:
            show.line(f"✗ {result.scenario.name}: {problem}")
    changes, faults = sum(result.changes for result in results), sum(result.injected for result in results)
    print(f"\n   {changes:,} changes under {faults:,} faults: {losses:,} losses, in {seconds:.0f} s.")
    return 1 if losses else 0


def cells(result: Result) -> list[str]:
    counts = (
        result.changes, result.requests, result.injected, result.retries, result.returned, result.duplicates,
    )  # fmt: skip
    given_up = ", ".join(f"{count:,} {plural(kind, count)}" for kind, count in sorted(result.given_up.items())) or "0"
    shown = [*(f"{count:,}" for count in counts), given_up, f"{result.losses:,}", f"{result.seconds:.0f}"]
    return [result.scenario.name, *shown]


def plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}es" if noun.endswith("ch") else f"{noun}s"


if __name__ == "__main__":
    sys.exit(main())
