"""Activations that look at a pixel's neighbours."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import (
    Array,
    Layout,
    broadcastable,
    cast,
    computing_dtype,
    contiguous,
    delivered,
    real_arrays,
    valid_out,
)
from ._build import kernels
from ._containers import in_memory
from .rows import _run


def _operands(function: str, **operands: ArrayLike) -> tuple[list[Array], np.dtype[Any]]:
    in_memory(function, operands)
    arrays, _ = real_arrays(function, operands)
    # As for every parameter, the window's dtype does not change the result's.
    dtype = real_arrays(function, {name: operand for name, operand in operands.items() if name != "window"})[1]
    x, window = arrays[0], arrays[1]
    if x.ndim != 4:
        raise ValueError(f"{function}: x must have the 4 axes (batch, channel, height, width), got shape {x.shape}")
    if window.shape != (x.shape[1], 3, 3):
        raise ValueError(f"{function}: window must have shape {(x.shape[1], 3, 3)}, got {window.shape}")
    return [contiguous(a, computing_dtype(dtype)) for a in arrays], dtype


def funnel_relu(x: ArrayLike, window: ArrayLike, *, out: Array | None = None) -> Array:
    arrays, dtype = _operands("funnel_relu", x=x, window=window)
    valid_out("funnel_relu", out, arrays[0].shape, dtype)
    layout = Layout.of(arrays[0], 0)
    # A pixel's neighbours are read after it: never in place.
    target = layout.empty(computing_dtype(dtype))
    kernels.run_funnel((*arrays, target))
    return delivered(layout, target, out, dtype)


def funnel_relu_backward(grad: ArrayLike, x: ArrayLike, window: ArrayLike) -> tuple[Array, Array]:
    name = "funnel_relu_backward"
    (x_, window_, grad_), dtype = _operands(name, x=x, window=window, grad=grad)
    grad_ = np.ascontiguousarray(broadcastable(name, "grad", grad_, x_.shape))
    through, grad_x = np.empty_like(x_), np.empty_like(x_)
    grad_window = np.empty((*x_.shape[:2], 3, 3))
    kernels.run_funnel((x_, window_, through, grad_, grad_x), grad_window)
    with np.errstate(all="ignore"):
        return cast(grad_x, dtype), cast(grad_window.sum(axis=0), dtype)


frelu, frelu_backward = funnel_relu, funnel_relu_backward


def _image(function: str, operand: str, array: ArrayLike) -> ArrayLike:
    """-3 is the axis of the channels, with a batch in front or without."""
    if not hasattr(array, "shape"):
        (array,), _ = real_arrays(function, {operand: array})
    shape = np.shape(array)
    if len(shape) not in (3, 4):
        raise ValueError(
            f"{function}: {operand} must have the axes (channel, height, width), or a batch in front, got shape {shape}"
        )
    return array


def softmax2d(
    x: ArrayLike, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    return _run("softmax2d", {"x": _image("softmax2d", "x", x)}, -3, mask, out, temperature, "softmax")


def softmax2d_backward(
    grad: ArrayLike, y: ArrayLike, *, mask: ArrayLike | None = None, temperature: float = 1.0, out: Array | None = None
) -> Array:
    name = "softmax2d_backward"
    return _run(name, {"grad": grad, "y": _image(name, "y", y)}, -3, mask, out, temperature, "softmax_backward")
