"""Gumbel-softmax: the noise, what is done with it, and that samples fall as often as they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import processes, row_oracle
from .situations import situation
from .test_rows import check

INF, NAN = np.inf, np.nan
WIDER = {"float16": "float32", "float32": "float32", "float64": "float64"}


def noisy(x: NDArray[Any], seed: int) -> NDArray[Any]:
    """x + G, G = -log(E) with E exponentially distributed, rounded once to the dtype that rows are computed in."""
    return (x - np.log(np.random.default_rng(seed).standard_exponential(x.shape))).astype(WIDER[x.dtype.name])


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("tau", [0.1, 0.5, 1.0, 4.0, 5e-324, 1e300])
@pytest.mark.parametrize("n", [1, 2, 5, 50, 300])
def test_values(n: int, tau: float, dtype: str) -> None:
    """The softmax of x + G at temperature tau, within the softmax's bound; hard, its largest entry."""
    x = np.random.default_rng(n).normal(size=(3, n)).astype(dtype)
    moved = noisy(x, 7)
    y = actfn.gumbel_softmax(x, tau, rng=7)
    assert y.dtype == dtype and y.shape == x.shape
    hard, soft = actfn.gumbel_softmax(x, tau, hard=True, return_soft=True, rng=np.random.default_rng(7))
    assert soft.tobytes() == y.tobytes() and hard.dtype == dtype
    assert np.array_equal(hard, actfn.gumbel_softmax(x, tau, hard=True, rng=7))
    sample, same = actfn.gumbel_softmax(x, tau, rng=7, return_soft=True)
    assert sample is same and np.array_equal(sample, y)
    for k in range(3):
        if dtype == "float16":
            exact = row_oracle.forward("softmax", moved[k].astype(float).tolist(), dtype, tau)
            assert exact.errors(y[k]).max() <= 0.51
        else:
            check("softmax", y[k], moved[k], tau)
        assert hard[k].argmax() == moved[k].argmax() and hard[k].sum() == 1


def test_axis() -> None:
    """Noise lies as x does; rows lie along the axis."""
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    for axis in (-3, 0, 1, 2):
        assert np.array_equal(actfn.gumbel_softmax(x, axis=axis, rng=1), actfn.softmax(noisy(x, 1), axis))
        hard = actfn.gumbel_softmax(x, axis=axis, rng=1, hard=True)
        assert np.array_equal(hard, actfn.hardmax(noisy(x, 1), axis))


def test_samples_fall_as_often_as_their_probability() -> None:
    """Hard samples of 40,000 rows: each category within four standard deviations of its share."""
    p = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
    rows = 40_000
    for dtype in ("float32", "float64"):
        scores = np.broadcast_to(np.log(p).astype(dtype), (rows, 5))
        counts = actfn.gumbel_softmax(scores, hard=True, rng=3).sum(0)
        assert np.all(np.abs(counts - rows * p) <= 4 * np.sqrt(rows * p * (1 - p)))


