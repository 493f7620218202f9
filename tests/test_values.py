"""Values and gradients against the exact ones, in units in the last place, for every row, dtype and build."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import measure, oracle, samples
from .situations import situation


def assert_within(
    exact: oracle.Reference, got: NDArray[Any], bound: float, **inputs: NDArray[Any] | Sequence[Any]
) -> None:
    """Fail with the worst element, its inputs and the exact result."""
    errors = exact.errors(got)
    worst = int(np.argmax(errors)) if errors.size else 0
    if errors.size and not errors[worst] <= bound:
        at = ", ".join(f"{name}={np.asarray(values)[worst].item()!r}" for name, values in inputs.items())
        pytest.fail(
            f"{errors[worst]:.4g} ULP, allowed {bound:g} ({np.sum(errors > bound)} of {errors.size} exceed it): "
            f"at {at} got {got[worst].item()!r}, exact {exact.rounded[worst].item()!r}"
        )


# ---- Default parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
def test_values(name: str, dtype: str, direction: str, build: str, kernels: ModuleType) -> None:
    """The function, and its derivative for grad = 1, are within the row's bound of the exact value everywhere."""
    got = measure.result(kernels, name, direction, dtype)
    exact = measure.reference(name, direction, dtype)
    assert_within(exact, got, measure.bound_of(name, direction, dtype), x=samples.values(dtype))


# ---- Gradients other than 1 -----------------------------------------------------------------------------------


@cache
def thinned(dtype: str, count: int = 400) -> NDArray[Any]:
    """Finite samples, fewer of them, evenly picked."""
    x = samples.values(dtype)
    x = x[np.isfinite(x)]
    return x[np.linspace(0, x.size - 1, count).astype(int)]


@cache
def gradients(dtype: str, count: int = 400) -> NDArray[Any]:
    """Gradients of both signs and all sizes: ordinary, tiny, huge, 0."""
    rng = np.random.default_rng(7)
    ordinary = rng.normal(size=count)
    largest = np.log2(float(np.finfo(dtype).max))
    sizes = np.exp2(rng.uniform(-largest, largest, count)) * np.sign(ordinary)
    mixed = np.where(np.arange(count) % 3 == 0, sizes, ordinary)
    mixed[::50] = 0.0
    return mixed.astype(dtype)


@cache
def scaled(name: str, dtype: str) -> oracle.Reference:
    """Exact grad * derivative at the thinned samples."""
    grad = gradients(dtype).astype(float).tolist()
    return oracle.elementwise(name, "backward", dtype, thinned(dtype).tolist(), grad=grad)


