"""Functions of rows: softmax and its family, along any axis."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import (
    Array,
    Layout,
    broadcastable,
    cast,
    computing_dtype,
    delivered,
    generator,
    positive,
    real_arrays,
    target_of,
    valid_axis,
    valid_flag,
    valid_mask,
    valid_out,
)
from ._build import kernels
from ._containers import apply, in_memory, library_of, named


def _run(
    name: str,
    operands: dict[str, ArrayLike],
    axis: int,
    mask: ArrayLike | None,
    out: Array | None,
    temperature: float = 1.0,
    kernel: str | None = None,
    spelled: str = "temperature",
) -> Array:
    """A kernel whose result has the shape of the last operand; the gradient before it broadcasts to that.

    `spelled` is what the function calls the temperature, which for some is another number.
    """
    kernel = kernel or name
    if mask is None:
        plain = kernels.run_plain(kernel, tuple(operands.values()), axis, temperature, out)
        if plain is not None:
            return plain  # type: ignore[no-any-return]
    if library_of(*operands.values(), mask):
        whole = {operand: (value, "n") for operand, value in reversed({"mask": mask, **operands}.items())}
        # Some have no temperature.
        options = {} if (spelled, temperature) == ("temperature", 1.0) else {spelled: temperature}
        return apply(named(name, globals()[kernel]), whole, "n", axis, out, **options)  # type: ignore[no-any-return]
    temperature = positive(name, spelled, temperature)
    (*gradients, array), dtype = real_arrays(name, operands)
    layout = Layout.of(array, valid_axis(name, axis, array.ndim))
    gradients = [broadcastable(name, "grad", g, array.shape) for g in gradients]
    keep = valid_mask(name, mask, layout)
    valid_out(name, out, array.shape, dtype)
    computed = computing_dtype(dtype)
    sources = [layout.contiguous(a, computed) for a in (*gradients, array)]
    target = target_of(layout, out, computed, sources, [keep])
    kernels.run_rows(kernel, layout.geometry, (*sources, target), temperature=temperature, mask=keep)
    return delivered(layout, target, out, dtype)


def softmax(
    x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    return _run("softmax", {"x": x}, axis, mask, out, temperature)


def softmax_backward(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    temperature: float = 1.0,
    out: Array | None = None,
) -> Array:
    return _run("softmax_backward", {"grad": grad, "y": y}, axis, mask, out, temperature)


def log_softmax(
    x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    return _run("log_softmax", {"x": x}, axis, mask, out, temperature)


def log_softmax_backward(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    temperature: float = 1.0,
    out: Array | None = None,
) -> Array:
    return _run("log_softmax_backward", {"grad": grad, "y": y}, axis, mask, out, temperature)


def softmin(
    x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    return _run("softmin", {"x": x}, axis, mask, out, temperature)


def softmin_backward(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    temperature: float = 1.0,
    out: Array | None = None,
) -> Array:
    return _run("softmin_backward", {"grad": grad, "y": y}, axis, mask, out, temperature)


def softmax1(
    x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    return _run("softmax1", {"x": x}, axis, mask, out, temperature)


def softmax1_backward(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    temperature: float = 1.0,
    out: Array | None = None,
) -> Array:
    return _run("softmax1_backward", {"grad": grad, "y": y}, axis, mask, out, temperature)


def sparsemax(x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None) -> Array:
    return _run("sparsemax", {"x": x}, axis, mask, out)


def sparsemax_backward(
    grad: ArrayLike, y: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None
) -> Array:
    return _run("sparsemax_backward", {"grad": grad, "y": y}, axis, mask, out)


def entmax15(x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None) -> Array:
    return _run("entmax15", {"x": x}, axis, mask, out)


def entmax15_backward(
    grad: ArrayLike, y: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None
) -> Array:
    return _run("entmax15_backward", {"grad": grad, "y": y}, axis, mask, out)


def hardmax(x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None) -> Array:
    return _run("hardmax", {"x": x}, axis, mask, out)


def hardmax_backward(
    grad: ArrayLike, y: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None
) -> Array:
    return _run("hardmax_backward", {"grad": grad, "y": y}, axis, mask, out)


def gumbel_softmax(
    x: ArrayLike,
    tau: float = 1.0,
    axis: int = -1,
    *,
    hard: bool = False,
    rng: np.random.Generator | int | None = None,
    return_soft: bool = False,
    mask: ArrayLike | None = None,
    out: Array | None = None,
) -> Any:
    name = "gumbel_softmax"
    in_memory(name, {"x": x, "mask": mask})
    valid_flag(name, "hard", hard)
    valid_flag(name, "return_soft", return_soft)
    tau = positive(name, "tau", tau)
    (array,), dtype = real_arrays(name, {"x": x})
    axis = valid_axis(name, axis, array.ndim)
    valid_out(name, out, array.shape, dtype)
    # An exponential variable may be 0, once in 2^53 draws, of which the logarithm would be infinite.
    noise = generator(name, rng).standard_exponential(array.shape)
    noise = np.log(np.maximum(noise, 2.0**-60, out=noise), out=noise)
    with np.errstate(all="ignore"):
        noisy = np.subtract(array, noise, out=noise).astype(computing_dtype(dtype), copy=False)

    def chosen(kernel: str, out: Array | None, temperature: float = 1.0) -> Array:
        result = _run(name, {"x": noisy}, axis, mask, out, temperature, kernel)
        return cast(result, dtype) if out is None else result

    y = chosen("hardmax", out) if hard else chosen("softmax", out, tau)
    if not return_soft:
        return y
    return y, chosen("softmax", None, tau) if hard else y


def gumbel_softmax_backward(
    grad: ArrayLike,
    y: ArrayLike,
    tau: float = 1.0,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    out: Array | None = None,
) -> Array:
    name = "gumbel_softmax_backward"
    return _run(name, {"grad": grad, "y": y}, axis, mask, out, positive(name, "tau", tau), "softmax_backward")


def standardize(
    x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, epsilon: float = 1e-5, out: Array | None = None
) -> Array:
    return _run("standardize", {"x": x}, axis, mask, out, epsilon, spelled="epsilon")


def standardize_backward(
    grad: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    epsilon: float = 1e-5,
    out: Array | None = None,
) -> Array:
    return _run("standardize_backward", {"grad": grad, "x": x}, axis, mask, out, epsilon, spelled="epsilon")


def _reduced(name: str, x: ArrayLike, axis: int, mask: ArrayLike | None, keepdims: bool, out: Array | None) -> Any:
    """A number per row."""
    if keepdims is not False:
        valid_flag(name, "keepdims", keepdims)
    if mask is None:
        plain = kernels.run_plain_reduced(name, x, axis, keepdims, out)
        if plain is not None:
            return plain
    if library_of(x, mask):
        operands = {"x": (x, "n"), "mask": (mask, "n")}
        if keepdims:
            return apply(globals()[name], operands, "o", axis, out, keepdims=True)
        return apply(globals()[name], operands, "", axis, out)
    (array,), dtype = real_arrays(name, {"x": x})
    axis = valid_axis(name, axis, array.ndim)
    layout = Layout.of(array, axis)
    keep = valid_mask(name, mask, layout)
    reduced = array.shape[:axis] + ((1,) if keepdims else ()) + array.shape[axis + 1 :]
    valid_out(name, out, reduced, dtype)
    computed = computing_dtype(dtype)
    outer, _, inner = layout.geometry
    rows = np.empty(outer * inner, computed)
    kernels.run_rows(name, layout.geometry, (layout.contiguous(array, computed), rows), mask=keep)
    result = cast(layout.back(rows).reshape(reduced), dtype)
    if out is None:
        return result[()]
    with np.errstate(all="ignore"):
        np.copyto(out, result, casting="same_kind")
    return out


def _reduced_backward(
    name: str, grad: ArrayLike, x: ArrayLike, axis: int, mask: ArrayLike | None, out: Array | None
) -> Array:
    if mask is None:
        plain = kernels.run_plain_reduced_backward(name, grad, x, axis, out)
        if plain is not None:
            return plain  # type: ignore[no-any-return]
    if library_of(grad, x, mask):
        operands = {"x": (x, "n"), "mask": (mask, "n"), "grad": (grad, "")}
        return apply(globals()[name], operands, "n", axis, out)  # type: ignore[no-any-return]
    (g, array), dtype = real_arrays(name, {"grad": grad, "x": x})
    axis = valid_axis(name, axis, array.ndim)
    layout = Layout.of(array, axis)
    keep = valid_mask(name, mask, layout)
    valid_out(name, out, array.shape, dtype)
    kept = (*array.shape[:axis], 1, *array.shape[axis + 1 :])
    reduced = array.shape[:axis] + array.shape[axis + 1 :]
    if g.shape == kept:
        g = g.reshape(reduced)
    g = layout.without_axis(broadcastable(name, "grad", g, reduced), np.dtype(np.float64))
    computed = computing_dtype(dtype)
    source = layout.contiguous(array, computed)
    target = target_of(layout, out, computed, [source], [g, keep])
    kernels.run_rows(name, layout.geometry, (source, target), grad=g, mask=keep)
    return delivered(layout, target, out, dtype)


def logsumexp(
    x: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    keepdims: bool = False,
    out: Array | None = None,
) -> Any:
    return _reduced("logsumexp", x, axis, mask, keepdims, out)


def logsumexp_backward(
    grad: ArrayLike, x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None
) -> Array:
    return _reduced_backward("logsumexp_backward", grad, x, axis, mask, out)


def logmeanexp(
    x: ArrayLike,
    axis: int = -1,
    *,
    mask: ArrayLike | None = None,
    keepdims: bool = False,
    out: Array | None = None,
) -> Any:
    return _reduced("logmeanexp", x, axis, mask, keepdims, out)


def logmeanexp_backward(
    grad: ArrayLike, x: ArrayLike, axis: int = -1, *, mask: ArrayLike | None = None, out: Array | None = None
) -> Array:
    return _reduced_backward("logmeanexp_backward", grad, x, axis, mask, out)
