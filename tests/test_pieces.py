"""CReLU and maxout: nothing but copies and zeros, so every bit is known; ties, NaN, infinities, layouts, errors."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from .situations import situation
from .test_rows import layouts

INF, NAN = np.inf, np.nan
SHAPES = [(12,), (1, 12), (3, 12), (12, 1), (12, 5), (4, 12, 3), (12, 12, 2), (2, 3, 4, 12), (12, 3000), (3, 12, 2049)]
PIECES = [1, 2, 3, 4, 6, 12]


def axes_of_twelve(shape: tuple[int, ...]) -> list[int]:
    return [k for k, length in enumerate(shape) if length == 12]


def crelu(x: NDArray[Any], axis: int) -> NDArray[Any]:
    """Element by element, in Python."""
    rows = np.moveaxis(x, axis, -1)
    y = [[v if v > 0 or v != v else 0.0 for v in (*row, *(-row))] for row in rows.reshape(-1, rows.shape[-1])]
    return np.moveaxis(np.array(y, x.dtype).reshape(*rows.shape[:-1], 2 * rows.shape[-1]), -1, axis)


def crelu_backward(grad: NDArray[Any], x: NDArray[Any], axis: int) -> NDArray[Any]:
    right, left = np.split(grad, 2, axis)
    pairs = zip(right.ravel(), left.ravel(), x.ravel(), strict=True)
    return np.array([a if v > 0 else -b if v < 0 else 0.0 for a, b, v in pairs], x.dtype).reshape(x.shape)


def units(x: NDArray[Any], pieces: int, axis: int) -> NDArray[Any]:
    """Units as rows of their pieces."""
    rows = np.moveaxis(x, axis, -1)
    return np.ascontiguousarray(rows).reshape(*rows.shape[:-1], -1, pieces)


def maxout(x: NDArray[Any], pieces: int, axis: int) -> NDArray[Any]:
    return np.moveaxis(units(x, pieces, axis).max(-1), -1, axis)


def maxout_backward(grad: NDArray[Any], x: NDArray[Any], pieces: int, axis: int) -> NDArray[Any]:
    """numpy.argmax takes the first of equals, and the first NaN."""
    of_units = units(x, pieces, axis)
    winner = of_units.argmax(-1)[..., None]
    gradient = np.zeros_like(of_units)
    there = np.where(np.isnan(np.take_along_axis(of_units, winner, -1)), NAN, np.moveaxis(grad, axis, -1)[..., None])
    np.put_along_axis(gradient, winner, there.astype(x.dtype), -1)
    return np.moveaxis(gradient.reshape(np.moveaxis(x, axis, -1).shape), -1, axis)


def calls(x: NDArray[Any], axis: int) -> list[tuple[Callable[..., Any], Callable[..., Any], dict[str, int]]]:
    """Each function and its definition, with the keywords that both take."""
    found = [(actfn.crelu, crelu, {"axis": axis})]
    found += [(actfn.maxout, maxout, {"pieces": k, "axis": axis}) for k in PIECES if x.shape[axis] % k == 0]
    return found


def backward_of(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return (
        (actfn.crelu_backward, crelu_backward) if function is actfn.crelu else (actfn.maxout_backward, maxout_backward)
    )


def numbers(shape: Any, dtype: str, seed: int = 0) -> NDArray[Any]:
    """Small integers, so that ties are frequent; zeros of both signs, infinities."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype) * rng.choice([1, -1], shape).astype(dtype)
    x[rng.random(shape) < 0.02] = INF
    x[rng.random(shape) < 0.02] = -INF
    return x


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("shape", SHAPES)
def test_every_bit_is_known(shape: tuple[int, ...], dtype: str) -> None:
    """Forward and backward, along every axis."""
    x = numbers(shape, dtype)
    for axis in axes_of_twelve(shape):
        for function, definition, keywords in calls(x, axis):
            y = function(x, **keywords)
            assert y.dtype == dtype
            np.testing.assert_array_equal(y, definition(x, **keywords))
            grad = numbers(y.shape, dtype, seed=1)
            backward, defined = backward_of(function)
            gradient = backward(grad, x, **keywords)
            assert gradient.dtype == dtype
            np.testing.assert_array_equal(gradient, defined(grad, x, **keywords))
            assert np.array_equal(function(x, **keywords | {"axis": axis - x.ndim}), y)


