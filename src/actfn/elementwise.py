"""Element-wise and gated activations, made from the catalog; by hand only what a row cannot say."""

import inspect
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _mistakes, _ufuncs
from ._arrays import (
    blame,
    broadcastable,
    cast,
    generator,
    real_arrays,
    shape_of,
    shown,
    valid_axis,
    valid_flag,
    valid_out,
)
from ._build import kernels
from ._containers import apply, library_of, slopes_like, summed_like
from .catalog import Activation, catalog

# Elements per step of a sum over an array: small beside any cache, large beside the cost of a call.
_STEP = 65536


def summed(
    ufunc: np.ufunc, operands: tuple[ArrayLike, ...], axes: tuple[int, ...], where: Any = True
) -> NDArray[np.float64]:
    """ufunc(*operands) summed over `axes` (kept with length 1) in float64, without the full-size product.

    Only where `where` is true.
    The array is halved until a step is left; adding up the halves in pairs keeps the rounding errors small and the
    result the same for any number of threads.
    """
    arrays = [np.asarray(operand) for operand in operands]
    inputs, params = arrays[: -_parameters_of(ufunc)], arrays[-_parameters_of(ufunc) :]
    largest = max(inputs, key=lambda a: a.size)
    if where is True and all(p.ndim == 0 for p in params) and len(axes) == largest.ndim:
        sum_of_all = kernels.run_plain_sum(ufunc, tuple(inputs), tuple(float(p) for p in params))
        if sum_of_all is not None:
            return np.full((1,) * len(axes), sum_of_all)
    arrays.append(np.asarray(where))
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    # Every operand gets all axes, so that cutting one is the same for all.
    with np.errstate(all="ignore"):
        return _summed(ufunc, [a.reshape((1,) * (len(shape) - a.ndim) + a.shape) for a in arrays], shape, axes)


def _summed(
    ufunc: np.ufunc, arrays: list[NDArray[Any]], shape: tuple[int, ...], axes: tuple[int, ...]
) -> NDArray[np.float64]:
    if np.prod(shape, dtype=np.intp) <= _STEP:
        *operands, where = arrays
        products: NDArray[np.float64] = np.broadcast_to(ufunc(*operands, dtype=np.float64), shape)
        if not where.all():
            products = np.where(where, products, 0.0)
        total: NDArray[np.float64] = np.sum(products, axis=axes, keepdims=True)
        return total
    axis = int(np.argmax(shape))
    middle = shape[axis] // 2
    parts = [
        _summed(ufunc, [a if a.shape[axis] == 1 else _cut(a, axis, half) for a in arrays], part, axes)
        for half, part in (
            (slice(None, middle), (*shape[:axis], middle, *shape[axis + 1 :])),
            (slice(middle, None), (*shape[:axis], shape[axis] - middle, *shape[axis + 1 :])),
        )
    ]
    return parts[0] + parts[1] if axis in axes else np.concatenate(parts, axis=axis)


def _cut(array: NDArray[Any], axis: int, part: slice) -> NDArray[Any]:
    return array[(slice(None),) * axis + (part,)]


def _parameters_of(ufunc: np.ufunc) -> int:
    return len(kernels.operand_names[ufunc.__name__][1])


def summed_to(
    ufunc: np.ufunc, operands: tuple[ArrayLike, ...], like: ArrayLike, dtype: np.dtype[Any], where: Any
) -> Any:
    """ufunc(*operands) summed to the shape of `like`, one of them: the gradient of a broadcast parameter."""
    target = np.shape(like)
    shape = np.broadcast_shapes(*(np.shape(operand) for operand in (*operands, where)))
    padded = (1,) * (len(shape) - len(target)) + target
    axes = tuple(k for k, length in enumerate(padded) if length == 1)
    return cast(summed(ufunc, operands, axes, where).reshape(target), dtype)[()]


