"""No function touches a byte outside of its arrays, or writes into an input.

Every operand ends where a page begins that kills whoever touches it, and once more begins where one ends; inputs lie in
memory that cannot be written. So this runs in processes of its own, which say before each call what they are about to
do: the last line of one that has died names the function.
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

import actfn

from . import oracle, processes
from .row_oracle import REDUCED
from .situations import situation

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="protects pages by the POSIX call mprotect"),
    situation("lengths"),
    situation("strides"),
]

LAYOUTS = ("contiguous", "every other", "backwards", "transposed", "gaps")
# Around the steps of the kernels, LANES and BLOCK, and enough for two threads.
LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257, 271, 40_003)
SHAPES = [
    *(((n,), "contiguous") for n in LENGTHS),
    *(((n,), layout) for n in (1, 15, 16, 17, 255, 257) for layout in ("every other", "backwards")),
    *((shape, layout) for shape in ((16, 5), (17, 33), (3, 16), (16, 260)) for layout in LAYOUTS[1:]),
]
# Rows and classes: what stands side by side, what lies along the lanes, what does not fit into one chunk of them.
ROWS = [
    *itertools.product((1, 17), (1, 2, 7, 16, 48, 49, 65)),
    (33, 5), (257, 3), (1, 4095), (2, 4097), (3, 12_289), (1, 65_553), (4_000, 9),
]  # fmt: skip


class Fenced:
    """Memory between two pages that nobody may touch."""

    def __init__(self) -> None:
        size = 300 * mmap.PAGESIZE
        self.memory = mmap.mmap(-1, size + 2 * mmap.PAGESIZE)
        self.bytes = np.frombuffer(self.memory, np.uint8)[mmap.PAGESIZE : -mmap.PAGESIZE]
        self.protect(-mmap.PAGESIZE, mmap.PAGESIZE, 0)
        self.protect(size, mmap.PAGESIZE, 0)

    def protect(self, first: int, size: int, protection: int) -> None:
        start = ctypes.c_void_p(self.bytes.ctypes.data + first)
        assert ctypes.CDLL(None).mprotect(start, ctypes.c_size_t(size), protection) == 0

    def array(self, shape: Sequence[int], dtype: DTypeLike, layout: str, at_end: bool) -> NDArray[Any]:
        """An array in the layout, whose last or first byte is the memory's."""
        size = np.dtype(dtype).itemsize
        step = {"every other": 2 * size, "backwards": -size}.get(layout, size)
        strides = [0] * len(shape)
        for axis in range(len(shape)) if layout == "transposed" else reversed(range(len(shape))):
            strides[axis] = step
            step *= shape[axis] + (layout == "gaps")
        reaches = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
        after = sum(r for r in reaches if r > 0) + size
        offset = self.bytes.size - after if at_end else -sum(r for r in reaches if r < 0)
        return np.ndarray(shape, dtype, self.bytes.data, offset, strides)


class Yard:
    """Fenced memory for the operands and the results of a call, and the end of it at which arrays lie."""

    def __init__(self, dtype: str, at_end: bool) -> None:
        self.dtype, self.at_end = np.dtype(dtype), at_end
        self.inputs, self.outs, self.others = ([Fenced() for _ in range(4)] for _ in range(3))
        rng = np.random.default_rng(3)
        for fenced in self.inputs:
            values = fenced.bytes.view(dtype)
            values[:] = rng.normal(size=values.size) * 2
            fenced.protect(0, fenced.bytes.size, mmap.PROT_READ)

    def input(self, k: int, shape: Sequence[int], layout: str = "contiguous") -> NDArray[Any]:
        return self.inputs[k].array(shape, self.dtype, layout, self.at_end)

    def out(self, k: int, shape: Sequence[int], layout: str = "contiguous") -> NDArray[Any]:
        array = self.outs[k].array(shape, self.dtype, layout, self.at_end)
        array[...] = 0.75
        return array

    def other(self, k: int, values: Any, dtype: DTypeLike) -> NDArray[Any]:
        """Parameters, labels or a mask, with the values."""
        values = np.asarray(values)
        array = self.others[k].array(values.shape, dtype, "contiguous", self.at_end)
        array[...] = values
        return array


