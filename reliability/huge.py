"""Arrays of more than 2^31 elements: `python -m reliability.huge`.

Operands are zeros that nobody has written, which take no memory, but for a few entries at the end; results take 8 GiB.
Those entries, on either side of 2^31 too, are compared with what the function makes of a small array.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import actfn

from . import record

LIMIT = 2**31
TAIL = 1003
N = LIMIT + TAIL
Array = NDArray[Any]


def zeros(size: int, dtype: str = "float32") -> Array:
    array = np.zeros(size, dtype)
    array[-TAIL:] = np.linspace(-3, 3, TAIL)
    return array


def same(large: Array, small: Array) -> None:
    """The first and the last entries of results for zeros(N) and zeros(2 * TAIL)."""
    np.testing.assert_array_equal(large[-TAIL - 500 :], small[-TAIL - 500 :])
    np.testing.assert_array_equal(large[:100], small[:100])


def each_element(function: Callable[..., Array], dtype: str = "float32") -> None:
    same(function(zeros(N, dtype)), function(zeros(2 * TAIL, dtype)))


def every_other() -> None:
    x = zeros(2 * N, "float16")
    np.testing.assert_array_equal(actfn.gelu(x[::2])[-100:], actfn.gelu(x[::2][-100:].copy()))


def row() -> None:
    """One row; the other entries are so small that they count for nothing."""
    x = zeros(N)
    x[-TAIL:] += 200
    wanted = actfn.logsumexp(np.append(np.zeros(10, np.float32), x[-TAIL:]))
    np.testing.assert_allclose(actfn.logsumexp(x), wanted, rtol=1e-6)


def rows(function: Callable[..., Array], axis: int) -> None:
    """Rows of 16, the last of which differs; along the first axis the last column does."""
    count = N // 16 + 1
    x = np.zeros((count, 16) if axis else (16, count), np.float32)
    last = (-1, slice(None)) if axis else (slice(None), -1)
    x[last] = np.linspace(-3, 3, 16)
    y = function(x, axis)
    wanted = function(np.linspace(-3, 3, 16, dtype=np.float32))
    np.testing.assert_allclose(y[last] if y.ndim == 2 else y[-1], wanted, rtol=1e-6)


def loss() -> None:
    x = np.zeros((N // 1000 + 1, 1000), np.float32)
    x[-1, 7] = 5
    labels = np.full(len(x), 7)
    losses = actfn.cross_entropy(x, labels, reduction="none")
    np.testing.assert_allclose(losses[-2:], actfn.cross_entropy(x[-2:], labels[-2:], reduction="none"), rtol=1e-6)


def learned() -> None:
    """A gradient of a parameter is a sum over everything."""
    x = zeros(N)
    _, slope = actfn.prelu_backward(np.ones(1, np.float32)[0], x, 0.25, out=x)
    np.testing.assert_allclose(slope, np.minimum(np.linspace(-3, 3, TAIL), 0).sum(), rtol=1e-5)


CASES: dict[str, Callable[[], None]] = {
    "logsumexp of one row": row,
    "logsumexp of many rows": lambda: rows(actfn.logsumexp, -1),
    "logsumexp along the first axis": lambda: rows(actfn.logsumexp, 0),
    "cross-entropy": loss,
    "relu, float16": lambda: each_element(actfn.relu, "float16"),
    "gelu, float16": lambda: each_element(actfn.gelu, "float16"),
    "gelu, float32": lambda: each_element(actfn.gelu),
    "every other element": every_other,
    "swiglu, float16": lambda: each_element(lambda x: actfn.swiglu(x, x), "float16"),
    "prelu, its parameter": learned,
    "softmax of many rows": lambda: rows(actfn.softmax, -1),
    "softmax along the first axis": lambda: rows(actfn.softmax, 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), help="names of cases, by default all")
    options = parser.parse_args()
    actfn.set_num_threads(0)
    done: list[str] = []
    try:
        for case in tqdm(options.cases):
            CASES[case]()
            done.append(case)
    finally:
        # Also after Ctrl-C: what is done is done.
        figures = {"elements of each array": f"more than {LIMIT}", "cases that were right": len(done)}
        record.save("huge", "python -m reliability.huge", figures | {"they are": ", ".join(done)})


if __name__ == "__main__":
    main()