class Extreme(np.random.Generator):
    """A generator whose exponential variables are all the same."""

    def __init__(self, value: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.value = value

    def standard_exponential(self, size: Any = None, *_: Any, **__: Any) -> NDArray[np.float64]:  # type: ignore[override]
        return np.full(size, self.value)


@pytest.mark.parametrize("value", [0.0, 5e-324, 2.0**-60, 2.0**-53, 50.0])
def test_noise_is_finite(value: float, dtype: str) -> None:
    """Even for the 0 that a generator of exponential variables may return."""
    x = np.array([0.0, 1.0], dtype)
    y = actfn.gumbel_softmax(x, rng=Extreme(value))
    assert np.isfinite(y).all() and y[1] > y[0] > 0


def test_every_draw_differs() -> None:
    """Without a seed, and from one generator."""
    x = np.zeros(20)
    assert not np.array_equal(actfn.gumbel_softmax(x), actfn.gumbel_softmax(x))
    rng = np.random.default_rng(0)
    first = actfn.gumbel_softmax(x, rng=rng)
    assert not np.array_equal(first, actfn.gumbel_softmax(x, rng=rng))
    assert np.array_equal(first, actfn.gumbel_softmax(x, rng=0))


@pytest.mark.parametrize("tau", [0.2, 1.0, 3.0])
def test_gradient(tau: float, dtype: str) -> None:
    """That of the softmax at temperature tau, the noise held fixed; finite differences agree."""
    rng = np.random.default_rng(2)
    x, grad = rng.normal(size=(2, 4, 6)).astype(dtype)
    y = actfn.gumbel_softmax(x, tau, rng=5)
    gradient = actfn.gumbel_softmax_backward(grad, y, tau)
    assert np.array_equal(gradient, actfn.softmax_backward(grad, y, temperature=tau))
    if dtype == "float64":
        step = 1e-6 * rng.normal(size=x.shape)
        change = actfn.gumbel_softmax(x + step, tau, rng=5) - actfn.gumbel_softmax(x - step, tau, rng=5)
        assert np.sum(grad * change) == pytest.approx(2 * np.sum(gradient * step), rel=1e-6)


@situation("rows")
def test_special_rows(dtype: str) -> None:
    """As for the softmax and the hardmax."""
    x = np.array([[1.0, -INF, 2.0], [INF, 0.0, 1.0], [NAN, 0.0, 0.0], [-INF] * 3], dtype)
    hard, soft = actfn.gumbel_softmax(x, hard=True, return_soft=True, rng=0)
    assert soft[0, 1] == 0 and hard[0, 1] == 0 and np.isnan(soft[1:]).all()
    assert hard[1].tolist() == [1, 0, 0] and np.isnan(hard[2:]).all()


def test_mask(dtype: str) -> None:
    """Masked entries are 0 whatever they hold, and so are rows of nothing else."""
    x = np.array([[NAN, 1.0, 2.0], [1.0, 2.0, INF]], dtype)
    mask = np.array([[False, True, True], [False, False, False]])
    for hard in (False, True):
        y = actfn.gumbel_softmax(x, mask=mask, hard=hard, rng=0)
        assert y[0, 0] == 0 and np.all(y[1] == 0) and y[0].sum() == pytest.approx(1, abs=1e-3)


def test_out() -> None:
    """Is written to and returned, hard or soft, in place too; the soft sample beside a hard one is another array."""
    x = np.random.default_rng(1).normal(size=(4, 60)).astype(np.float32)
    for hard in (False, True):
        wanted = actfn.gumbel_softmax(x, hard=hard, rng=4)
        for out in (np.empty_like(x), x.copy(), np.empty((60, 4), np.float32).T, np.empty(x.shape)):
            result = actfn.gumbel_softmax(out if out.dtype == x.dtype and np.array_equal(out, x) else x, hard=hard,
                                          rng=4, out=out)  # fmt: skip
            assert result is out and np.array_equal(out, wanted)
    half = np.empty(x.shape, np.float16)
    assert actfn.gumbel_softmax(x.astype(np.float16), rng=4, out=half) is half
    assert np.array_equal(half, actfn.gumbel_softmax(x.astype(np.float16), rng=4))


@situation("empty")
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_empty(shape: tuple[int, ...]) -> None:
    """Empty in, empty out."""
    for hard in (False, True):
        assert actfn.gumbel_softmax(np.zeros(shape, np.float32), hard=hard).shape == shape


def test_threads_change_nothing() -> None:
    """The noise comes from one generator whatever the number of threads."""
    x = np.random.default_rng(0).normal(size=(3000, 100)).astype(np.float32)
    results = []
    for threads in (1, 2, 0):
        actfn.set_num_threads(threads)
        results.append(actfn.gumbel_softmax(x, rng=1).tobytes())
    assert len(set(results)) == 1


def test_errors_name_the_function() -> None:
    """What is wrong, where, and nothing is written."""
    x, out = np.ones((2, 3)), np.full((2, 3), 7.0)
    for name, operands in (("gumbel_softmax", (x,)), ("gumbel_softmax_backward", (x, x))):
        f = getattr(actfn, name)
        for tau in (0, -1.0, INF, NAN):
            with pytest.raises(ValueError, match=f"^{name}: tau must be positive and finite, got"):
                f(*operands, tau, out=out)
        with pytest.raises(TypeError, match=f"^{name}: tau must be a number"):
            f(*operands, "hot", out=out)
        with pytest.raises(np.exceptions.AxisError, match=name):
            f(*operands, axis=2, out=out)
        with pytest.raises(TypeError, match=f"^{name}: mask must hold bool"):
            f(*operands, mask=x, out=out)
        with pytest.raises(TypeError, match=f"^{name}: . must"):
            f(*operands[1:], x.astype(complex), out=out)
        with pytest.raises(ValueError, match=f"^{name}: out must have shape"):
            f(*operands, out=np.ones(3))
    for argument in ("hard", "return_soft"):
        with pytest.raises(TypeError, match=f"^gumbel_softmax: {argument} must be True or False"):
            actfn.gumbel_softmax(x, **{argument: np.ones(2)}, out=out)
    for rng in ("x", -1, 0.5):
        with pytest.raises(TypeError, match=r"^gumbel_softmax: rng must be a numpy.random.Generator or a seed, got"):
            actfn.gumbel_softmax(x, rng=rng, out=out)
        with pytest.raises(TypeError, match=r"^rrelu: rng must be a numpy.random.Generator or a seed, got"):
            actfn.rrelu(x, training=True, rng=rng)
    # NumPy takes a matrix apart until the stack is full.
    processes.output("""
        import numpy as np, actfn
        try:
            actfn.gumbel_softmax(np.ones((2, 3)), rng=np.ones((2, 3)).view(np.matrix))
        except TypeError as error:
            assert "gumbel_softmax: rng must be" in str(error)
        """)
    with pytest.raises(ValueError, match=r"^gumbel_softmax_backward: grad must broadcast"):
        actfn.gumbel_softmax_backward(np.ones((3, 3)), x)
    assert np.all(out == 7.0)