def functions(*kinds: str) -> Iterator[tuple[str, Any, int]]:
    """Names, rows of the catalog, and how many arrays come before the parameters."""
    for name, row in oracle.ROWS.items():
        if row.kind in kinds:
            yield name, row, len(row.inputs)
            yield f"{name}_backward", row, len(row.inputs) + 1


def about(name: str, *what: object) -> None:
    print(name, *what, sep=", ", flush=True)


# ---- The calls ------------------------------------------------------------------------------------------------


def call_elementwise(yard: Yard) -> None:
    """Every length and layout, into arrays of their own and in place."""
    for name, row, count in functions("elementwise", "gated", "pointwise loss"):
        ufunc = getattr(actfn._ufuncs, name)
        params = oracle.default_params(row).values()
        for shape, layout in SHAPES:
            about(name, shape, layout)
            x = [yard.input(k, shape, layout) for k in range(count)]
            out = tuple(yard.out(k, shape, layout) for k in range(ufunc.nout))
            ufunc(*x, *params, out=out)
            about(name, shape, layout, "in place")
            ufunc(*x[1:], out[0], *params, out=out)
            if count > 1 and layout != "contiguous":
                about(name, shape, layout, "beside contiguous arrays")
                ufunc(x[0], *(yard.input(k, shape) for k in range(1, count)), *params, out=out)


def call_with_parameters(yard: Yard) -> None:
    """Numbers other than the defaults; arrays of them, per entry of an axis and per element; learned ones."""
    for name, row, count in functions("elementwise", "pointwise loss"):
        for shape in ((3, 5), (2, 17, 16), (4, 16, 300)) if row.params else ():
            channels = np.linspace(0.2, 0.6, shape[1]).reshape(-1, *(1,) * (len(shape) - 2))
            x, out = [yard.input(k, shape) for k in range(count)], yard.out(0, shape)
            for values, dtype in itertools.product((0.3, 1e-30, channels, np.full(shape, 0.3)), ("f4", "f8")):
                about(name, shape, "parameters", np.shape(values), dtype)
                params = [yard.other(k, values, dtype) for k in range(len(row.params))]
                if row.trains and name.endswith("_backward"):
                    getattr(actfn, name)(*x, *params, out=out)
                if np.ndim(values) == 0:
                    params = [float(p) for p in params]
                getattr(actfn._ufuncs, name)(*x, *params, out=out)


def call_rows(yard: Yard) -> None:
    """Along every axis, with a mask and without, also transposed; a number per row where that is the result."""
    for name, row, count in functions("rows"):
        function, reduced, backward = getattr(actfn, name), row.name in REDUCED, name.endswith("_backward")
        for (rows, n), layout in itertools.product(ROWS, ("contiguous", "transposed")):
            for shape, axis in ((rows, n), 1), ((n, rows), 0), ((2, n, rows), 1):
                if rows * n > 10_000 and (axis == 0 or layout != "contiguous"):
                    continue
                per_row = shape[:axis] + shape[axis + 1 :]
                x = [yard.input(k, shape, layout) for k in range(count)]
                if reduced and backward:
                    x[0] = yard.input(0, per_row)
                mask = yard.other(0, np.arange(np.prod(shape)).reshape(shape) % 3 > 0, np.bool)
                for keep in (None, mask)[: 1 + (layout == "contiguous")]:
                    about(name, shape, f"axis {axis}", layout, "masked" if keep is not None else "")
                    out = yard.out(0, per_row) if reduced and not backward else yard.out(0, shape, layout)
                    function(*x, axis, mask=keep, out=out)


