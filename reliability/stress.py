"""Call everything from many threads, with forks in between, and compare bits: `python -m reliability.stress`.

Before it begins, every function is called once on one thread. From then on threads call functions at random, the limit
on threads changes at random, and children are forked whatever the threads do, and call too. It ends with status 1 if
a result had other bits than the first, or a child crashed or hung.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from tqdm import tqdm

import actfn
from tests import everything

from . import record

DTYPES = ("float16", "float32", "float64")
# One thread, and as many as there are.
SIZES = (1_000, 40_000)
# After so many seconds a child hangs; it takes less than one on an idle machine.
PATIENCE = 300


class Stress:
    """What is called, and what was found."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.jobs = {
            (name, dtype, size): job
            for dtype in DTYPES
            for size in SIZES
            for name, job in everything.jobs(dtype, size).items()
        }
        with actfn.threads(1):
            self.wanted = {key: everything.digest(job) for key, job in self.jobs.items()}
        self.count: Counter[str] = Counter()
        self.faults: list[str] = []
        self.over = threading.Event()

    def call(self, rng: random.Random) -> None:
        """A call at random."""
        key = rng.choice(list(self.jobs))
        if everything.digest(self.jobs[key]) != self.wanted[key]:
            self.faults.append(f"{' '.join(map(str, key))} has other bits")

    def keep_calling(self, number: int) -> int:
        """How many calls a thread has made until all was over."""
        rng, calls = random.Random(self.seed * 1000 + number), 0
        while not self.over.is_set():
            self.call(rng)
            calls += 1
        return calls

    def child(self, number: int, calls: int) -> None:
        """A child that calls from two threads."""
        child = os.fork()
        if child == 0:
            self.faults = []
            try:
                rngs = [random.Random(f"{self.seed} {number} {k}") for k in range(2)]
                threads = run_in_threads([lambda rng=rng: [self.call(rng) for _ in range(calls // 2)] for rng in rngs])
                for thread in threads:
                    thread.join()
                done = all(thread.finished for thread in threads)
                os._exit(0 if done and not self.faults else 2)
            finally:
                os._exit(3)
        last = time.monotonic() + PATIENCE
        while (status := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > last:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                self.faults.append(f"child {number} hung")
                return
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(status[1])
        if code:
            self.faults.append(f"child {number} ended with {code}")
        self.count.update({"forks": 1, "calls in children": calls})


class Finisher(threading.Thread):
    """A thread that knows whether it ran to its end, and with what."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work, self.finished, self.result = work, False, None

    def run(self) -> None:
        self.result = self.work()
        self.finished = True


def run_in_threads(works: Sequence[Callable[[], object]]) -> list[Finisher]:
    threads = [Finisher(work) for work in works]
    for thread in threads:
        thread.start()
    return threads


def seconds(total: float) -> Iterator[None]:
    """Until the time is over, with a bar that moves with it."""
    start = time.monotonic()
    with tqdm(total=round(total), unit="s", bar_format="{l_bar}{bar}| {n:.0f} of {total} s") as bar:
        while (passed := time.monotonic() - start) < total:
            bar.update(passed - bar.n)
            yield
        bar.update(total - bar.n)


def stress(minutes: float, threads: int, seed: int) -> Stress:
    """Run, and return what was found."""
    found = Stress(seed)
    rng = random.Random(seed)
    callers = run_in_threads([lambda k=k: found.keep_calling(k) for k in range(threads)])
    try:
        for _ in seconds(60 * minutes):
            actfn.set_num_threads(rng.choice((0, 0, 1, 2, 3)))
            if hasattr(os, "fork"):
                found.child(found.count["forks"], calls=20)
            time.sleep(rng.random() * 0.1)
            if found.faults:
                break
    finally:
        found.over.set()
        actfn.set_num_threads(0)
    for k, caller in enumerate(callers):
        caller.join(PATIENCE)
        if not caller.finished:
            found.faults.append(f"thread {k} did not come to its end")
    found.count["calls in threads"] = sum(c.result for c in callers if isinstance(c.result, int))
    found.count["threads"] = threads
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reliability.stress", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="how long (%(default)s)")
    parser.add_argument("--threads", type=int, default=16, help="threads that call at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of what is called when (%(default)s)")
    options = parser.parse_args()
    # Python 3.12 warns of forks beside threads, which is what this is about.
    warnings.simplefilter("ignore", DeprecationWarning)
    np.seterr(all="ignore")
    found = stress(options.minutes, options.threads, options.seed)
    figures = {
        "minutes": options.minutes,
        "functions": len(everything.jobs(size=1000)),
        **{what: found.count[what] for what in ("threads", "calls in threads", "forks", "calls in children")},
        "faults": len(found.faults),
    }
    for what, number in figures.items():
        print(f"{number:>12,}  {what}")
    if found.faults:
        raise SystemExit("\n".join(found.faults))
    record.save("stress", f"python -m reliability.stress --minutes {options.minutes:g}", figures)


if __name__ == "__main__":
    main()