def test_backward_multiplies_by_any_gradient(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """grad * derivative is rounded once in float16 and float32, and one rounding more in float64."""
    x, grad = thinned(dtype), gradients(dtype)
    params = oracle.default_params(oracle.ROWS[name]).values()
    got = kernels.ufuncs[f"{name}_backward"](grad, x, *params)
    bound = measure.GOAL[dtype][1] + (0.5 if dtype == "float64" else 0.0)
    assert_within(scaled(name, dtype), got, bound, grad=grad, x=x)


# ---- Other parameters -----------------------------------------------------------------------------------------

# Inside what the row's param_docs allow: "not negative" and "positive" exclude some.
PARAMETERS: dict[str, list[dict[str, float]]] = {
    "step": [{"threshold": t} for t in (-1.0, 0.1, 1e30, -1e-40)],
    "leaky_relu": [{"negative_slope": s} for s in (0.0, -0.5, 2.0, 0.2, 1e-30, 1e30)],
    "prelu": [{"weight": w} for w in (0.0, -1.5, 3.0, 0.1, 1e-30, 1e30)],
    "rrelu": [{"lower": a, "upper": b} for a, b in ((0.1, 0.3), (-1.0, 2.0), (0.0, 0.0), (1e-30, 1e30))],
    "flexible_relu": [{"bias": b} for b in (-0.5, 0.1, 1e-30, -1e30)],
    "srelu": [
        {"t_left": a, "a_left": b, "t_right": c, "a_right": d}
        for a, b, c, d in ((-1.0, -0.3, 0.7, 1.5), (0.1, 3.0, -2.0, 0.0), (-1e-30, 1.001, 1e30, -2.0), (-3, 0, 1, -0.1))
    ],
    "threshold": [{"threshold": t, "value": v} for t, v in ((0.1, -7.1), (-2.0, 20.0), (0.0, 0.0), (1e-40, 1e30))],
    "hard_tanh": [{"min_val": a, "max_val": b} for a, b in ((0.0, 6.0), (-0.1, 0.3), (-1e-30, 1e30), (2.0, 2.0))],
    "hard_sigmoid": [
        {"slope": s, "offset": b} for s, b in ((0.2, 0.5), (1.0, 0.0), (1e-3, 0.3), (1e20, 0.5), (0.0, 0.5))
    ],
    "soft_shrink": [{"lambd": v} for v in (0.0, 0.1, 2.0, 1e-30, 1e30)],
    "hard_shrink": [{"lambd": v} for v in (0.0, 0.1, 2.0, 1e-30, 1e30)],
    "elu": [{"alpha": a} for a in (0.0, 0.1, -0.7, 3.0, 1e-30, 1e30)],
    "clipped_linear": [
        {"slope": s, "offset": b, "min_val": low, "max_val": high}
        for s, b, low, high in ((0.2, 0.5, 0, 1), (-3.0, 0.1, -1, 6), (1e-3, 0.3, 0, 1e30), (0.0, 0.5, 0, 1))
    ],
    "shrink": [{"lambd": v, "bias": b} for v, b in ((0.0, 0.1), (0.1, 0.1), (2.0, 0.3), (0.5, -1e30), (1e-30, 3.0))],
    "star_relu": [{"scale": s, "bias": b} for s, b in ((1.0, 0.0), (-0.7, 0.3), (0.0, 2.0), (1e-20, 1e20), (3, -2))],
    "stanh": [{"scale_a": a, "scale_b": b} for a, b in ((1.0, 1.0), (0.1, -3.0), (20.0, 0.5))],
    "dynamic_tanh": [
        {"alpha": a, "weight": w, "bias": b}
        for a, w, b in ((0.5, 1.0, 0.3), (-0.3, 2.0, -1.9999999), (20.0, -0.1, 0.1), (1e-5, 1e5, 3.0), (0.0, 1.0, 0.5))
    ],
    "softcap": [{"cap": c} for c in (0.1, 1.0, 50.0, 1e10)],
    "laplace": [{"mu": m, "sigma": s} for m, s in ((0.0, 1.0), (-0.7, 0.1), (3.0, 20.0))],
    "pelu": [{"a": a, "b": b} for a, b in ((0.5, 2.0), (3.0, 0.7), (1e-5, 1e5), (1e10, 0.1))],
    "xielu": [
        {"alpha_p": p, "alpha_n": n, "beta": b}
        for p, n, b in ((0.3, 0.6, 0.5), (2.0, 1.3, 0.1), (-0.7, -0.5, 0.4), (1.0, 1.0, 1e-5), (0.1, 0.5, 0.5))
    ],
    "soft_exponential": [
        {"alpha": a} for a in (0.3, -0.3, 0.9, -0.9, 1.0, -1.7, 3.0, -30.1, 1e-5, -1e-5, 1e-30, -1e-30, 1e30, -1e30)
    ],
    "nl_relu": [{"beta": b} for b in (0.1, 3.0, 1e-5, 1e5)],
    "acon_c": [
        {"p1": p, "p2": q, "beta": b}
        for p, q, b in ((1.0, 0.0, 1.0), (1.2, -0.7, 1.5), (-0.8, 0.3, -0.7), (0.5, 0.5, 2.0), (2.0, -1e-5, 0.1))
    ],
    "e_swish": [{"beta": b} for b in (1.0, 1.25, 2.0)],
    "sin": [{"omega": w} for w in (30.0, 0.1, -2.5, 1e-5, 1e5)],
    "snake": [{"frequency": f} for f in (0.5, 3.0, 0.1, 20.0)],
    "snake_beta": [
        {"alpha": a, "beta": b} for a, b in ((0.5, 0.5), (3.0, 1.0), (-2.0, 0.3), (0.1, -20.0), (20.0, -1.5), (7, 6.99))
    ],
    "isru": [{"alpha": a} for a in (0.1, 3.0, 1e-10, 1e10)],
    "isrlu": [{"alpha": a} for a in (0.1, 3.0, 1e-10, 1e10)],
    "celu": [{"alpha": a} for a in (0.1, 0.5, 3.0, 1e-4, 1e30)],
    "softplus": [{"beta": b} for b in (0.1, 2.0, 20.0, 1e-5, 1e5)],
    "squareplus": [{"b": b} for b in (0.1, 1.0, 1e-10, 1e10)],
    "swish": [{"beta": b} for b in (0.0, -1.0, 0.1, 2.0, -1.7, 1e-5, 1e5)],
}  # fmt: skip
CASES = [(name, index) for name, sets in PARAMETERS.items() for index in range(len(sets))]


def test_every_parameter_is_sampled() -> None:
    """A row with parameters has other values of them here."""
    assert set(PARAMETERS) == {n for n in measure.elementwise_names() if oracle.ROWS[n].params}
    for name, sets in PARAMETERS.items():
        assert all(list(params) == list(oracle.ROWS[name].params) for params in sets)


@cache
def with_parameters(name: str, index: int, direction: str, dtype: str) -> oracle.Reference:
    """Exact values at the thinned samples for one set of parameters."""
    return oracle.elementwise(name, direction, dtype, thinned(dtype).tolist(), PARAMETERS[name][index])


@situation("parameters")
@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "index"), CASES, ids=[f"{n}-{PARAMETERS[n][i]}" for n, i in CASES])
def test_other_parameters(name: str, index: int, direction: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """The bound holds for parameters that are negative, 0, tiny, huge or exceed 1."""
    x, params = thinned(dtype), PARAMETERS[name][index]
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (np.ones_like(x),))
    got = kernels.ufuncs[name + suffix](*grad, x, *params.values())
    exact = with_parameters(name, index, direction, dtype)
    assert_within(exact, got, measure.GOAL[dtype][0], x=x)


