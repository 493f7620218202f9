"""What is wrong with a call of a ufunc, asked once NumPy has refused it.

NumPy's own words often name neither the function nor the argument. Nothing here is on the way of a call that succeeds.
"""

from typing import Any

import numpy as np

from ._arrays import shown, wrong_out
from ._build import kernels
from ._ufuncs import array_of, float_dtype

_OTHERS = ("__array_ufunc__", "__array__", "__array_interface__", "__array_struct__")


def _has_own_code(value: Any) -> bool:
    """Whether NumPy asks an object: what it then raises is its own to explain."""
    if isinstance(value, np.ndarray):
        return type(value).__array_ufunc__ is not np.ndarray.__array_ufunc__
    return not isinstance(value, np.generic) and any(hasattr(type(value), name) for name in _OTHERS)


def together(function: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that arguments broadcast to."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        *first, last = shapes
        got = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{function}: {', '.join(first)} and {last} must broadcast together, got {got}") from None


def valid_dtype(function: str, dtype: Any) -> np.dtype[Any]:
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{function}: dtype must be float16, float32 or float64, got {shown(dtype)}") from None
    return found


def _explained(ufunc: np.ufunc, operands: list[Any], keywords: dict[str, Any], error: Exception) -> Exception | None:
    """The same error in words that name function and argument; None where they do, or where others raised it."""
    name, inputs = ufunc.__name__, operands[: ufunc.nin]
    out = keywords.get("out", tuple(operands[ufunc.nin :]) or None)
    outputs = out if isinstance(out, tuple) else (out,)
    foreign = any(map(_has_own_code, (*inputs, *outputs, keywords.get("where"))))
    # Where the number of arguments is wrong, or a keyword unknown, NumPy says so in the name of the ufunc.
    if foreign or len(inputs) < ufunc.nin or str(error).startswith((f"{name}: ", f"{name}() ")):
        return None
    named = list(zip(kernels.names_of(ufunc), inputs, strict=True))
    arrays = {operand: array_of(name, operand, value) for operand, value in named}
    known = {operand: array.shape for operand, array in arrays.items()}
    if "where" in keywords:
        where = array_of(name, "where", keywords["where"])
        known["where"] = where.shape
    shape = together(name, known)
    dtype = None if keywords.get("dtype") is None else valid_dtype(name, keywords["dtype"])
    if out is not None:
        if isinstance(out, tuple) != (ufunc.nout > 1) and not (isinstance(out, tuple) and len(out) == 1):
            wanted = f"a tuple of {ufunc.nout} arrays" if ufunc.nout > 1 else "an array"
            return TypeError(f"{name}: out must be {wanted}, got {type(out).__name__}")
        if len(outputs) != ufunc.nout:
            return ValueError(f"{name}: out must be {ufunc.nout} arrays, got {len(outputs)}")
        data = kernels.operand_names[name][0]
        dtype = dtype or float_dtype(name, [(n, type(arrays[n].dtype)) for n, v in named if n in data and not _weak(v)])
        for array in outputs:
            wrong = (
                None if array is None else wrong_out(name, array, shape, dtype, keywords.get("casting", "same_kind"))
            )
            if wrong:
                return wrong
    if name in str(error) or type(error) not in (TypeError, ValueError):
        return None
    # A keyword of NumPy's, which it names, with what it takes; not always with what came.
    came = next((value for keyword, value in keywords.items() if keyword in str(error)), None)
    return type(error)(f"{name}: {error}" + ("" if came is None or "got" in str(error) else f", got {shown(came)}"))


def _weak(value: Any) -> bool:
    return type(value) in (int, float)


def _mistake(ufunc: np.ufunc, operands: list[Any], keywords: dict[str, Any], error: Exception) -> Exception | None:
    try:
        return _explained(ufunc, operands, keywords, error)
    except (TypeError, ValueError) as clearer:
        return clearer


kernels.__dict__["mistake"] = _mistake
