"""Call every function, right and wrong, again and again, and see that nothing stays: `python -m reliability.leaks`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings

from tqdm import tqdm

from tests import test_memory

from . import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="at least so many calls with each mistake")
    options = parser.parse_args()
    if os.environ.get("GLIBC_TUNABLES") != test_memory.NO_CACHES:
        # It is read when a process starts.
        environment = {**os.environ, "GLIBC_TUNABLES": test_memory.NO_CACHES}
        os.execve(sys.executable, [sys.executable, "-m", "reliability.leaks", *sys.argv[1:]], environment)
    warnings.simplefilter("ignore")
    everything = test_memory.every_call("float32")
    gc.collect()
    gc.freeze()
    resident = test_memory.status("VmRSS:")
    found = [test_memory.left_behind(call, options.rounds) for call in tqdm(everything)]
    leaks = [leak for _, _, leak in found if leak]
    print(*leaks, sep="\n")
    figures: dict[str, int | float | str] = {
        "functions": len(found),
        "calls": sum(made for made, _, _ in found),
        "of them errors": sum(errors for _, errors, _ in found),
        "functions that leak": len(leaks),
        "resident memory grew by, KiB": round((test_memory.status("VmRSS:") - resident) * 1024),
    }
    record.save("leaks", "python -m reliability.leaks", figures)


if __name__ == "__main__":
    main()