def _definition(row: Activation, name: str, operands: tuple[str, ...], ufunc: np.ufunc, learned: Any = None) -> Any:
    """A function with a real signature; compiled from text made of the catalog's identifiers, as dataclasses do."""
    defaults = {param: value for param, value in row.params.items() if value is not None}
    given = [f"{p}=default_{p}" if p in defaults else p for p in row.params]
    plain = ", ".join([*operands, *row.params])
    # Python takes longer over **kwargs than over out.
    result = f"ufunc({plain}, out=out, **kwargs) if kwargs else ufunc({plain}, out=out)"
    if learned:
        result = f"learned({plain}, out, kwargs)"
    text = f"def {name}({', '.join([*operands, *given])}, *, out=None, **kwargs):\n    return {result}"
    scope = {"ufunc": ufunc, "learned": learned} | {f"default_{param}": value for param, value in defaults.items()}
    exec(text, scope)
    function = scope[name]
    function.__module__ = "actfn"
    return function


def _forward(row: Activation) -> Any:
    ufunc = getattr(_ufuncs, row.name)
    return _definition(row, row.name, row.inputs, ufunc) if row.params else _signed(ufunc, row.inputs)


def _backward(row: Activation) -> Any:
    name, operands = f"{row.name}_backward", ("grad", *row.inputs)
    ufunc = getattr(_ufuncs, name)
    if not row.params:
        return _signed(ufunc, operands)
    learned = None
    if row.trains:
        terms = {list(row.params).index(param): getattr(_ufuncs, f"{name}_{param}") for param in row.trains}
        learned = partial(_learned, ufunc, terms)
    return _definition(row, name, operands, ufunc, learned)


def _learned(ufunc: np.ufunc, terms: dict[int, np.ufunc], grad: Any, x: Any, *rest: Any) -> tuple[Any, ...]:
    """The gradients of x and of learned parameters, `terms` by their places; one parameter of plain arrays in one pass.

    `rest` are the parameters, out and the keywords.
    """
    *params, out, kwargs = rest
    if not kwargs and len(params) == 1:
        plain = kernels.run_plain_learned(ufunc, terms[0], grad, x, params[0], out)
        if plain is not None:
            return plain  # type: ignore[no-any-return]
    if library := library_of(grad, x, *params):
        if out is not None:
            raise TypeError(f"{ufunc.__name__}: out must be None for objects of {library}, got {type(out).__name__}")
        if "where" in kwargs:
            raise TypeError(f"{ufunc.__name__}: takes no where for objects of {library}")
        y = ufunc(grad, x, *params, **kwargs)
        terms = {k: term(grad, x, *params, dtype=np.float64) for k, term in terms.items()}
        return y, *(summed_like(ufunc.__name__, params[k], found, y) for k, found in terms.items())
    names, where = kernels.names_of(ufunc), kwargs.get("where", True)
    given = dict(zip(names, (grad, x, *params), strict=True)) | ({"where": where} if where is not True else {})
    _mistakes.together(ufunc.__name__, {name: shape_of(ufunc.__name__, name, value) for name, value in given.items()})
    # The sums come first: out may be x.
    _, common = real_arrays(ufunc.__name__, {"grad": grad, "x": x})
    real_arrays(ufunc.__name__, dict(zip(names[2:], params, strict=True)))
    dtype = common if kwargs.get("dtype") is None else _mistakes.valid_dtype(ufunc.__name__, kwargs["dtype"])
    totals = [summed_to(term, (grad, x, *params), params[k], dtype, where) for k, term in terms.items()]
    return ufunc(grad, x, *params, out=out, **kwargs), *totals


def _signed(ufunc: np.ufunc, names: tuple[str, ...]) -> np.ufunc:
    """Give a ufunc the names of its operands; NumPy knows them as x1, x2, ..."""
    plain = inspect.Parameter
    outputs = None if ufunc.nout == 1 else (None,) * ufunc.nout
    keywords = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True}
    # In the dictionary that ufuncs have since NumPy 2.2, where NumPy 2.4 keeps its own lazy signature.
    ufunc.__dict__["__signature__"] = inspect.Signature(
        [plain(name, plain.POSITIONAL_ONLY) for name in names]
        + [plain("out", plain.POSITIONAL_OR_KEYWORD, default=outputs)]
        + [plain(name, plain.KEYWORD_ONLY, default=default) for name, default in keywords.items()]
    )
    return ufunc


# ---- What a row cannot say ------------------------------------------------------------------------------------


