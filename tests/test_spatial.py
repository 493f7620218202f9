"""Funnel ReLU against a plain-Python definition and against finite differences."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from .situations import situation

SHAPES = [(1, 1, 1, 1), (1, 1, 1, 5), (1, 2, 5, 1), (2, 3, 4, 5), (3, 1, 2, 2), (1, 4, 3, 3), (2, 2, 7, 1)]
BOUND = {"float16": 0.51, "float32": 0.51, "float64": 0.51}


def window_sum(plane: list[list[Fraction]], window: list[list[Fraction]], i: int, j: int) -> tuple[Fraction, Fraction]:
    """The weighted sum of the 3x3 window around a pixel, zero outside the image, and the size of its terms."""
    terms = [
        window[r + 1][c + 1] * plane[i + r][j + c]
        for r, c in product((-1, 0, 1), repeat=2)
        if 0 <= i + r < len(plane) and 0 <= j + c < len(plane[0])
    ]
    return sum(terms, Fraction(0)), sum(map(abs, terms), Fraction(0))


def fractions(array: NDArray[Any]) -> Any:
    """Nested lists of exact numbers."""
    return [fractions(a) for a in array] if array.ndim else Fraction(float(array))


def forward(x: NDArray[Any], window: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """max(x, T) in exact arithmetic, rounded to float64; and the size of the terms."""
    y, size = np.empty(x.shape), np.empty(x.shape)
    for n, c in np.ndindex(x.shape[:2]):
        plane, weights = fractions(x[n, c]), fractions(window[c])
        for i, j in np.ndindex(x.shape[2:]):
            t, terms = window_sum(plane, weights, i, j)
            y[n, c, i, j], size[n, c, i, j] = max(plane[i][j], t), terms
    return y, size


def backward(
    grad: NDArray[Any], x: NDArray[Any], window: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Exact gradients of x and of the window; a tie belongs to x. And the size of the terms of the first."""
    gx, gw = np.full(x.shape, Fraction(0)), np.full(window.shape, Fraction(0))
    size = np.full(x.shape, Fraction(0))
    for n, c in np.ndindex(x.shape[:2]):
        plane, weights, g = fractions(x[n, c]), fractions(window[c]), fractions(grad[n, c])
        for i, j in np.ndindex(x.shape[2:]):
            if plane[i][j] >= window_sum(plane, weights, i, j)[0]:
                gx[n, c, i, j] += g[i][j]
                size[n, c, i, j] += abs(g[i][j])
                continue
            for r, s in product((-1, 0, 1), repeat=2):
                if 0 <= i + r < len(plane) and 0 <= j + s < len(plane[0]):
                    gx[n, c, i + r, j + s] += g[i][j] * weights[r + 1][s + 1]
                    size[n, c, i + r, j + s] += abs(g[i][j] * weights[r + 1][s + 1])
                    gw[c, r + 1, s + 1] += g[i][j] * plane[i + r][j + s]
    return gx.astype(float), gw.astype(float), size.astype(float)


