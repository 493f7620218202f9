"""The race: this library and others on the same data, interleaved in one process so that drift hits all alike.

A cell is one function, direction, dtype and shape. In every round each contender runs a batch of calls that takes a
millisecond or more, in an order drawn anew; the median over the rounds counts. Rounds go on until the medians are known
to 1 % or the time is up.
"""

import datetime
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import random
import time
import timeit
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tests import oracle

from . import peers, speed_digits

Record = dict[str, Any]
BATCH = 1e-3
ERROR = 0.01
# Seconds that a cell takes besides: data, compilers, and the last round.
PREPARATION = 1.0
# Rounds that every contender runs, and how much slower than the best one may be to stay after that.
ROUNDS, STAY = 3, 3.0
LARGEST = 32 * 2**20
SIZES = {
    "quick": {"float32": (1, 10_000, 1_000_000)},
    "full": {
        "float32": (1, 100, 10_000, 100_000, 1_000_000, LARGEST),
        "float64": (100, 10_000, 1_000_000),
        "float16": (100, 10_000, 1_000_000),
    },
}
# Shape and axis.
FEW_ROWS = (((64, 10), -1), ((4096, 1024), -1))
ROWS = {
    "quick": FEW_ROWS,
    "full": (
        ((1, 3), -1), ((64, 10), -1), ((100_000, 10), -1), ((32_768, 128), -1), ((4096, 1024), -1), ((64, 50_257), -1),
        ((8, 1_048_576), -1), ((1024, 4096), 0), ((32, 81, 8732), 1),
    ),
}  # fmt: skip
# The rows of the catalog that are raced at all shapes; the others of their kind at few.
RACED_ROWS = ("softmax", "log_softmax", "cross_entropy")
PAIRS = (10_000, 1_000_000)
# Python threads that call at once, calls of each, and on how many elements.
CALLERS, CALLS = 4, 32
CALLED = (100_000, 1_000_000)
# What the report says of a peer that is in such a list of a cell.
NOTES = {"fresh": "fresh", "saved": "from saved output"}
# Below this no thread but the first has anything to do, and one thread is not measured again.
SERIAL = 10_000


@dataclass(frozen=True)
class Cell:
    """One measurement; `into` an existing array or with a fresh result."""

    name: str
    direction: str
    shape: tuple[int, ...]
    into: bool
    dtype: str = "float32"
    axis: int = -1
    # "contiguous", "transposed", "strided", or "channel" for a slope per channel.
    layout: str = "contiguous"

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __str__(self) -> str:
        shape = f"n = {self.size:,}" if len(self.shape) == 1 else f"{self.shape} axis {self.axis}"
        layout = "" if self.layout == "contiguous" else f", {self.layout}"
        return f"{self.name} {self.direction} {self.dtype} {shape}{layout} {'into out' if self.into else 'fresh'}"


def cells(which: str, names: list[str], threads: int) -> Iterator[Cell]:
    """The cells of a run, function after function."""
    for name in (name for name in oracle.ROWS if name in names):
        found = [*regular(name, which), *(special(name) if which == "full" else [])]
        yield from (cell for cell in found if threads > 1 or cell.size >= SERIAL)
    if which == "full" and "gelu" in names:
        yield Cell("digits", "epoch", (1437, 64), into=False)
        if threads > 1:
            yield from (Cell("gelu", "four callers", (n,), into=True) for n in CALLED)


