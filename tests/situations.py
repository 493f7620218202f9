"""The hostile situations that this library promises to stand, and what it promises in each.

`pytestmark = situation("misaligned")` or `@situation("misaligned")` says what a test holds. The documentation prints
this list, with the number of tests behind each line; `python -m reliability.situations` counts them.
"""

from __future__ import annotations

import pytest

# What somebody does, and what then holds.
SITUATIONS = {
    "scalars": (
        "A Python number, a NumPy scalar, an array without axes",
        "A NumPy scalar comes back, of the dtype that an array would have; with `out` an array without axes.",
    ),
    "empty": (
        "No elements, along any axis",
        "An empty result of the right shape and dtype; no warning, no division.",
    ),
    "lengths": (
        "Every length from 1 to beyond two vectors",
        "The same bits as one element, or one row, at a time.",
    ),
    "positions": (
        "The same value anywhere in an array",
        "The same bits.",
    ),
    "misaligned": (
        "An array at any offset in bytes, also between elements",
        "The same bits as aligned.",
    ),
    "strides": (
        "Negative, zero and huge strides, Fortran order, transposed, sliced",
        "The same bits as a contiguous copy, but for long rows and other sums, which may be added up in another order; "
        "a broadcast input stays as it is.",
    ),
    "overlap": (
        "`out` is an input, reversed, shifted, or overlaps two inputs",
        "As if nothing overlapped, backward too.",
    ),
    "adjacent": (
        "Buffers that touch, but do not overlap",
        "The same bits as buffers far apart.",
    ),
    "read-only": (
        "Read-only inputs, a read-only `out`",
        "Inputs may be read-only; for `out` a ValueError, and nothing is written.",
    ),
    "wrong out": (
        "`out` of another shape, or of a dtype that cannot hold the result",
        "One error; `out` stays as it is. Element-wise functions fill a larger `out`, as NumPy does.",
    ),
    "byte order": (
        "Arrays in the other byte order",
        "The right values, in the machine's own order.",
    ),
    "float types": (
        "float16, longdouble, bfloat16",
        "float16 and bfloat16 are computed in float32 and rounded once; longdouble is refused by name.",
    ),
    "integers": (
        "Integers and booleans, the smallest int64 too",
        "Converted to a floating-point type first, as NumPy does it; nothing overflows.",
    ),
    "wrong arguments": (
        "A wrong value for any argument of any function or layer",
        "One error that names the function and the argument, what came and what was expected; nothing is written.",
    ),
    "other types": (
        "Complex numbers, objects, strings, dates, records",
        "A TypeError that names the function.",
    ),
    "nan": (
        "NaN with a payload, signalling, negative",
        "NaN; its sign and payload are not specified.",
    ),
    "infinity": (
        "Infinite inputs",
        "The limit, without a warning; NaN only where there is no limit.",
    ),
    "signed zero": (
        "Positive and negative zero",
        "Odd functions keep the sign.",
    ),
    "subnormal": (
        "Subnormal inputs and results",
        "Within the bound of the function, and never flushed to 0.",
    ),
    "flush to zero": (
        "Another library has told the processor to flush subnormal numbers to 0",
        "The same bits: kernels set the processor as they need it, and back. What NumPy computes for them may be 0.",
    ),
    "control words": (
        "Importing and calling",
        "Rounding mode, traps and flush-to-zero of the processor are as before; so are signals, locale, environment.",
    ),
    "flags": (
        "`np.errstate(all='raise')`",
        "No call raises a floating-point error.",
    ),
    "rounding": (
        "Somebody has set another rounding mode",
        "The same bits; only what NumPy computes for a function, as sums over a batch, is rounded as was asked for.",
    ),
    "huge": (
        "More than 2³¹ elements, strides beyond 2³¹ bytes",
        "The last element is right.",
    ),
    "fork": (
        "A child is forked after parallel work, and calls again",
        "It works, on one thread.",
    ),
    "fork in a call": (
        "A child is forked while another thread is inside a call",
        "The child works.",
    ),
    "workers": (
        "Worker processes of every start method; functions are pickled",
        "They arrive as themselves, and work.",
    ),
    "threads": (
        "Up to 64 Python threads call on the same input",
        "The same bits as one after the other.",
    ),
    "one out": (
        "Two threads write into the same `out`",
        "No crash; which values are there is not specified.",
    ),
    "nested": (
        "Inside joblib or a parallel region; one processor, or hundreds",
        "The same bits; callers share the threads of one call, and at most eight of them keep a pool.",
    ),
    "import order": (
        "torch or scikit-learn imported before or after; a compiler without OpenMP",
        "Both work; what is built without OpenMP runs on one thread, and `show_config()` says so.",
    ),
    "broken installation": (
        "A compiled module that is missing, cut off, or for another Python; two copies of the package",
        "An ImportError that says what to do, and `python -m actfn doctor` names what is wrong.",
    ),
    "old processor": (
        "A processor without AVX2, or a build that was forced",
        "A build that it can run; never an illegal instruction.",
    ),
    "builds": (
        "The same call on another processor",
        "Other bits, maybe, and the same bounds.",
    ),
    "subclasses": (
        "Subclasses of arrays, `__array_ufunc__`, masked arrays",
        "Element-wise, NumPy's protocols are respected; functions of rows see plain arrays. Masks stay.",
    ),
    "labels": (
        "pandas, xarray, Dask",
        "The type comes back with its labels; rows run along the right axis, or there is one error.",
    ),
    "keywords": (
        "`where`, `dtype`, `casting`, misspelt keywords",
        "As NumPy has them; what `where` leaves out is not touched, and counts in no sum.",
    ),
    "parameters": (
        "Parameters that are 0, negative, NaN, infinite, arrays, integers",
        "What the formula says; they never change the dtype.",
    ),
    "rows": (
        "Rows of −∞, with ∞, with one NaN, of length 1, of a million, along any axis",
        "Probabilities sum to 1 within rounding; NaN stays in its row; a wrong axis is an AxisError.",
    ),
    "targets": (
        "Labels out of range, negative, of another dtype; classes along another axis",
        "One error before anything is written.",
    ),
    "no memory": (
        "Memory runs out; Ctrl-C in a long call",
        "MemoryError, or KeyboardInterrupt after the call; nothing leaks, and the next call works.",
    ),
    "end of the interpreter": (
        "Calls while the interpreter ends, a second import, a sub-interpreter",
        "No crash; a sub-interpreter gets an ImportError.",
    ),
    "shared memory": (
        "Memory-mapped files, shared memory, an array that another thread lets go of during the call",
        "The same bits as of any array; the array lives until the call is over.",
    ),
    "hostile data": (
        "Code in the place of names, options and text; somebody who watches what the process does",
        "No connection, no program, no file, and nothing of it is executed.",
    ),
    "surroundings": (
        "Decimal commas, `LC_ALL=C`, a console without UTF-8",
        "`import` and `help()` work.",
    ),
}  # fmt: skip


def situation(name: str) -> pytest.MarkDecorator:
    """Says that a test, or all of a file, holds one of the situations."""
    assert name in SITUATIONS, f"no such situation: {name!r}"
    return pytest.mark.situation(name)
