"""Rows of up to a million float32 entries: sums must not drift with length. The oracle: 80-bit arithmetic, fsum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from .situations import situation

# 64 bits of mantissa, 40 more than the results: its rounding moves an error by 2^-39 ULP.
pytestmark = [
    situation("rows"),
    pytest.mark.skipif(
        np.finfo(np.longdouble).nmant < 63,
        reason="the oracle needs a long double of 64 bits, which this platform lacks",
    ),
]
Wide = NDArray[np.longdouble]

LENGTHS = (2, 1_000, 65_537, 1_000_000)
SPREADS = (1e-3, 1.0, 30.0, 1e4)


def exact_sum(values: Wide) -> np.longdouble:
    """The sum of long doubles: of their high and low halves by fsum, which rounds once."""
    high = values.astype(np.float64)
    return np.longdouble(math.fsum(high)) + np.longdouble(math.fsum((values - high).astype(np.float64)))


def ulps(got: Any, exact: Any) -> float:
    """Largest error in ULP of float32 at the exact value."""
    got, exact = np.asarray(got), np.asarray(exact)
    assert got.dtype == np.float32
    quantum = np.ldexp(np.longdouble(1), np.maximum(np.frexp(exact)[1], -125) - 24)
    return float(np.max(np.abs(got - exact) / quantum))


def row(n: int, spread: float, dominant: bool) -> NDArray[np.float32]:
    x = np.random.default_rng(n).normal(scale=spread, size=n).astype(np.float32)
    if dominant:
        x[n // 3] = x.max() + 40
    return x


def parts(x: NDArray[np.float32]) -> tuple[Wide, Wide, np.longdouble]:
    """x - max, its exponential, and the sum of the exponentials without that of the largest entry."""
    d = x.astype(np.longdouble) - np.longdouble(x.max())
    e = np.exp(d)
    others = e.copy()
    others[np.argmax(x)] = 0
    return d, e, exact_sum(others)


@pytest.mark.parametrize("dominant", [False, True])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n", LENGTHS)
def test_forward(n: int, spread: float, dominant: bool) -> None:
    """Softmax, softmin, softmax1, log-softmax and log-sum-exp stay within 1 ULP at any length."""
    x = row(n, spread, dominant)
    d, e, rest = parts(x)
    with np.errstate(under="ignore"):
        assert ulps(actfn.softmax(x), e / (1 + rest)) <= 1
        assert ulps(actfn.softmin(-x), e / (1 + rest)) <= 1
        assert ulps(actfn.softmax1(x), e / (1 + rest + np.exp(-np.longdouble(x.max())))) <= 1
    assert ulps(actfn.log_softmax(x), d - np.log1p(rest)) <= 1
    assert ulps(actfn.logsumexp(x), np.longdouble(x.max()) + np.log1p(rest)) <= 1


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n", LENGTHS)
def test_backward(n: int, spread: float) -> None:
    """The gradients of softmax and log-softmax stay within 1 ULP at any length, given y as it is."""
    x, g = row(n, spread, False), np.random.default_rng(7).normal(size=n).astype(np.float32)
    wide = g.astype(np.longdouble)
    y = actfn.softmax(x)
    exact = y * (wide - exact_sum(wide * y))
    assert ulps(actfn.softmax_backward(g, y), exact) <= 1
    y = actfn.log_softmax(x)
    with np.errstate(under="ignore"):
        exact = wide - np.exp(y.astype(np.longdouble)) * exact_sum(wide)
    assert ulps(actfn.log_softmax_backward(g, y), exact) <= 1


@pytest.mark.parametrize("dominant", [False, True])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n", LENGTHS)
def test_cross_entropy(n: int, spread: float, dominant: bool) -> None:
    """Loss and gradient stay within 1 ULP, for the label that wins and for one that does not."""
    x = row(n, spread, dominant)
    d, e, rest = parts(x)
    winner = int(np.argmax(x))
    for label in (winner, (winner + 1) % n):
        assert ulps(actfn.cross_entropy(x[None], [label], reduction="sum"), np.log1p(rest) - d[label]) <= 1
        with np.errstate(under="ignore"):
            exact = e / (1 + rest)
        exact[label] = -rest / (1 + rest) if label == winner else exact[label] - 1
        assert ulps(actfn.cross_entropy_backward(1.0, x[None], [label], reduction="sum")[0], exact) <= 1


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n", LENGTHS)
def test_sparsemax(n: int, spread: float) -> None:
    """Sparsemax stays within 2 ULP; the oracle sorts, as the paper does."""
    x = row(n, spread, False)
    ordered = np.sort(x)[::-1].astype(np.longdouble) - np.longdouble(x.max())
    ordered = ordered[ordered > -1.5]
    sums = np.cumsum(ordered)
    k = int(np.flatnonzero(1 + np.arange(1, len(ordered) + 1) * ordered > sums)[-1]) + 1
    tau = (exact_sum(ordered[:k]) - 1) / k
    exact = np.maximum(x.astype(np.longdouble) - np.longdouble(x.max()) - tau, 0)
    assert ulps(actfn.sparsemax(x), exact) <= 2


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n", LENGTHS)
def test_entmax15(n: int, spread: float) -> None:
    """Entmax 1.5 stays within 2 ULP; the oracle sorts, and solves for tau as if the first entries made up the row."""
    x = row(n, spread, False)
    halves = (np.sort(x)[::-1].astype(np.longdouble) - np.longdouble(x.max())) / 2
    halves = halves[halves > -1]
    total, square = np.cumsum(halves), np.cumsum(halves * halves)
    # An entry is above tau where the larger ones alone do not add up to 1 with it as tau.
    below = square - 2 * halves * total + np.arange(1, len(halves) + 1) * halves * halves < 1
    halves = halves[: int(np.flatnonzero(below)[-1]) + 1]
    count, total, square = len(halves), exact_sum(halves), exact_sum(halves * halves)
    tau = (total - np.sqrt(total * total - count * (square - 1))) / count
    exact = np.maximum((x.astype(np.longdouble) - np.longdouble(x.max())) / 2 - tau, 0) ** 2
    assert ulps(actfn.entmax15(x), exact) <= 2


@pytest.mark.parametrize("n", [1000, 100_000])
def test_entmax15_of_level_rows(n: int) -> None:
    """Entries that differ little keep their digits in float64, though tau starts far away from its end."""
    x = np.random.default_rng(n).normal(size=n) * 1e-8
    halves = x.astype(np.longdouble) / 2
    mean = exact_sum(halves) / n
    tau = mean - np.sqrt((1 - exact_sum((halves - mean) ** 2)) / n)
    exact = (halves - tau) ** 2
    # An ULP of tau, which is near 1/sqrt(n), after top - 1 = -1 was subtracted.
    assert np.max(np.abs(actfn.entmax15(x) - exact) / exact) < 4 * np.finfo(float).eps * np.sqrt(n)


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [3000, 16_000, 2**17])
def test_equal_roundings_do_not_add_up(n: int, axis: int) -> None:
    """One large entry and many equal ones: whatever each loses, all lose the same."""
    for low in np.array([-20.0, -9.98, -6.2, -3.02], np.float32):
        x = np.full((16, n), low)
        x[:, 0] = 0.0
        x = np.ascontiguousarray(x.T if axis == 0 else x)
        rest = (n - 1) * np.exp(float(low))
        for got, top, other in (
            (actfn.softmax(x, axis), 1 / (1 + rest), np.exp(float(low)) / (1 + rest)),
            (actfn.log_softmax(x, axis), -np.log1p(rest), float(low) - np.log1p(rest)),
        ):
            assert ulps(np.take(got, 0, axis), top) <= 1
            assert ulps(np.take(got, n // 2, axis), other) <= 1


@pytest.mark.parametrize("falling", [False, True])
def test_blocks_of_a_long_row(falling: bool) -> None:
    """A row of several blocks whose tops differ: by little, by much, and with nothing or NaN in one."""
    n = 200_000
    for step in (0.0, 1.0, 60.0, 200.0):
        whole = np.random.default_rng(5).normal(size=n).astype(np.float32)
        whole += (np.arange(n) // 50_000 * (-step if falling else step)).astype(np.float32)
        for nothing in (slice(0), slice(140_000), slice(60_000, n)):
            x = whole.copy()
            x[nothing] = -np.inf
            d, e, rest = parts(x)
            assert ulps(actfn.softmax(x), e / (1 + rest)) <= 1
            assert ulps(actfn.softmin(-x), e / (1 + rest)) <= 1
            there = np.isfinite(x)
            assert ulps(actfn.log_softmax(x)[there], d[there] - np.log1p(rest)) <= 1
            assert np.all(actfn.log_softmax(x)[~there] == -np.inf)
    for place in (0, 70_000, n - 1):
        x[:] = -np.inf
        x[place] = np.nan
        assert np.isnan(actfn.softmax(x)).all()
        x[100] = 1.0
        assert np.isnan(actfn.softmax(x)).all()