def rrelu(
    x: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    rng: np.random.Generator | int | None = None,
    return_slope: bool = False,
    out: NDArray[Any] | None = None,
    **kwargs: Any,
) -> Any:
    if training is False and return_slope is False:
        return _ufuncs.rrelu(x, lower, upper, out=out, **kwargs) if kwargs else _ufuncs.rrelu(x, lower, upper, out=out)
    valid_flag("rrelu", "training", training)
    valid_flag("rrelu", "return_slope", return_slope)
    if not training:
        # The slope comes first: out may lie over lower or upper.
        with np.errstate(all="ignore"):
            slope: Any = np.add(np.multiply(lower, 0.5), np.multiply(upper, 0.5))
        y = _ufuncs.rrelu(x, lower, upper, out=out, **kwargs)
        slope = cast(slope, y.dtype)[()] if isinstance(getattr(y, "dtype", None), np.dtype) else slope
    else:
        if not library_of(x, lower, upper):
            (x, low, high), _ = real_arrays("rrelu", {"x": x, "lower": lower, "upper": upper})
            for name, bound in (("lower", low), ("upper", high)):
                broadcastable("rrelu", name, bound, x.shape)
                if not np.all(np.isfinite(bound)):
                    raise ValueError(f"rrelu: {name} must be finite while training, got {shown(bound)}")
        if not np.all(np.less_equal(lower, upper)):
            raise ValueError(f"rrelu: lower must not exceed upper, got lower={shown(lower)} and upper={shown(upper)}")
        slope = slopes_like("rrelu", x, lower, upper, generator("rrelu", rng))
        y = _ufuncs.leaky_relu(x, slope, out=out, **kwargs)
    return (y, slope) if return_slope else y


def rrelu_backward(
    grad: ArrayLike,
    x: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    slope: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    **kwargs: Any,
) -> Any:
    if slope is None:
        f = _ufuncs.rrelu_backward
        return f(grad, x, lower, upper, out=out, **kwargs) if kwargs else f(grad, x, lower, upper, out=out)
    # The kernel is leaky ReLU's, the name in an error is not.
    if not library_of(grad, x, slope):
        operands = {"grad": grad, "x": x, "slope": slope}
        arrays, _ = real_arrays("rrelu_backward", operands)
        _mistakes.together("rrelu_backward", {name: a.shape for name, a in zip(operands, arrays, strict=True)})
    return _ufuncs.leaky_relu_backward(grad, x, slope, out=out, **kwargs)


def _halves(function: str, x: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    axis = valid_axis(function, axis, x.ndim)
    length = x.shape[axis]
    if length % 2:
        raise ValueError(f"{function}: x must have an even length along axis {axis}, got {length}")
    return _cut(x, axis, slice(None, length // 2)), _cut(x, axis, slice(length // 2, None))


def glu(x: ArrayLike, axis: int = -1, **kwargs: Any) -> Any:
    if type(x) is not np.ndarray and library_of(x):
        return apply(glu, {"x": (x, "n")}, "m", axis, **kwargs)
    if type(x) is not np.ndarray:
        (x,), _ = real_arrays("glu", {"x": x})
    try:
        value, gate = _halves("glu", x, axis)
        return _ufuncs.glu(gate, value, **kwargs)
    except (TypeError, ValueError):
        blame("glu", "x", x)
        raise


def glu_backward(grad: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any:
    if library_of(grad, x):
        return apply(glu_backward, {"x": (x, "n"), "grad": (grad, "m")}, "mm", axis, out)
    (grad, x), dtype = real_arrays("glu_backward", {"grad": grad, "x": x})
    value, gate = _halves("glu_backward", x, axis)
    valid_out("glu_backward", out, x.shape, dtype)
    out = np.empty(x.shape, dtype) if out is None else out
    grad_value, grad_gate = _halves("glu_backward", out, axis)
    # As an array a Python number would make all of it float64.
    _ufuncs.glu_backward(cast(grad, dtype), gate, value, out=(grad_gate, grad_value))
    return out


for _row in catalog.values():
    if _row.kind in ("elementwise", "gated"):
        globals().setdefault(_row.name, _forward(_row))
        globals().setdefault(f"{_row.name}_backward", _backward(_row))
