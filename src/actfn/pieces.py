"""Activations whose result has another length along an axis: CReLU and maxout."""

import operator
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from ._arrays import (
    Array,
    Layout,
    broadcastable,
    computing_dtype,
    delivered,
    real_arrays,
    shown,
    target_of,
    valid_axis,
    valid_out,
)
from ._build import kernels
from ._containers import in_memory


def _layouts(array: Array, axis: int, length: int) -> tuple[Layout, Layout]:
    """Of the operand, and of a result that differs from it in the length of the axis."""
    layout = Layout.of(array, axis)
    return layout, replace(layout, shape=(*array.shape[:axis], length, *array.shape[axis + 1 :]))


def _forward(name: str, x: ArrayLike, axis: int, pieces: int, out: Array | None) -> Array:
    plain = kernels.run_plain_pieces((x,), axis, pieces, out)
    if plain is not None:
        return plain  # type: ignore[no-any-return]
    in_memory(name, {"x": x})
    (array,), dtype = real_arrays(name, {"x": x})
    axis = valid_axis(name, axis, array.ndim)
    own, other = _layouts(array, axis, _length(name, array, axis, pieces))
    valid_out(name, out, other.shape, dtype)
    computed = computing_dtype(dtype)
    source = own.contiguous(array, computed)
    target = target_of(other, out, computed, [source])
    kernels.run_pieces((source, target), _geometry(own, pieces), False)
    return delivered(other, target, out, dtype)


def _backward(name: str, grad: ArrayLike, x: ArrayLike, axis: int, pieces: int, out: Array | None) -> Array:
    plain = kernels.run_plain_pieces((grad, x), axis, pieces, out)
    if plain is not None:
        return plain  # type: ignore[no-any-return]
    in_memory(name, {"grad": grad, "x": x})
    (g, array), dtype = real_arrays(name, {"grad": grad, "x": x})
    axis = valid_axis(name, axis, array.ndim)
    own, other = _layouts(array, axis, _length(name, array, axis, pieces))
    g = broadcastable(name, "grad", g, other.shape)
    valid_out(name, out, own.shape, dtype)
    computed = computing_dtype(dtype)
    sources = [other.contiguous(g, computed), own.contiguous(array, computed)]
    target = target_of(own, out, computed, sources)
    kernels.run_pieces((*sources, target), _geometry(own, pieces), True)
    return delivered(own, target, out, dtype)


def _length(name: str, array: Array, axis: int, pieces: int) -> int:
    """Of the result along the axis; 0 pieces stand for crelu."""
    length: int = array.shape[axis]
    if pieces and length % pieces:
        raise ValueError(f"{name}: pieces must divide the length of axis {axis}, {length}, got {pieces}")
    return length // pieces if pieces else 2 * length


def _geometry(own: Layout, pieces: int) -> tuple[int, int, int]:
    """As the kernels see it: (outer, pieces, inner), the units among the outer ones; crelu has stretches of n."""
    outer, n, inner = own.geometry
    return (outer * (n // pieces), pieces, inner) if pieces else (outer, 0, n * inner)


def _valid_pieces(name: str, pieces: Any) -> int:
    try:
        number = operator.index(pieces)
    except TypeError:
        raise TypeError(f"{name}: pieces must be an integer, got {shown(pieces)}") from None
    if number < 1:
        raise ValueError(f"{name}: pieces must be positive, got {shown(pieces)}")
    return number


def crelu(x: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array:
    return _forward("crelu", x, axis, 0, out)


def crelu_backward(grad: ArrayLike, x: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array:
    return _backward("crelu_backward", grad, x, axis, 0, out)


def maxout(x: ArrayLike, pieces: int = 2, axis: int = -1, *, out: Array | None = None) -> Array:
    return _forward("maxout", x, axis, _valid_pieces("maxout", pieces), out)


def maxout_backward(
    grad: ArrayLike, x: ArrayLike, pieces: int = 2, axis: int = -1, *, out: Array | None = None
) -> Array:
    return _backward("maxout_backward", grad, x, axis, _valid_pieces("maxout_backward", pieces), out)