def call_losses(yard: Yard) -> None:
    for (rows, n), axis in itertools.product(ROWS, (0, 1)):
        shape = (rows, n) if axis else (n, rows)
        logits, out, weight = yard.input(0, shape), yard.out(0, shape), yard.other(0, np.linspace(0.5, 1, n), "f8")
        labels = [yard.other(k, np.arange(rows) % n, dtype) for k, dtype in enumerate(("i4", "i8", "u1"))]
        for target in (*labels[1:], yard.input(1, shape), labels[0]):
            for weights, reduction in itertools.product((None, weight), ("mean", "sum", "none")):
                about("cross_entropy", shape, f"axis {axis}", target.dtype, reduction)
                options = {"weight": weights if target is labels[0] else None, "label_smoothing": 0.1 * axis}
                actfn.cross_entropy(logits, target, axis, reduction=reduction, **options)
                grad = yard.input(2, (rows,)) if reduction == "none" else 1.0
                actfn.cross_entropy_backward(grad, logits, target, axis, reduction=reduction, out=out, **options)
    for n in LENGTHS:
        about("binary_cross_entropy", n)
        for reduction in "mean", "sum", "none":
            actfn.binary_cross_entropy(yard.input(0, [n]), yard.input(1, [n]), reduction=reduction)


def call_others(yard: Yard) -> None:
    """Halves, pieces and planes."""
    for rows, n in ROWS:
        x, half = yard.input(0, (rows, 2 * n)), yard.input(1, (rows, n))
        about("glu and maxout", rows, 2 * n)
        for function, options in (actfn.glu, {}), (actfn.maxout, {"pieces": 2}), (actfn.maxout, {"pieces": 2 * n}):
            one = options.get("pieces", 2) != 2
            function(x, **options, out=yard.out(0, (rows, 1) if one else (rows, n)))
            backward = getattr(actfn, f"{function.__name__}_backward")
            backward(yard.input(1, (rows, 1)) if one else half, x, **options, out=yard.out(0, x.shape))
        about("crelu", rows, n)
        for axis, shape in enumerate(((2 * rows, n), (rows, 2 * n))):
            actfn.crelu(half, axis, out=yard.out(0, shape))
            actfn.crelu_backward(yard.input(0, shape), half, axis, out=yard.out(0, half.shape))
    for shape in (1, 1, 1, 1), (1, 3, 2, 5), (2, 3, 16, 17), (1, 2, 1, 40), (1, 16, 33, 31):
        x, grad, out = yard.input(0, shape), yard.input(1, shape), yard.out(0, shape)
        about("funnel_relu", shape)
        window = yard.other(0, np.ones((shape[1], 3, 3)), yard.dtype)
        actfn.funnel_relu(x, window, out=out)
        actfn.funnel_relu_backward(grad, x, window)
        about("softmax2d", shape)
        actfn.softmax2d(x, out=out)
        actfn.softmax2d_backward(grad, x, out=out)
        about("gumbel_softmax", shape)
        actfn.gumbel_softmax(x, rng=1, out=out)
        actfn.gumbel_softmax_backward(grad, x, out=out)


def walk(dtype: str) -> None:
    """Every call with everything in the dtype, at either end of its memory."""
    for at_end in True, False:
        yard = Yard(dtype, at_end)
        for calls in call_elementwise, call_with_parameters, call_rows, call_losses, call_others:
            calls(yard)


# ---- The tests ------------------------------------------------------------------------------------------------


def test_nothing_outside_of_the_arrays_is_touched(build: str, dtype: str) -> None:
    code = f"from tests import test_guard_pages\ntest_guard_pages.walk({dtype!r})"
    result = processes.run(code, ACTFN_BUILD=build, OMP_NUM_THREADS="2")
    last = result.stdout.strip().rpartition("\n")[2]
    assert result.returncode == 0, result.stderr or f"outside of its arrays, {dtype}: {last}"
    # Every function of the catalog has been called.
    called = {word for line in set(result.stdout.splitlines()) for word in line.split(",")[0].split(" and ")}
    assert set(oracle.ROWS) <= called


@pytest.mark.parametrize("line", ["np.ctypeslib.as_array(p, (17,)).sum()", "x[0] = 1"], ids=["reading", "writing"])
def test_the_fence_kills(line: str) -> None:
    """Reading beyond the end, and writing into an input."""
    code = f"""
        import ctypes
        import numpy as np
        from tests import test_guard_pages
        x = test_guard_pages.Yard("float64", True).input(0, (16,))
        x.flags.writeable = True
        p = ctypes.cast(x.ctypes.data, ctypes.POINTER(ctypes.c_double))
        assert np.ctypeslib.as_array(p, (16,)).sum() == x.sum()
        {line}
    """
    assert processes.run(code).returncode in (-signal.SIGSEGV, -signal.SIGBUS)
