"""Strides beyond 2^31 bytes. `python -m reliability.huge` has the rest: more than 2^31 elements."""

from __future__ import annotations

import mmap
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from . import calls
from .situations import situation

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts on files with holes"),
    situation("huge"),
    situation("strides"),
]

STRIDE = 2**31 + 2**12
ROWS = 3


@pytest.fixture(scope="module")
def memory() -> Iterator[NDArray[np.uint8]]:
    """A file of more than 6 GiB, of which a few pages are ever written."""
    with tempfile.TemporaryFile() as file:
        file.truncate(ROWS * STRIDE)
        yield np.frombuffer(mmap.mmap(file.fileno(), ROWS * STRIDE), np.uint8)


def spread(memory: NDArray[np.uint8], place: int, array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """A copy of the array whose rows are more than 2^31 bytes apart, the last one first."""
    first = array.shape.index(ROWS)
    inner = np.empty(array.shape[:first] + array.shape[first + 1 :], dtype)
    strides = [*inner.strides[:first], -STRIDE, *inner.strides[first:]]
    offset = (ROWS - 1) * STRIDE + place * 2**14
    far = np.ndarray(array.shape, dtype, memory.data, offset, strides)
    far[...] = array
    return far


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_strides_beyond_two_gigabytes(dtype: str, memory: NDArray[np.uint8]) -> None:
    """Every function: the same bits as of contiguous operands, and into an `out` with such strides."""
    for call in (*calls.calls(dtype), *calls.in_memory(dtype)):
        near = call.resized(ROWS, calls.LENGTH)
        operands = {
            name: spread(memory, k, a, a.dtype) if ROWS in a.shape else a
            for k, (name, a) in enumerate(near.operands.items())
        }
        wanted = near.run()
        for k, (g, w) in enumerate(zip(near.run(**operands), wanted, strict=True)):
            # A loss, and the gradient of a learned parameter, is a sum: other layouts may add it up in another order.
            calls.assert_same(g, w, exact=np.ndim(w) > 0 and (k == 0 or call.kind == "gated"))
        if ROWS not in np.shape(wanted[0]):
            continue
        out = near.out([spread(memory, 5 + k, w * 0, w.dtype) for k, w in enumerate(wanted) if ROWS in np.shape(w)])
        if out is not None:
            near.run(**operands, out=out)
            for g, w in zip(out if isinstance(out, tuple) else (out,), wanted, strict=False):
                calls.assert_same(g, w, exact=True)
