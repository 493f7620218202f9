"""A call of every function there is, for other processes, threads and long runs: it needs actfn and NumPy alone."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import actfn

LENGTH = 50  # of rows
Job = partial[Any]
# Parameters that have no default.
GIVEN = 0.25


def jobs(dtype: str = "float32", size: int = 40_000) -> dict[str, Job]:
    """Calls by name, forward and backward, of arrays with `size` elements, a multiple of 100 from 1000 on.

    They can be pickled. The numbers are ordinary ones, but for some that are infinite, NaN, subnormal or as large as
    can be.
    """
    rng = np.random.default_rng(7)
    x, other, noise = (rng.normal(size=(3, size // LENGTH, LENGTH)) * 3).astype(dtype)
    info = np.finfo(dtype)
    special = [np.inf, -np.inf, np.nan, -0.0, info.max, -info.max, info.tiny, info.smallest_subnormal, -info.tiny / 2]
    # In some rows, one in each.
    x[: 2 * len(special) : 2, 3] = special
    labels = rng.integers(0, LENGTH, size // LENGTH)
    image, window = x.reshape(2, 5, -1, 10), rng.normal(size=(5, 3, 3)).astype(dtype)
    found = {}
    for name, row in actfn.catalog.items():
        values: dict[str, Any] = {"x": x, "logits": x}
        values["target"] = labels if row.kind == "row loss" else (other > 0).astype(dtype)
        if row.kind == "spatial":
            values |= {"x": image, "window": window}
        if row.kind == "gated":
            values |= {"gate": x, "value": other}
        options: dict[str, Any] = {p: GIVEN for p, v in row.params.items() if v is None and p not in values}
        forward = _job(getattr(actfn, name), values, options | ({"rng": 5} if row.kind == "sampled rows" else {}))
        y = forward()
        values |= {"y": y, "grad": 1.5 if "loss" in row.kind else np.resize(noise, y.shape)}
        found[name] = forward
        found[f"{name}_backward"] = _job(getattr(actfn, f"{name}_backward"), values, options)
    return found


def _job(function: Any, values: Mapping[str, Any], options: Mapping[str, Any]) -> Job:
    operands = [values[name] for name in inspect.signature(function).parameters if name in values]
    return partial(function, *operands, **options)


def run(job: Job) -> tuple[NDArray[Any], ...]:
    """The results, of which some functions have two."""
    result = job()
    return tuple(np.asarray(r) for r in (result if isinstance(result, tuple) else (result,)))


def bits(job: Job) -> list[tuple[str, tuple[int, ...], bytes]]:
    """All that is specified of the results, which is everything but the bits of a NaN."""
    return [(str(r.dtype), r.shape, np.where(np.isnan(r), r.dtype.type(np.nan), r).tobytes()) for r in run(job)]


def changed(wanted: Mapping[str, Any], found: Mapping[str, Job]) -> list[str]:
    """Names of the calls whose bits are not those wanted."""
    return [name for name, job in found.items() if bits(job) != wanted[name]]


def into_shared_memory(name: str, count: int) -> None:
    """What a worker does with the two rows of a block that its parent made."""
    from multiprocessing import shared_memory

    block = shared_memory.SharedMemory(name)
    rows: NDArray[Any] = np.ndarray((2, count), np.float32, block.buf)
    actfn.gelu(rows[0], out=rows[1])
    del rows
    block.close()


def digest(job: Job) -> bytes:
    """Of `bits`."""
    return hashlib.blake2b(repr([(d, s, hashlib.blake2b(b).digest()) for d, s, b in bits(job)]).encode()).digest()