def operands(
    shape: tuple[int, ...], dtype: str, integers: bool = False
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """x, window and grad; integers make ties common and every sum exact."""
    rng = np.random.default_rng([*shape, integers])
    draw = (lambda size: rng.integers(-2, 3, size)) if integers else (lambda size: rng.normal(size=size))
    x, window, grad = draw(shape), draw((shape[1], 3, 3)), rng.normal(size=shape)
    if integers:
        window = window // 2
    return x.astype(dtype), window.astype(dtype), grad.astype(dtype)


def assert_close(got: NDArray[Any], wanted: NDArray[Any], dtype: str, terms: Any) -> None:
    """Half a unit of the dtype, and float64 rounding of nine terms."""
    spacing = np.spacing(np.abs(wanted).astype(dtype)).astype(float)
    error = np.abs(got.astype(float) - wanted)
    assert got.dtype == dtype
    assert np.all(error <= BOUND[dtype] * spacing + 16 * 2.0**-53 * np.asarray(terms)), np.max(error / spacing)


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_funnel_relu(shape: tuple[int, ...], integers: bool, dtype: str) -> None:
    """Every pixel, at borders and corners too, is the larger of itself and its window's sum."""
    x, window, _ = operands(shape, dtype, integers)
    wanted, terms = forward(x, window)
    got = actfn.funnel_relu(x, window)
    assert got.shape == shape
    assert_close(got, wanted, dtype, terms)


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_funnel_relu_backward(shape: tuple[int, ...], integers: bool, dtype: str) -> None:
    """Gradients of x and of the window, ties included."""
    x, window, grad = operands(shape, dtype, integers)
    wanted_x, wanted_w, terms = backward(grad, x, window)
    gx, gw = actfn.funnel_relu_backward(grad, x, window)
    assert gx.shape == shape and gw.shape == window.shape
    assert_close(gx, wanted_x, dtype, terms)
    assert_close(gw, wanted_w, dtype, 10 * x.size)


def test_ties_belong_to_the_pixel() -> None:
    """Where pixel and window are equal the gradient goes to the pixel, as the row's kink says."""
    window = np.zeros((1, 3, 3))
    window[0, 1, 1] = 1
    x = np.random.default_rng(0).normal(size=(1, 1, 3, 4))
    grad = np.ones_like(x)
    gx, gw = actfn.funnel_relu_backward(grad, x, window)
    assert np.array_equal(gx, grad) and np.all(gw == 0)
    assert np.array_equal(actfn.funnel_relu(x, window), x)


def test_gradients_agree_with_finite_differences() -> None:
    """The second opinion."""
    x, window, grad = operands((2, 3, 5, 4), "float64")
    gx, gw = actfn.funnel_relu_backward(grad, x, window)
    rng = np.random.default_rng(1)
    for _ in range(5):
        dx, dw = 1e-7 * rng.normal(size=x.shape), 1e-7 * rng.normal(size=window.shape)
        change = np.sum(grad * (actfn.funnel_relu(x + dx, window + dw) - actfn.funnel_relu(x - dx, window - dw)))
        assert change == pytest.approx(2 * (np.sum(gx * dx) + np.sum(gw * dw)), rel=1e-6)


@situation("nan")
@pytest.mark.usefixtures("with_build")
def test_nan_stays_in_its_window(dtype: str) -> None:
    """A NaN pixel makes its 3x3 surroundings NaN and nothing else, forward and backward."""
    x, window, grad = operands((1, 2, 7, 7), dtype)
    clean = actfn.funnel_relu(x, window)
    x[0, 0, 3, 3] = np.nan
    got = actfn.funnel_relu(x, window)
    near = np.zeros(x.shape, bool)
    near[0, 0, 2:5, 2:5] = True
    assert np.isnan(got[near]).all() and np.array_equal(got[~near], clean[~near])
    gx, gw = actfn.funnel_relu_backward(grad, x, window)
    assert np.isnan(gx[0, 0, 3, 3]) and np.isnan(gw[0]).any() and not np.isnan(gx[0, 1]).any()
    x, window, grad = operands((1, 1, 3, 3), dtype)
    grad[0, 0, 1, 1] = np.nan
    gx, _ = actfn.funnel_relu_backward(grad, x, window)
    assert np.isnan(gx[0, 0, 1, 1])


@pytest.mark.usefixtures("with_build")
def test_no_flags(dtype: str) -> None:
    """Not even for infinities and the largest numbers."""
    x = np.array([np.inf, -np.inf, np.nan, np.finfo(dtype).max, -np.finfo(dtype).max, 0, 1, -1, 2], dtype).reshape(
        1, 1, 3, 3
    )
    # A batch, over which gradients of the window are added up.
    x = np.concatenate([x, -x])
    with np.errstate(all="raise"):
        for value in (0.0, 1.0, -2.0, np.inf):
            window = np.full((1, 3, 3), value, dtype)
            actfn.funnel_relu(x, window)
            actfn.funnel_relu_backward(np.ones_like(x), x, window)


@situation("strides")
def test_layouts_and_out() -> None:
    """Any layout of the operands, and out, the input itself included."""
    x, window, grad = operands((2, 3, 6, 5), "float32")
    wanted, gradients = actfn.funnel_relu(x, window), actfn.funnel_relu_backward(grad, x, window)
    for arrange in (np.asfortranarray, lambda a: a[..., ::-1].copy()[..., ::-1], lambda a: a.astype(">f4")):
        assert np.array_equal(actfn.funnel_relu(arrange(x), arrange(window)), wanted)
        for a, b in zip(actfn.funnel_relu_backward(arrange(grad), arrange(x), arrange(window)), gradients, strict=True):
            assert np.array_equal(a, b)
    for out in (np.empty_like(x), np.empty_like(x, order="F"), np.empty(x.shape), x.copy()):
        assert actfn.funnel_relu(x, window, out=out) is out
        assert np.array_equal(out, wanted)
    inside = x.copy()
    actfn.funnel_relu(inside, window, out=inside)
    assert np.array_equal(inside, wanted)
    assert actfn.frelu is actfn.funnel_relu and actfn.frelu_backward is actfn.funnel_relu_backward
    results = []
    big = np.random.default_rng(0).normal(size=(2, 3, 100, 100))
    for threads in (1, 2):
        actfn.set_num_threads(threads)
        results.append(
            actfn.funnel_relu(big, window).tobytes() + actfn.funnel_relu_backward(big, big, window)[1].tobytes()
        )
    assert results[0] == results[1]


@situation("empty")
def test_empty_images() -> None:
    """No images, or images without pixels."""
    for shape in ((0, 2, 3, 3), (2, 2, 0, 3), (1, 2, 3, 0), (1, 0, 3, 3)):
        x, window = np.ones(shape, np.float32), np.ones((shape[1], 3, 3), np.float32)
        assert actfn.funnel_relu(x, window).shape == shape
        gx, gw = actfn.funnel_relu_backward(x, x, window)
        assert gx.shape == shape and gw.shape == window.shape and np.all(gw == 0)


def test_errors() -> None:
    """Each message names the function."""
    x, window = np.ones((1, 2, 3, 3)), np.ones((2, 3, 3))
    for name, head in (("funnel_relu", ()), ("funnel_relu_backward", (x,))):
        f: Any = getattr(actfn, name)
        with pytest.raises(ValueError, match=f"{name}: x must have the 4 axes"):
            f(*head, np.ones((2, 3, 3)), window)
        for wrong in (np.ones((1, 3, 3)), np.ones((2, 3)), np.ones((2, 5, 5))):
            with pytest.raises(ValueError, match=f"{name}: window must have shape"):
                f(*head, x, wrong)
        with pytest.raises(TypeError, match=f"{name}: x must hold"):
            f(*head, x.astype(complex), window)
        with pytest.raises(TypeError, match=f"{name}: window must hold"):
            f(*head, x, window.astype(complex))
    with pytest.raises(ValueError, match="funnel_relu_backward: grad must"):
        actfn.funnel_relu_backward(np.ones((1, 2, 3, 4)), x, window)


def test_grad_broadcasts() -> None:
    """As the documentation of every grad says."""
    x, window, _ = operands((1, 2, 3, 3), "float64")
    one = actfn.funnel_relu_backward(1.0, x, window)
    for a, b in zip(one, actfn.funnel_relu_backward(np.ones_like(x), x, window), strict=True):
        assert np.array_equal(a, b)


@situation("parameters")
def test_the_window_is_a_parameter_and_never_changes_the_dtype() -> None:
    """float32 images stay float32 with a float64 window."""
    x, window, grad = operands((1, 2, 3, 3), "float32")
    assert actfn.funnel_relu(x, window.astype(float)).dtype == np.float32
    assert actfn.funnel_relu_backward(grad, x, window.astype(float))[0].dtype == np.float32


# ---- Softmax over channels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (1, 1, 1), (2, 50, 1, 3), (0, 3, 2, 2), (3, 0, 2)])
def test_softmax2d_is_the_softmax_over_channels(shape: tuple[int, ...], dtype: str) -> None:
    """Bit for bit, with mask, temperature and out, in any layout."""
    x, grad = (np.random.default_rng(1).normal(size=(2, *shape)) * 3).astype(dtype)
    mask = np.random.default_rng(2).random(shape) < 0.8
    for keywords in ({}, {"temperature": 0.3}, {"mask": mask}):
        y = actfn.softmax2d(x, **keywords)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, actfn.softmax(x, -3, **keywords))
        np.testing.assert_array_equal(actfn.softmax2d(np.asfortranarray(x), **keywords), y)
        gradient = actfn.softmax2d_backward(grad, y, **keywords)
        np.testing.assert_array_equal(gradient, actfn.softmax_backward(grad, y, -3, **keywords))
        out = np.empty_like(x)
        assert actfn.softmax2d(x, out=out, **keywords) is out
        np.testing.assert_array_equal(out, y)
        assert actfn.softmax2d_backward(grad, y, out=out, **keywords) is out
        np.testing.assert_array_equal(out, gradient)


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (1, 2, 3, 4, 5)])
def test_softmax2d_wants_images(shape: tuple[int, ...]) -> None:
    """Three axes or four."""
    for name, operands in (("softmax2d", 1), ("softmax2d_backward", 2)):
        with pytest.raises(ValueError, match=rf"^{name}: \w+ must have the axes \(channel, height, width\)"):
            getattr(actfn, name)(*[np.ones(shape)] * operands)


def test_errors_of_softmax2d_name_it() -> None:
    """Not the softmax that it calls."""
    x = np.ones((2, 3, 4))
    for name, operands in (("softmax2d", (x,)), ("softmax2d_backward", (x, x))):
        f = getattr(actfn, name)
        with pytest.raises(TypeError, match=f"^{name}: mask must hold bool"):
            f(*operands, mask=x)
        with pytest.raises(ValueError, match=f"^{name}: temperature must be positive"):
            f(*operands, temperature=0.0)
        with pytest.raises(ValueError, match=f"^{name}: out must have shape"):
            f(*operands, out=np.ones((2, 3)))
        with pytest.raises(TypeError, match=f"^{name}: "):
            f(*(o.astype(complex) for o in operands))
