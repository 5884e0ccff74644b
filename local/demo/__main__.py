"""The story: a file becomes a table, its changes reach the lake, its past is safe, and all of it agrees."""

import sys
import time

from . import steps
from .cloud import Cloud
from .show import Unmet, fail, line

STEPS = [
    steps.drop_a_file,
    steps.drop_a_file_with_bad_rows,
    steps.change_items,
    steps.rebuild_from_changes,
    steps.ask_athena,
    steps.run_the_schedule,
    steps.ask_for_the_current_state,
    steps.run_the_schedule_again,
    steps.stand_on_a_snapshot,
]


def main() -> int:
    began = time.monotonic()
    cloud = Cloud()
    try:
        for number, tell in enumerate(STEPS, start=1):
            tell(number, cloud)
    except Unmet as problem:
        return fail(problem)
    print(f"\n   ✓ {len(STEPS)} steps did what they say, in {time.monotonic() - began:.0f} s.", flush=True)
    line("To keep a stack and play with it: make up (and make down). To deploy to AWS: README, “Deploy”.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