def regular(name: str, which: str) -> Iterator[Cell]:
    """All sizes, into an existing array where the function can, and fresh."""
    kind = oracle.ROWS[name].kind
    for direction in () if kind == "spatial" else peers.DIRECTIONS:
        for into in (True, False) if peers.ours(name, direction).writes_out else (False,):
            if kind == "elementwise":
                yield from (Cell(name, direction, (n,), into, dtype) for dtype, sizes in SIZES[which].items()
                            for n in sizes)  # fmt: skip
            elif kind in ("rows", "row loss", "sampled rows", "pieces"):
                shapes = ROWS[which] if name in RACED_ROWS else FEW_ROWS
                yield from (Cell(name, direction, shape, into, axis=axis) for shape, axis in shapes)
            else:
                # Half of what GLU takes is gate, half is value.
                yield from (Cell(name, direction, (n // 100, 200) if name == "glu" else (n,), into) for n in PAIRS)


def special(name: str) -> Iterator[Cell]:
    """Other layouts of memory, and sizes from real networks: attention, and the middle of a transformer's block."""
    for direction in peers.DIRECTIONS:
        for into in (True, False):
            if name in ("relu", "sigmoid", "gelu"):
                yield Cell(name, direction, (1000, 1000), into)
                yield Cell(name, direction, (1000, 1000), into, layout="transposed")
                yield Cell(name, direction, (1000, 1000), into, layout="strided")
            if name == "prelu":
                yield Cell(name, direction, (32, 64, 28, 28), into, layout="channel")
            if name == "gelu":
                yield Cell(name, direction, (16, 512, 3072), into)
            if name == "softmax":
                yield Cell(name, direction, (16, 12, 512, 512), into)


# ---- Contenders -----------------------------------------------------------------------------------------------


@cache
def numbers(seed: int) -> Any:
    return np.random.default_rng(seed).normal(0, 2, 1 << 20).astype(np.float32)


def array_of(cell: Cell, seed: int) -> Any:
    """Normally distributed numbers in the cell's layout."""
    values = np.resize(numbers(seed), cell.size).astype(cell.dtype).reshape(cell.shape)
    if cell.layout == "transposed":
        return np.ascontiguousarray(values.T).T
    if cell.layout == "strided":
        wide = np.empty((*cell.shape[:-1], 2 * cell.shape[-1]), cell.dtype)
        wide[..., ::2] = values
        return wide[..., ::2]
    return values


def arrays_of(cell: Cell) -> list[Any]:
    row = oracle.ROWS[cell.name]
    inputs = [array_of(cell, seed) for seed in range(len(peers.operands(cell.name, "forward")))]
    low, high = oracle.domain_of(row)
    if low == 0:
        inputs[0] = np.abs(inputs[0]) % min(high, 128)
    if row.kind == "row loss":
        rows = tuple(length for k, length in enumerate(cell.shape) if k != cell.axis % len(cell.shape))
        inputs[-1] = np.random.default_rng(0).integers(0, cell.shape[cell.axis], rows)
    if cell.direction == "forward":
        return inputs
    if "loss" in row.kind:
        return [np.ones((), cell.dtype), *inputs]
    # The gradient has the shape of the result, which for these is not that of the input.
    other = cell.name in ("glu", "logsumexp", "logmeanexp") or row.kind == "pieces"
    result = shape_of_result(peers.ours(cell.name, "forward"), cell, inputs) if other else cell.shape
    return [array_of(replace(cell, shape=result), 7), *inputs]


def shape_of_result(function: peers.Implementation, cell: Cell, arrays: list[Any]) -> tuple[int, ...]:
    """Of the first one, where there are several."""
    result = function.prepare(*arrays, axis=cell.axis)()
    return np.shape(result[0] if isinstance(result, tuple) else result)


@dataclass(frozen=True)
class Contenders:
    """The calls of a cell, warmed up, and what is unequal about them."""

    calls: dict[str, peers.Call]
    # Who returns a fresh result although the cell is one into `out`.
    fresh: list[str] = field(default_factory=list)
    # Who starts from what the forward function left behind, while this library starts from the input.
    saved: list[str] = field(default_factory=list)


def contenders(cell: Cell) -> Contenders:
    if cell.name == "digits":
        return Contenders(speed_digits.epochs())
    if cell.direction == "four callers":
        return Contenders(callers(cell))
    arrays, own = arrays_of(cell), peers.ours(cell.name, cell.direction)
    result = shape_of_result(own, cell, arrays)
    out = np.zeros(result, cell.dtype) if cell.into else None
    params = {"weight": np.full((cell.shape[1], 1, 1), 0.25, cell.dtype)} if cell.layout == "channel" else {}
    found = {"actfn": own, **peers.peers_of(cell.name, cell.direction, cell.dtype)}
    if cell.layout in ("transposed", "strided"):
        found = {peer: one for peer, one in found.items() if one.strided}
    if cell.layout == "channel":
        found.pop("numba", None)
    calls = {}
    for peer, one in found.items():
        try:
            calls[peer] = one.prepare(*arrays, out=out if one.writes_out else None, axis=cell.axis, **params)
            calls[peer]()
        except NotImplementedError:
            calls.pop(peer, None)
    fresh = [peer for peer in calls if cell.into and not found[peer].writes_out]
    saved = [peer for peer in calls if found[peer].saved and not own.saved]
    if cell.layout == "contiguous" and len(arrays) <= 2 and {result, *(a.shape for a in arrays)} == {cell.shape}:
        calls |= {f"copy by {peer}": copy(*arrays, out=out) for peer, copy in peers.copies(len(arrays)).items()}
    return Contenders(calls, fresh, saved)


def callers(cell: Cell) -> dict[str, peers.Call]:
    """Many calls, from several Python threads at once; and as many, one after the other, from one."""
    pool, x = ThreadPoolExecutor(CALLERS), array_of(cell, 0)

    def repeated(call: peers.Call, times: int) -> peers.Call:
        def run() -> None:
            for _ in range(times):
                call()

        return run

    def together(one: peers.Implementation) -> peers.Call:
        each = [repeated(one.prepare(x, out=np.zeros_like(x)), CALLS) for _ in range(CALLERS)]
        return lambda: [done.result() for done in [pool.submit(run) for run in each]]

    own, others = peers.ours(cell.name, "forward"), peers.peers_of(cell.name, "forward", cell.dtype)
    found = {"actfn": own} | {peer: one for peer, one in others.items() if peer == "torch"}
    alone = repeated(own.prepare(x, out=np.zeros_like(x)), CALLS * CALLERS)
    return {peer: together(one) for peer, one in found.items()} | {"one caller": alone}


# ---- Timing ---------------------------------------------------------------------------------------------------


def settle() -> None:
    """Wait until nothing runs here: thread pools spin for milliseconds after a call, on the next one's processor."""
    for _ in range(200):
        start = time.process_time()
        time.sleep(1e-3)
        if time.process_time() - start < 2e-4:
            return


def batch_of(timer: timeit.Timer) -> int:
    """Calls that take a millisecond together."""
    count = 1
    while (taken := timer.timeit(count)) < BATCH:
        count = max(2 * count, min(10 * count, math.ceil(1.2 * count * BATCH / taken)))
    return count


def error_of(samples: list[float]) -> float:
    """Standard error of the median, relative; from the median deviation, which outliers do not move."""
    middle = float(np.median(samples))
    deviation = 1.4826 * float(np.median(np.abs(np.subtract(samples, middle))))
    return 1.2533 * deviation / math.sqrt(len(samples)) / middle


def measure(calls: dict[str, peers.Call], limit: float, threads: int) -> dict[str, list[float]]:
    """Seconds per call, one sample a round."""
    timers = {name: timeit.Timer(call) for name, call in calls.items()}
    batches = {name: batch_of(timer) for name, timer in timers.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    order, end = list(calls), time.perf_counter() + limit
    while True:
        random.shuffle(order)
        for name in order:
            if threads > 1:
                settle()
            # Once for nothing: it wakes the library's own threads and fills the cache.
            calls[name]()
            samples[name].append(timers[name].timeit(batches[name]) / batches[name])
        if len(samples["actfn"]) < ROUNDS:
            continue
        fastest = min(float(np.median(samples[name])) for name in calls if name == "actfn" or is_rival(name))
        order = [name for name in order if not is_rival(name) or float(np.median(samples[name])) < STAY * fastest]
        known = len(samples["actfn"]) > ROUNDS and all(error_of(samples[name]) < ERROR for name in order)
        if known or time.perf_counter() > end:
            return samples


def run(which: str, names: list[str], threads: int, limit: float, path: Path, *, redo: bool) -> None:
    """Measure the cells that the file does not have yet, or not well; each is saved at once."""
    state = json.loads(path.read_text()) if path.exists() else {"runs": {}, "cells": []}
    then, now = state["runs"].get(str(threads), {}), about()
    state["runs"][str(threads)] = now
    # Other code, another library or another machine: what was measured of them says nothing.
    if then and any(then.get(key) != now[key] for key in ("sources", "versions", "processor")):
        print(f"{path} is of other code, libraries or another processor: measured again")
        state["cells"] = [record for record in state["cells"] if record["threads"] != threads]
    known = {identity(record): record for record in state["cells"]}
    wanted = {identity(asdict(cell) | {"threads": threads}): cell for cell in cells(which, names, threads)}
    todo = {key: cell for key, cell in wanted.items() if key not in known or (redo and not trusted(known[key]))}
    # NumPy's own formulas overflow, and a warning takes time.
    np.seterr(all="ignore")
    minutes = len(todo) * (limit + PREPARATION) / 60
    print(f"{counted(threads)}: {len(todo)} cells, of {len(wanted)}, in at most {minutes:.0f} minutes", flush=True)
    # In a pipe there is no bar, the lines say how far it is.
    for k, (key, cell) in enumerate(bar := tqdm(todo.items(), disable=None, unit="cell", smoothing=0.05), 1):
        bar.set_description(f"{cell.name} {cell.direction}")
        racing = contenders(cell)
        before = idle_seconds()
        samples = measure(racing.calls, limit, threads)
        record = asdict(cell) | {
            "threads": threads,
            "seconds": {name: float(np.median(taken)) for name, taken in samples.items()},
            "errors": {name: round(error_of(taken), 4) for name, taken in samples.items()},
            "rounds": {name: len(taken) for name, taken in samples.items()},
            "fresh": racing.fresh,
            "saved": racing.saved,
            # How many processors others kept busy meanwhile.
            "disturbed": round(disturbance(before), 2),
        }
        known[key] = record
        save({"runs": state["runs"], "cells": list(known.values())}, path)
        bar.write(f"{k}/{len(todo)} {cell}, {counted(threads)}: {line(record)}")


def idle_seconds() -> tuple[float, float, float]:
    """Now, the seconds that all processors have idled, and those that this process has used."""
    lines = Path("/proc/stat").read_text().splitlines() if Path("/proc/stat").exists() else ["cpu 0 0 0 0 0"]
    idle, waiting = (int(word) for word in lines[0].split()[4:6])
    return time.perf_counter(), (idle + waiting) / os.sysconf("SC_CLK_TCK"), time.process_time()


def disturbance(before: tuple[float, float, float]) -> float:
    wall, idle, used = (now - then for now, then in zip(idle_seconds(), before, strict=True))
    return max(0.0, (os.cpu_count() or 1) - (idle + used) / wall)


def identity(record: Record) -> str:
    return json.dumps([record[key] for key in (*Cell.__dataclass_fields__, "threads")])


def trusted(record: Record) -> bool:
    """Whether the machine was quiet, and our own time and the best other known."""
    errors = [record["errors"].get(name, 0) for name in ("actfn", best_peer(record)[0])]
    return bool(record["disturbed"] < 0.2 and max(errors) < 5 * ERROR)


def save(state: dict[str, Any], path: Path) -> None:
    """One line per cell, so that two runs can be compared; the old file stays whole until the new one is."""
    lines = ",\n".join(json.dumps(record) for record in state["cells"])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(f'{{"runs": {json.dumps(state["runs"], indent=1)},\n"cells": [\n{lines}\n]}}\n')
    partial.replace(path)


def is_rival(contender: str) -> bool:
    """Another library; not this one, and not a copy that shows what is possible."""
    return contender in peers.LIBRARIES


def best_peer(record: Record, saved: bool = True) -> tuple[str, float]:
    """The fastest of the others; without `saved` of those that start from the same operands."""
    rivals = {name: s for name, s in record["seconds"].items() if is_rival(name)}
    rivals = rivals if saved else {name: s for name, s in rivals.items() if name not in record["saved"]}
    name = min(rivals, key=lambda rival: rivals[rival], default="")
    return name, rivals.get(name, math.nan)


def named(record: Record, peer: str) -> str:
    """The peer, with what it does otherwise."""
    notes = [note for key, note in NOTES.items() if peer in record[key]]
    return f"{peer} ({', '.join(notes)})" if notes else peer


def ratio(record: Record, saved: bool = True) -> float:
    """How many times faster than the best of the others."""
    return best_peer(record, saved)[1] / float(record["seconds"]["actfn"])


def line(record: Record) -> str:
    name, seconds = best_peer(record)
    if not name:
        return f"{duration(record['seconds']['actfn'])}, no other library"
    error = math.hypot(record["errors"]["actfn"], record["errors"][name])
    return (f"{duration(record['seconds']['actfn'])}, best other {named(record, name)} {duration(seconds)}, "
            f"ratio {ratio(record):.2f} +- {error:.0%}")  # fmt: skip


def counted(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def duration(seconds: float) -> str:
    return f"{seconds * 1e6:,.2f} us" if seconds < 1e-4 else f"{seconds * 1e3:,.3f} ms"


# ---- The machine ----------------------------------------------------------------------------------------------


def processors() -> list[int]:
    """Those that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def confine(to: list[int]) -> None:
    """Libraries that read no variable count these; processes started from here inherit them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, to)


def environment(threads: int) -> dict[str, str]:
    """What confines every library to so many threads from its import on; XLA can not be told later."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS",
             "NUMBA_NUM_THREADS", "PJRT_NPROC")  # fmt: skip
    serial = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"} if threads == 1 else {}
    return {name: str(threads) for name in names} | serial | {"JAX_PLATFORMS": "cpu"}


def fingerprint(package: Path, build: str) -> str:
    """A digest of the code that is measured."""
    files = sorted([*package.glob("*.py"), *package.glob(f"_kernels_{build}.*")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def about() -> dict[str, Any]:
    """Where and with what; the threads as each library counts them."""
    from threadpoolctl import threadpool_info

    import actfn

    from .sweep import processor

    found = [peer for peer in peers.LIBRARIES if peers.installed(peer)]
    counts = {"actfn": actfn.get_num_threads(), "processors": len(processors())}
    if "torch" in found:
        counts["torch"] = peers.torch_modules()["torch"].get_num_threads()
    if "numba" in found:
        import numba

        counts["numba"] = numba.get_num_threads()
    if "numexpr" in found:
        import numexpr

        counts["numexpr"] = numexpr.get_num_threads()
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "huge pages": pages.read_text().strip() if pages.exists() else "",
        "build": actfn.build,
        "sources": fingerprint(Path(actfn.__file__).parent, actfn.build),
        "versions": {name: importlib.metadata.version(name) for name in ("actfn", *found)},
        "threads": counts,
        "pools": [f"{pool['prefix']} {pool['num_threads']}" for pool in threadpool_info()],
    }
