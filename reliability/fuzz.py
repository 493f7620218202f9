"""Calls that nobody thought of, for as long as there is time: what tests/test_fuzz.py does, with other seeds.

`python -m reliability.fuzz --minutes 30`. Each round takes every function once, with a seed of its own. An example
that fails is made as simple as it goes, and printed as a test.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
import traceback
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tqdm import tqdm

from reliability import record
from tests import fuzzing

EXAMPLES = 25  # of a function in a round
TEST = """
@{blob}
@given(st.data())
def test_found_by_fuzzing(data):
    fuzzing.examine("{name}", fuzzing.Drawn(data))
"""


def search(name: str, number: int, count: Callable[[], None]) -> str:
    """Look for an example that fails: the test that repeats it, or ""."""

    @seed(number)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, print_blob=True, report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])  # fmt: skip
    @given(st.data())
    def examined(data: st.DataObject) -> None:
        count()
        fuzzing.examine(name, fuzzing.Drawn(data))

    try:
        examined()
    except KeyboardInterrupt:
        raise
    # pytest's own failures are no Exception.
    except BaseException as error:
        text = "".join(traceback.format_exception(error)[-3:])
        blob = next((n.split("@", 1)[1].split(" as a")[0] for n in getattr(error, "__notes__", []) if "@repr" in n), "")
        return text + TEST.format(blob=blob or f"seed({number})", name=name)
    return ""


def run(minutes: float, first: int) -> tuple[int, int, int, list[str]]:
    """Rounds until the time is up: seconds, functions, examples, and the tests of what failed, one per function."""
    start, examples, found = time.monotonic(), 0, {}
    searched: set[str] = set()
    number = first

    def count() -> None:
        nonlocal examples
        examples += 1

    with tqdm(total=int(minutes * 60), unit="s", mininterval=1) as bar, contextlib.suppress(KeyboardInterrupt):
        while True:
            for name in fuzzing.NAMES:
                if name not in found and (failure := search(name, number, count)):
                    found[name] = failure
                    bar.write(f"seed {number}, {name}\n{failure}")
                searched.add(name)
                number += 1
                bar.update(int(time.monotonic() - start) - bar.n)
                bar.set_postfix(examples=examples, faults=len(found))
                if time.monotonic() - start > minutes * 60:
                    raise KeyboardInterrupt
    return int(time.monotonic() - start), len(searched), examples, list(found.values())


def main() -> int:
    command = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    command.add_argument("--minutes", type=float, default=30, help="how long (30)")
    command.add_argument("--seed", type=int, help="of the first round (the time)")
    command.add_argument("--no-record", action="store_true", help="leave the record as it is")
    options = command.parse_args()
    first = int(time.time()) if options.seed is None else options.seed
    seconds, functions, examples, found = run(options.minutes, first)
    if not options.no_record:
        figures = {"minutes": round(seconds / 60), "functions": functions, "examples": examples,
                   "functions with a fault": len(found)}  # fmt: skip
        record.save("fuzz", f"python -m reliability.fuzz --minutes {options.minutes:g}", figures)
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
