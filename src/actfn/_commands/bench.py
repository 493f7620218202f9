"""`bench`: nanoseconds per element of this installation, with a copy of the array as the line to compare with."""

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import actfn

from ..catalog import Activation, catalog
from . import UsageError
from .facts import find
from .terminal import bold

# Per cell of the table; the best of the repetitions that fit is what the machine can do when nothing disturbs it.
_SECONDS = 0.02
_REPETITION = 0.001
# A busy machine may take the processor away for longer than that.
_REPETITIONS = 7


def _seconds(call: Callable[[], object]) -> float:
    """Of one call, the best of several repetitions of enough calls for the clock."""
    clock, number, best, end = time.perf_counter, 1, float("inf"), time.perf_counter() + _SECONDS
    repetitions = 0
    call()
    while repetitions < _REPETITIONS or clock() < end:
        start = clock()
        for _ in range(number):
            call()
        took = clock() - start
        if took < _REPETITION:
            number = max(2 * number, int(number * _REPETITION / max(took, 1e-7)))
            continue
        best = min(best, took / number)
        repetitions += 1
    return best


def _operands(row: Activation, size: int, dtype: str) -> dict[str, Any]:
    """Arrays of about `size` elements for the forward function, by the names of its parameters."""
    x = np.random.default_rng(0).standard_normal(size).astype(dtype)
    rows = x.reshape(-1, min(size, 100)) if size % min(size, 100) == 0 else x[None]
    match row.kind:
        case "rows" | "sampled rows":
            return {"x": rows}
        case "row loss":
            return {"logits": rows, "target": np.zeros(len(rows), np.int64)}
        case "pointwise loss":
            return {"logits": x, "target": (x > 0).astype(dtype)}
        case "spatial":
            return {"x": rows[None, None], "window": np.full((1, 3, 3), 0.1)}
        case "pieces":
            return {"x": np.resize(x, size + size % 2)}
        case "gated":
            # glu takes both halves in one array.
            return {"x": np.resize(x, size + size % 2), "gate": x, "value": x}
    # A parameter without a default is a slope or an offset: any number takes as long.
    required = {name: 0.25 for name, default in row.params.items() if default is None}
    return {"x": x} | required


def _calls(row: Activation, size: int, dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Forward and backward with their operands."""
    known = _operands(row, size, dtype)
    for name in (row.name, f"{row.name}_backward"):
        function = getattr(actfn, name)
        operands = [known[parameter] for parameter in inspect.signature(function).parameters if parameter in known]
        yield name, partial(function, *operands)
        if not name.endswith("_backward"):
            result = function(*operands)
            known |= {"grad": np.ones_like(result), "y": result}


def run(names: Sequence[str], sizes: Sequence[int], dtype: str, threads: int) -> None:
    """A line per function, printed as soon as it is measured."""
    rows = [find(name) for name in names] or list(catalog.values())
    if min(sizes) < 1:
        raise UsageError(f"--sizes must be 1 or more, got {min(sizes)}")
    if threads < 0:
        raise UsageError(f"--threads must be 0 or positive, got {threads}")
    try:
        copies = [np.zeros(size, dtype).copy for size in sizes]
    except (MemoryError, ValueError):
        raise UsageError(f"--sizes must fit into memory, got {max(sizes)}") from None
    width = max(len(f"{row.name}_backward") for row in rows)
    with actfn.threads(threads):
        print(f"actfn {actfn.__version__}, build {actfn.build}, threads: {actfn.get_num_threads()}, {dtype}")
        print("Nanoseconds per element, the result allocated in every call; the first line is NumPy's copy.\n")
        print(bold("elements".ljust(width) + "".join(f"{size:>12,}" for size in sizes)), flush=True)
        _line("copy", width, [_seconds(copy) / size for copy, size in zip(copies, sizes, strict=True)])
        for row in rows:
            for cells in zip(*(_calls(row, size, dtype) for size in sizes), strict=True):
                name = cells[0][0]
                _line(name, width, [_seconds(call) / size for (_, call), size in zip(cells, sizes, strict=True)])


def _line(name: str, width: int, seconds: Sequence[float]) -> None:
    print(name.ljust(width) + "".join(f"{1e9 * value:12.3f}" for value in seconds), flush=True)
