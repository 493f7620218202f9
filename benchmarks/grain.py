"""From which size on two threads beat one: where the thresholds in setup.py and src/*.pxi come from.

    python -m benchmarks.grain

A copy of the sources is built in which every call may use a second thread, then each function is timed with one thread
and with two, over and over in turn; the fastest of all batches counts, because a disturbance only ever adds. In a
batch one call follows the other, so the second thread is awake. What was found and what follows from it is in
docs/decisions/0012-when-a-second-thread-pays.md.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

import numpy as np

from . import peers, speed
from .speed_report import table

ROOT = Path(__file__).parents[1]
ROUNDS = 30
SIZES = [2**k for k in range(8, 19)]
# Of each class some that cost little and some that cost much; a row has so many entries.
CLASSES = {
    "piecewise": ("relu", "relu_backward", "leaky_relu", "hard_swish_backward"),
    "other": ("softsign", "sigmoid", "tanh", "gelu", "gelu_backward", "swiglu"),
    "rows": ("softmax 16", "softmax 256", "softmax_backward 256", "log_softmax 256", "logsumexp 256"),
}


def call_of(function: str, size: int) -> peers.Call:
    name, _, length = function.partition(" ")
    name, direction = name.removesuffix("_backward"), "backward" if name.endswith("_backward") else "forward"
    shape = (size // int(length), int(length)) if length else (size,)
    cell = speed.Cell(name, direction, shape, into=True)
    own, arrays = peers.ours(name, direction), speed.arrays_of(cell)
    out = np.zeros(speed.shape_of_result(own, cell, arrays), cell.dtype) if own.writes_out else None
    return own.prepare(*arrays, out=out)


def gain(function: str, size: int) -> float:
    """How many times faster two threads are than one."""
    import actfn

    timer = timeit.Timer(call_of(function, size))
    best = {1: np.inf, 2: np.inf}
    batch = speed.batch_of(timer)
    for _ in range(ROUNDS):
        for threads in random.sample(sorted(best), 2):
            with actfn.threads(threads):
                timer.timeit(1)
                best[threads] = min(best[threads], timer.timeit(batch))
    return best[1] / best[2]


def worth_it(gains: list[float]) -> int | None:
    """The size from which on two threads are faster, every size above included."""
    slow = [size for size, one in zip(SIZES, gains, strict=True) if one <= 1]
    above = [size for size in SIZES if not slow or size > slow[-1]]
    return above[0] if above else None


def measure() -> None:
    from actfn import get_num_threads

    if get_num_threads() < 2:
        raise SystemExit("benchmarks.grain: needs two processors")
    rows, grains = [], []
    for kind, functions in CLASSES.items():
        found = []
        for function in functions:
            gains = [gain(function, size) for size in SIZES]
            found.append(worth_it(gains))
            start = f"{found[-1]:,}" if found[-1] else "-"
            rows.append((function, kind, *(f"{one:.2f}" for one in gains), start))
        # A call of 2 * grain elements is the first to use two threads. None of the functions is to be slowed.
        largest = None if None in found else max(size for size in found if size)
        grains.append((kind, f"{largest // 2:,}" if largest else f"more than {SIZES[-1] // 2:,}"))
    head = ("function", "class", *(f"{size:,}" for size in SIZES), "faster from")
    print(table("Time with one thread over time with two, by the number of elements", head, rows))
    print()
    print(table("Elements that are worth a thread", ("class", "grain"), grains))


def build(copy: Path) -> None:
    """The sources in which every element is worth a thread."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    threads = copy / "src" / "_threads.pxi"
    text, threshold = threads.read_text(), "worth = n // grain"
    if text.count(threshold) != 1:
        raise SystemExit(f"benchmarks.grain: src/_threads.pxi no longer says {threshold!r} once")
    threads.write_text(text.replace(threshold, "worth = n"))
    print("Compiling a copy of the sources, about a minute", flush=True)
    subprocess.run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=copy, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.grain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().measure:
        measure()
        return
    from actfn import build as chosen

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        os.environ |= {"ACTFN_BUILDS": chosen, "ACTFN_BUILD": chosen}
        build(copy)
        path = os.pathsep.join([str(copy / "src"), str(ROOT)])
        command = [sys.executable, "-m", "benchmarks.grain", "--measure"]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