@situation("strides")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("arrangement", list(layouts(np.zeros(1))))
def test_layouts(arrangement: str) -> None:
    """Whatever the order in memory, of operand, gradient and result."""
    plain = numbers((12, 4, 12), "float32")
    x = layouts(plain)[arrangement]
    for axis in (0, 2):
        for function, _, keywords in calls(plain, axis):
            wanted = function(plain, **keywords)
            np.testing.assert_array_equal(function(x, **keywords), wanted)
            out = layouts(np.empty_like(wanted))[arrangement]
            if out.flags.writeable:
                assert function(x, **keywords, out=out) is out
                np.testing.assert_array_equal(out, wanted)
            backward = backward_of(function)[0]
            grad = numbers(wanted.shape, "float32", seed=3)
            gradient = backward(grad, plain, **keywords)
            np.testing.assert_array_equal(backward(layouts(grad)[arrangement], x, **keywords), gradient)
            out = layouts(np.empty_like(plain))[arrangement]
            if out.flags.writeable:
                assert backward(grad, x, **keywords, out=out) is out
                np.testing.assert_array_equal(out, gradient)


@situation("nan")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (12, 3000)])
def test_nan(shape: tuple[int, ...], dtype: str) -> None:
    """A NaN comes out of its own unit, forward and backward, and never disappears from a gradient."""
    x = numbers(shape, dtype)
    rng = np.random.default_rng(4)
    x[rng.random(shape) < 0.1] = NAN
    axis = shape.index(12)
    for function, definition, keywords in calls(x, axis):
        y = function(x, **keywords)
        np.testing.assert_array_equal(y, definition(x, **keywords))
        grad = np.ones(y.shape, dtype)
        backward, defined = backward_of(function)
        gradient = backward(grad, x, **keywords)
        if function is actfn.maxout:
            np.testing.assert_array_equal(gradient, defined(grad, x, **keywords))
        else:
            assert np.array_equal(np.isnan(gradient), np.isnan(x))
        clean = np.nan_to_num(x)
        for k in range(12):
            poisoned = np.zeros(y.shape, dtype)
            np.moveaxis(poisoned, axis, 0)[k % y.shape[axis]] = NAN
            touched = np.isnan(backward(poisoned, clean, **keywords)).any(axis)
            assert touched.all()


def test_out_of_a_flat_piece_comes_0() -> None:
    """Even of an infinite gradient."""
    assert actfn.crelu_backward([INF, 1.0, 1.0, INF], [-1.0, 1.0]).tolist() == [-1.0, 1.0]
    assert actfn.crelu_backward([INF, INF], [0.0]).tolist() == [0.0]
    assert actfn.maxout_backward([INF], [1.0, 2.0]).tolist() == [0.0, INF]


@situation("signed zero")
def test_zeros_have_no_sign() -> None:
    """Of crelu, as of relu."""
    assert not np.signbit(actfn.crelu(np.array([0.0, -0.0, -1.0, 2.0]))).any()


@pytest.mark.parametrize("shape", [(12, 40_000), (40_000, 12), (300, 12, 150)])
def test_threads_change_nothing(shape: tuple[int, ...]) -> None:
    """Large arrays, on one thread and on all."""
    x = numbers(shape, "float32")
    axis = shape.index(12)
    for function, _, keywords in calls(x, axis):
        results = []
        for threads in (1, 2, 3, 0):
            actfn.set_num_threads(threads)
            y = function(x, **keywords)
            results.append((y.tobytes(), backward_of(function)[0](y, x, **keywords).tobytes()))
        assert all(r == results[0] for r in results)


@situation("overlap")
@pytest.mark.parametrize("shape", [(12, 8), (5, 12), (12, 3000)])
def test_overlapping_out(shape: tuple[int, ...]) -> None:
    """out may be a view of the operand's memory, or, of the same shape, the operand."""
    axis = shape.index(12)
    start = numbers(shape, "float64")
    for function, _, keywords in calls(start, axis):
        wanted = function(start, **keywords)
        room = np.zeros(4 * start.size)
        x = room[: start.size].reshape(shape)
        x[...] = start
        for offset in (0, 8):
            x[...] = start
            out = room[offset : offset + wanted.size].reshape(wanted.shape)
            np.testing.assert_array_equal(function(x, **keywords, out=out), wanted)
        backward = backward_of(function)[0]
        gradient = backward(wanted, start, **keywords)
        x = start.copy()
        np.testing.assert_array_equal(backward(wanted, x, **keywords, out=x), gradient)


def test_gradients_broadcast() -> None:
    """A number, or an array of fewer axes."""
    x = np.array([[1.0, -2.0, 3.0, 3.0]], np.float32)
    assert actfn.crelu_backward(2.0, x).tolist() == [[2.0, -2.0, 2.0, 2.0]]
    assert actfn.maxout_backward(np.array([1.0, 2.0], np.float32), x).tolist() == [[1.0, 0.0, 2.0, 0.0]]
    assert actfn.maxout_backward(1.0, x).dtype == np.float32