def crossings(name: str, index: int, direction: str, dtype: str) -> NDArray[Any]:
    """The floats around every place where the exact values of neighbouring samples differ in sign."""
    x = thinned(dtype)
    sign = np.sign(with_parameters(name, index, direction, dtype).nearest)
    found = []
    places = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    # Of a wave there are too many.
    for k in places[:: max(1, places.size // 8)]:
        left, right = x[k], x[k + 1]
        # Halves of each, because the sum of two large ones overflows.
        while (middle := left / 2 + right / 2) not in (left, right):
            there = oracle.elementwise(name, direction, dtype, [float(middle)], PARAMETERS[name][index])
            left, right = (middle, right) if np.sign(there.nearest[0]) == sign[k] else (left, middle)
        found.append(samples.neighbours([left, right], dtype, 8))
    return np.concatenate(found) if found else np.array([], dtype)


# Sums of terms that their parameters make 0, and what is learned through them.
CROSSING = [
    (name, direction)
    for name in ("dynamic_tanh", "xielu", "acon_c", "srelu", "snake", "snake_beta", "soft_exponential")
    for direction in (*measure.DIRECTIONS, *oracle.ROWS[name].trains)
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "direction"), CROSSING)
def test_where_parameters_make_a_sum_0(name: str, direction: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """The bound holds for the very neighbours of a zero that is nowhere in particular."""
    if direction not in measure.DIRECTIONS and dtype == "float32":
        pytest.skip("gradients of parameters are float64 until they are summed")
    suffix = {"forward": "", "backward": "_backward"}.get(direction, f"_backward_{direction}")
    for index, params in enumerate(PARAMETERS[name]):
        x = crossings(name, index, direction, dtype)
        grad = () if direction == "forward" else (np.ones_like(x),)
        got = kernels.ufuncs[name + suffix](*grad, x, *params.values())
        exact = oracle.elementwise(name, direction, dtype, x.tolist(), params)
        assert_within(exact, got, measure.GOAL[dtype][0], x=x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_soft_exponential_at_the_edge_and_at_0(dtype: str, build: str, kernels: ModuleType) -> None:
    """For a negative alpha -inf at the edge and NaN below; beyond any large number, what the formula tends to."""
    f, slope, learned = (kernels.ufuncs[f"soft_exponential{s}"] for s in ("", "_backward", "_backward_alpha"))
    inf, nan, one = np.inf, np.nan, np.ones(5, dtype)
    for alpha, edge in ((-1.0, 0.0), (-0.5, -1.5), (-2.0, 1.5), (-4.0, 3.75)):
        below, above = np.nextafter(np.array(edge, dtype), np.array([-inf, inf], dtype))
        x = np.array([-inf, below, edge, inf, nan], dtype)
        assert np.array_equal(f(x, alpha), np.array([nan, nan, -inf, inf, nan], dtype), equal_nan=True)
        assert np.array_equal(slope(one, x, alpha), np.array([nan, nan, inf, 0, nan], dtype), equal_nan=True)
        assert np.array_equal(learned(one, x, alpha), [nan, nan, inf, inf, nan], equal_nan=True)
        for direction, got in (("forward", f(above[None], alpha)), ("backward", slope(one[:1], above[None], alpha))):
            exact = oracle.elementwise("soft_exponential", direction, dtype, [float(above)], {"alpha": alpha})
            assert_within(exact, got, measure.GOAL[dtype][0])
    x = np.array([-inf, inf, nan], dtype)
    assert np.array_equal(f(x, 0.25), np.array([0.25 - 4, inf, nan], dtype), equal_nan=True)
    assert np.array_equal(slope(one[:3], x, 0.25), np.array([0, inf, nan], dtype), equal_nan=True)
    assert np.array_equal(learned(one[:3], x, 0.25), [17, inf, nan], equal_nan=True)
    # SymPy differentiates the pieces, and does not see that they meet.
    x = np.array([-3.0, -0.0, 0.1, 5.0, 1e100], dtype="float64")
    for alpha in (0.0, 1e-300, -1e-300):
        assert np.allclose(learned(np.ones(5), x, alpha), 1 + x * x / 2, rtol=3e-16, atol=0), alpha


def test_sums_that_are_0_were_found() -> None:
    """The test above has something to look at."""
    found = {
        case
        for case in CROSSING
        for k in range(len(PARAMETERS[case[0]]))
        if crossings(case[0], k, case[1], "float64").size
    }
    assert {(name, "forward") for name, _ in CROSSING} <= found and len(found) > 8, found


# Float kernels meet a parameter as two floats, which cannot hold these: too small, too large, or no float at all.
UNWIELDY: dict[str, list[tuple[float, ...]]] = {
    "leaky_relu": [(s,) for s in (1e-40, -1e-300, 1e-19, 1e19, -1e40, 1e300)],
    "prelu": [(s,) for s in (5e-324, -1e-45, 3e38, 1e308)],
    "rrelu": [(a, b) for a, b in ((1e-40, 0.25), (0.0, 1e-310), (-1.0, 1.0 + 2**-52), (0.5, 1e200))],
    "flexible_relu": [(b,) for b in (1e-45, -1e-40, 1e19, -3.4028235e38, 1e300)],
    "soft_shrink": [(v,) for v in (1e-45, 1e-40, 1e30, 3e38, 1e300)],
    "hard_sigmoid": [(s, b) for s, b in ((1e-40, 0.5), (1e300, 0.25), (-1e-19, 0.3), (0.2, 1e-60), (1.0, -1e30))],
}


@situation("parameters")
@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize("name", UNWIELDY)
def test_parameters_that_no_float_holds(name: str, direction: str, build: str, kernels: ModuleType) -> None:
    """float32 data meet them at their full value; in an array, next to ordinary ones, with the same bits."""
    x = np.concatenate([thinned("float32", 101), np.array([-np.inf, np.inf], "float32")])
    ordinary = tuple(oracle.default_params(oracle.ROWS[name]).values())
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (np.ones_like(x),))
    function = kernels.ufuncs[name + suffix]
    for params in UNWIELDY[name]:
        got = function(*grad, x, *params)
        assert not np.isnan(got).any(), params
        named = dict(zip(oracle.ROWS[name].params, params, strict=True))
        exact = oracle.elementwise(name, direction, "float32", x[:-2].tolist(), named)
        assert_within(exact, got[:-2], measure.GOAL["float32"][0], x=x[:-2])
        mixed = [np.where(np.arange(x.size) % 3 == 0, p, o) for p, o in zip(params, ordinary, strict=True)]
        wanted = np.where(np.arange(x.size) % 3 == 0, got, function(*grad, x, *ordinary))
        assert function(*grad, x, *mixed).tobytes() == wanted.tobytes(), params
        assert function(*grad, np.repeat(x, 2)[::2], *params).tobytes() == got.tobytes(), params


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize("beta", [1e-300, 1e250])
def test_nl_relu_where_beta_x_overflows_or_not(beta: float, direction: str, build: str, kernels: ModuleType) -> None:
    """What counts is how large beta * x is, not how large x is."""
    x = thinned("float64")
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (np.ones_like(x),))
    exact = oracle.elementwise("nl_relu", direction, "float64", x.tolist(), {"beta": beta})
    assert_within(exact, kernels.ufuncs[f"nl_relu{suffix}"](*grad, x, beta), measure.GOAL["float64"][0], x=x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_knees_of_hard_sigmoid_are_exact(dtype: str, build: str, kernels: ModuleType) -> None:
    """Next to where the line reaches 0 or 1, every x is on the side that exact arithmetic says."""
    rng = np.random.default_rng(11)
    slopes = np.concatenate([[0.2, -0.2, 1 / 3, 0.7, -1.0], rng.normal(size=200) * np.exp2(rng.integers(-9, 9, 200))])
    offsets = np.concatenate([[0.5, 0.5, 0.1, 0.0, 1.0], rng.uniform(-3, 3, 200)])
    for slope, offset in zip(slopes.tolist(), offsets.tolist(), strict=True):
        for level in (0, 1):
            near = np.array((level - Fraction(offset)) / Fraction(slope), dtype)
            below = [near := np.nextafter(near, np.array(-np.inf, dtype)) for _ in range(3)]
            x = np.array([*below, *(near := np.nextafter(near, np.array(np.inf, dtype)) for _ in range(5))], dtype)
            line = [Fraction(slope) * Fraction(float(v)) + Fraction(offset) for v in x]
            y = kernels.ufuncs["hard_sigmoid"](x, slope, offset)
            inside = kernels.ufuncs["hard_sigmoid_backward"](np.ones_like(x), x, slope, offset) != 0
            assert inside.tolist() == [0 < v < 1 for v in line], (slope, offset, x)
            assert [v == 0 for v in y.tolist()] == [v <= 0 for v in line], (slope, offset, x)
            exact = oracle.elementwise("hard_sigmoid", "forward", dtype, x.tolist(), {"slope": slope, "offset": offset})
            assert_within(exact, y, measure.GOAL[dtype][0], x=x)


INF = np.inf
ANY = np.nan  # there the order of two limits matters
# Parameters, then the limits of f and f' at -inf, -2, 0, 2 and inf as the parameter grows.
INFINITE = [
    ("leaky_relu", (INF,), [-INF, -INF, 0, 2, INF], [INF, INF, INF, 1, 1]),
    ("leaky_relu", (-INF,), [INF, INF, 0, 2, INF], [-INF, -INF, -INF, 1, 1]),
    ("prelu", (INF,), [-INF, -INF, 0, 2, INF], [INF, INF, INF, 1, 1]),
    ("rrelu", (0.1, INF), [-INF, -INF, 0, 2, INF], [INF, INF, INF, 1, 1]),
    ("flexible_relu", (INF,), [INF, INF, INF, INF, INF], [0, 0, 0, 1, 1]),
    ("step", (INF,), [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]),
    ("step", (-INF,), [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]),
    ("threshold", (INF, 5.0), [5, 5, 5, 5, 5], [0, 0, 0, 0, 0]),
    ("threshold", (0.5, -INF), [-INF, -INF, -INF, 2, INF], [0, 0, 0, 1, 1]),
    ("hard_tanh", (-INF, INF), [-INF, -2, 0, 2, INF], [0, 1, 1, 1, 0]),
    ("hard_sigmoid", (INF, 0.5), [0, 0, 0.5, 1, 1], [0, 0, INF, 0, 0]),
    ("hard_sigmoid", (0.25, INF), [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]),
    ("soft_shrink", (INF,), [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
    ("hard_shrink", (INF,), [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
    ("elu", (INF,), [-INF, -INF, 0, 2, INF], [INF, INF, INF, 1, 1]),
    ("elu", (-INF,), [INF, INF, 0, 2, INF], [-INF, -INF, -INF, 1, 1]),
    ("celu", (INF,), [-INF, -2, 0, 2, INF], [1, 1, 1, 1, 1]),
    ("softplus", (INF,), [0, 0, 0, 2, INF], [0, 0, 0.5, 1, 1]),
    ("squareplus", (INF,), [INF, INF, INF, INF, INF], [ANY, 0.5, 0.5, 0.5, ANY]),
    ("swish", (INF,), [0, 0, 0, 2, INF], [0, 0, 0.5, 1, 1]),
    ("swish", (-INF,), [-INF, -2, 0, 0, 0], [1, 1, 0.5, 0, 0]),
]  # fmt: skip


@situation("parameters")
@situation("infinity")
@pytest.mark.parametrize("how", ["one", "each"])
@pytest.mark.parametrize(("name", "params", "values", "slopes"), INFINITE, ids=[f"{c[0]}-{c[1]}" for c in INFINITE])
def test_infinite_parameters(
    name: str, params: Any, values: Any, slopes: Any, how: str, dtype: str, build: str, kernels: ModuleType
) -> None:
    """Limits, not NaN; as a number and as an array of parameters."""
    x = np.array([-INF, -2, 0, 2, INF, np.nan], dtype)
    if how == "each":
        params = [np.full(x.shape, p) for p in params]
    y = kernels.ufuncs[name](x, *params)
    assert np.array_equal(y[:5], np.array(values, dtype)), y
    slope = kernels.ufuncs[f"{name}_backward"](np.ones_like(x), x, *params)
    fixed = ~np.isnan(slopes)
    assert np.array_equal(slope[:5][fixed], np.array(slopes, dtype)[fixed]), slope
    assert np.isnan(slope[5]) and (np.isnan(y[5]) or name == "threshold")


@cache
def per_channel(name: str, direction: str, dtype: str, kind: str) -> tuple[NDArray[Any], Any, oracle.Reference]:
    """x of shape (channels, n), parameter arrays of dtype `kind` and shape (channels, 1), and exact values."""
    with np.errstate(all="ignore"):
        columns = {p: np.array([s[p] for s in PARAMETERS[name]], kind)[:, None] for p in PARAMETERS[name][0]}
    x = np.broadcast_to(thinned(dtype, 61), (len(PARAMETERS[name]), 61))
    flat = {p: np.broadcast_to(v, x.shape).astype(float).ravel().tolist() for p, v in columns.items()}
    exact = oracle.elementwise(name, direction, dtype, x.astype(float).ravel().tolist(), flat)
    return x, columns, exact


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize(("dtype", "kind"), [("float32", "float32"), ("float32", "float64"), ("float64", "float64")])
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_per_channel(
    name: str, direction: str, dtype: str, kind: str, build: str, kernels: ModuleType
) -> None:
    """An array of parameters broadcasts, is read at its own precision and never changes the dtype of the result."""
    x, columns, exact = per_channel(name, direction, dtype, kind)
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (np.array(1, dtype),))
    got = kernels.ufuncs[name + suffix](*grad, x, *columns.values())
    assert got.shape == x.shape
    parameters = {p: np.broadcast_to(v, x.shape).ravel() for p, v in columns.items()}
    assert_within(exact, got.ravel(), measure.GOAL[dtype][0], x=x.ravel(), **parameters)


# ---- Learned parameters ---------------------------------------------------------------------------------------


@cache
def learned_reference(name: str, param: str) -> tuple[Mapping[str, NDArray[Any]], oracle.Reference]:
    """x, grad and parameters in float64, and exact gradients with respect to a parameter, element by element."""
    x = np.tile(thinned("float64", 150), len(PARAMETERS[name]))
    params = {p: np.repeat([s[p] for s in PARAMETERS[name]], 150) for p in PARAMETERS[name][0]}
    grad = np.random.default_rng(3).normal(size=x.size)
    exact = oracle.elementwise(
        name, param, "float64", x.tolist(), {p: v.tolist() for p, v in params.items()}, grad.tolist()
    )
    return {"grad": grad, "x": x, **params}, exact


def test_learned_gradients(learned: str, build: str, kernels: ModuleType) -> None:
    """The gradient with respect to a learned parameter agrees with SymPy's derivative of the formula."""
    name, param = learned.split("-")
    inputs, exact = learned_reference(name, param)
    got = kernels.ufuncs[f"{name}_backward_{param}"](*inputs.values())
    assert_within(exact, got, measure.GOAL["float64"][1] + 0.5, **inputs)


def backward_of(learned: str, grad: Any, x: Any, value: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The gradients of x and of one learned parameter; other parameters are 0.75."""
    name, param = learned.split("-")
    row = oracle.ROWS[name]
    params = dict.fromkeys(row.params, 0.75) | {param: value}
    gx, *gps = getattr(actfn, f"{name}_backward")(grad, x, **params, **kwargs)
    return gx, gps[row.trains.index(param)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (4, 1, 1), (4, 3, 5), (1, 3, 1)])
def test_learned_gradients_are_summed_to_the_shape_of_the_parameter(
    learned: str, dtype: str, shape: tuple[int, ...]
) -> None:
    """A parameter that was broadcast gets the sum of its elements' gradients, in its own shape."""
    name, param = learned.split("-")
    rng = np.random.default_rng(5)
    grad, x = rng.normal(size=(2, 4, 3, 5)).astype(dtype)
    value = rng.uniform(0.5, 1.5, shape).astype(dtype)
    gx, gp = backward_of(learned, grad, x, value)
    assert gx.shape == x.shape and gx.dtype == x.dtype
    assert np.shape(gp) == shape and gp.dtype == np.dtype(dtype)
    whole = np.broadcast_to(value, x.shape)
    columns = [a.astype(float).ravel().tolist() for a in (x, whole, grad)]
    params = dict.fromkeys(oracle.ROWS[name].params, 0.75) | {param: columns[1]}
    terms = oracle.elementwise(name, param, "float64", columns[0], params, columns[2])
    terms_array = terms.nearest.reshape(x.shape)
    axes = tuple(k for k in range(3) if k < 3 - len(shape) or shape[k - 3 + len(shape)] == 1)
    wanted = np.sum(terms_array, axis=axes).reshape(shape)
    scale = np.sum(np.abs(terms_array), axis=axes).reshape(shape)
    # One rounding to the dtype, and float64 rounding of the sum's terms.
    tolerance = 0.51 * np.spacing(np.abs(wanted).astype(dtype)).astype(float) + 60 * 2.0**-52 * scale
    assert np.all(np.abs(gp - wanted) <= tolerance)


def test_large_sums_of_learned_gradients_are_exact_enough() -> None:
    """Half a million equal float32 gradients add up without losing a digit."""
    x = np.full((700, 701), -1.0, np.float32)
    _, gw = actfn.prelu_backward(np.float32(0.1), x, np.float32(0.25))
    assert gw == np.float32(-x.size * np.float64(np.float32(0.1)))


@situation("overlap")
def test_learned_gradients_are_right_in_place(learned: str) -> None:
    """`out` may be x or grad: the sum is taken before they are overwritten."""
    grad, x = np.random.default_rng(1).normal(size=(2, 1000)).astype(np.float32)
    for weight in (0.75, np.full(1000, 0.75, np.float32)):
        gx, gp = backward_of(learned, grad, x, weight)
        for out in (x.copy(), grad.copy(), np.empty_like(x)):
            operands = (out if np.array_equal(out, grad) else grad, out if np.array_equal(out, x) else x)
            same, found = backward_of(learned, *operands, weight, out=out)
            assert same is out and np.array_equal(out, gx) and np.array_equal(found, gp)


def test_learned_gradients_do_not_depend_on_threads(learned: str) -> None:
    """The sum of half a million elements has the same bits for any number of threads, and is a number of NumPy's."""
    grad, x = np.random.default_rng(1).normal(size=(2, 500_001)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 5):
        with actfn.threads(threads):
            found.append(backward_of(learned, grad, x, 0.75))
    assert all(np.array_equal(gx, found[0][0]) and gp == found[0][1] for gx, gp in found)
    assert all(isinstance(gp, np.float32) for _, gp in found)


@situation("empty")
@pytest.mark.parametrize(
    ("shape", "grad_shape"),
    [((0,), ()), ((3, 0), ()), ((), ()), ((), (1,)), ((1,), (1, 1)), ((5,), (1, 1)), ((5,), (1,))],
)
def test_learned_gradients_of_odd_shapes(learned: str, shape: tuple[int, ...], grad_shape: tuple[int, ...]) -> None:
    """Empty arrays, numbers and gradients of more dimensions than x: the result has the shape of both together."""
    x, grad = np.full(shape, -1.5, np.float32), np.full(grad_shape, 0.5, np.float32)
    wanted, total = backward_of(learned, grad, x, np.float64(0.75))
    for g in (grad, 0.5) if grad_shape == () else (grad,):
        gx, gp = backward_of(learned, g, x, 0.75)
        assert type(gx) is type(wanted) and np.shape(gx) == np.broadcast_shapes(shape, grad_shape)
        assert np.array_equal(gx, wanted) and gp == total and type(gp) is np.float32


@pytest.mark.parametrize("position", [0, 1, 2])
def test_learned_gradients_of_shapes_that_do_not_fit(learned: str, position: int) -> None:
    """One error with the name and shape of each operand, and nothing is written."""
    name, param = learned.split("-")
    operands = {"grad": np.ones((2, 3)), "x": np.ones((2, 3)), **oracle.default_params(oracle.ROWS[name])}
    operands[("grad", "x", param)[position]] = np.ones(5)
    out = np.full((2, 3), 7.0)
    shapes = re.escape(", ".join(f"{operand} {np.shape(value)}" for operand, value in operands.items()))
    with pytest.raises(ValueError, match=f"^{name}_backward: .* must broadcast together, got {shapes}$"):
        getattr(actfn, f"{name}_backward")(*operands.values(), out=out)
    assert np.all(out == 7.0)