@situation("integers")
@pytest.mark.parametrize(("kind", "computed"), [("int8", "float32"), ("bool", "float32"), ("int64", "float64")])
def test_integers_become_floats(kind: str, computed: str) -> None:
    """As everywhere; the negative of the smallest integer included."""
    x = np.array([np.iinfo(kind).min if kind != "bool" else 0, 1], kind)
    assert actfn.crelu(x).dtype == actfn.maxout(x).dtype == computed
    assert actfn.crelu(x).tolist() == [0.0, 1.0, -float(x[0]), 0.0]


@situation("empty")
@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((3, 0), 1), ((0, 4), 1), ((0, 4), 0), ((4, 0), 0)])
def test_empty(shape: tuple[int, ...], axis: int) -> None:
    """Empty in, empty out, of the length that the axis then has."""
    x = np.zeros(shape, np.float32)
    for function, factor in ((actfn.crelu, 2), (actfn.maxout, 0.5)):
        wanted = tuple(int(n * factor) if k == axis else n for k, n in enumerate(shape))
        y = function(x, axis=axis)
        assert y.shape == wanted
        assert backward_of(function)[0](y, x, axis=axis).shape == shape


def test_errors_name_the_function(with_build: ModuleType) -> None:
    """What is wrong, where, and nothing is written."""
    x, out = np.ones((3, 4)), np.full((3, 4), 7.0)
    grad = {"crelu": np.ones((3, 8)), "maxout": np.ones((3, 2))}
    for name, g in grad.items():
        for function, operands in ((name, (x,)), (f"{name}_backward", (g, x))):
            f = getattr(actfn, function)
            for wrong in (2, -3, 10**30):
                with pytest.raises(np.exceptions.AxisError, match=function):
                    f(*operands, axis=wrong)
            with pytest.raises(TypeError, match=f"^{function}: axis must be an integer, got 0.5"):
                f(*operands, axis=0.5)
            with pytest.raises(TypeError, match=f"^{function}: x must"):
                f(*operands[:-1], x.astype(complex))
            shape = (3, 3)
            with pytest.raises(ValueError, match=f"^{function}: out must have shape"):
                f(*operands, out=np.empty(shape))
            with pytest.raises(TypeError, match=f"^{function}: out must be an array"):
                f(*operands, out=[1.0])
        with pytest.raises(ValueError, match=f"^{name}_backward: grad must broadcast to shape"):
            getattr(actfn, f"{name}_backward")(np.ones((3, 5)), x, out=out)
    for function, operands in (("maxout", (x,)), ("maxout_backward", (grad["maxout"], x))):
        f = getattr(actfn, function)
        with pytest.raises(ValueError, match=f"^{function}: pieces must divide the length of axis 1, 4, got 3"):
            f(*operands, 3)
        with pytest.raises(ValueError, match=f"^{function}: pieces must be positive, got 0"):
            f(*operands, 0)
        with pytest.raises(TypeError, match=f"^{function}: pieces must be an integer, got 2.0"):
            f(*operands, 2.0)
    assert np.all(out == 7.0)


@pytest.mark.usefixtures("with_build")
def test_the_short_way_is_for_plain_arrays() -> None:
    """What needs converting, checking or arranging is left to Python; the bits are the same."""
    for function, _, keywords in calls(np.zeros((3, 12)), 1):
        backward = backward_of(function)[0]
        x = numbers((3, 12), "float32", seed=5)
        y = function(x, **keywords)
        grad = numbers(y.shape, "float32", seed=6)
        gradient = backward(grad, x, **keywords)
        for other in (np.asfortranarray(x), x[:, ::-1][:, ::-1], x.astype(">f4"), x.tolist(), np.repeat(x, 2, 0)[::2]):
            found = function(np.asarray(other, None if type(other) is not list else np.float32), **keywords)
            assert np.array_equal(found, y) and found.dtype == np.float32
            np.testing.assert_array_equal(backward(grad.astype(np.float64), other, **keywords), gradient)
        wide = np.empty(y.shape)
        assert function(x, **keywords, out=wide) is wide and np.array_equal(wide, y)
        for place in (0, 4, y.nbytes // 2):
            room = np.zeros(y.nbytes + x.nbytes, np.uint8)
            out = room[place : place + x.nbytes].view(np.float32).reshape(x.shape)
            given = room[: y.nbytes].view(np.float32).reshape(y.shape)
            given[...] = grad
            np.testing.assert_array_equal(backward(given, x, **keywords, out=out), gradient)
    for huge in (13, 2**62, 10**30):
        with pytest.raises(ValueError, match="maxout: pieces must divide the length of axis 1, 12"):
            actfn.maxout(x, huge)
    for axis in (np.int64(1), True):
        assert np.array_equal(actfn.crelu(x, axis), actfn.crelu(x))
