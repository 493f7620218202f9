"""float32 results from tables: where segments meet, and where the table hands over to the formula.

Builds without tables run the same tests: what they promise does not depend on how it is computed.
"""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from . import measure, oracle

TABLED = [name for name, row in oracle.ROWS.items() if row.segment and row.kind == "elementwise"]
GATED = [name for name, row in oracle.ROWS.items() if row.segment and row.kind == "gated"]
CASES = [(name, direction) for name in TABLED for direction in measure.DIRECTIONS]


def run(kernels: ModuleType, name: str, direction: str, x: NDArray[Any], grad: Any = None) -> Any:
    params = oracle.default_params(oracle.ROWS[name]).values()
    if direction == "forward":
        return kernels.ufuncs[name](x, *params)
    return kernels.ufuncs[f"{name}_backward"](np.ones_like(x) if grad is None else grad, x, *params)


def borders(name: str) -> NDArray[np.float32]:
    """Five floats on either side of every place where a segment may begin, and of every centre."""
    places = np.float32(oracle.ROWS[name].segment) * np.arange(0, 33, 0.5, dtype=np.float32)
    bits = places.view(np.int32)[:, None] + np.arange(-5, 6, dtype=np.int32)
    x = np.abs(bits).astype(np.int32).view(np.float32).ravel()
    return np.concatenate([x, -x])


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_segments_meet(name: str, direction: str, build: str, kernels: ModuleType) -> None:
    """The bound holds on both sides of every border between segments."""
    x = borders(name)
    exact = oracle.elementwise(name, direction, "float32", x.tolist())
    errors = exact.errors(run(kernels, name, direction, x))
    assert errors.max() <= measure.bound_of(name, direction, "float32"), x[np.argmax(errors)]


@pytest.mark.parametrize(("name", "direction"), CASES)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_strays_change_nothing(name: str, direction: str, share: float, build: str, kernels: ModuleType) -> None:
    """A result is the same whether few, many or all of its neighbours lie outside the segments."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, 5000).astype(np.float32)
    far = rng.choice([-1, 1], x.size) * rng.uniform(10, 80, x.size)
    stray = rng.random(x.size) < share
    mixed = np.where(stray, far, x).astype(np.float32)
    got = run(kernels, name, direction, mixed)
    alone = run(kernels, name, direction, x[~stray])
    assert got[~stray].tobytes() == alone.tobytes()
    assert got[stray].tobytes() == run(kernels, name, direction, mixed[stray]).tobytes()
    in_place = mixed.copy()
    params = oracle.default_params(oracle.ROWS[name]).values()
    suffix, ones = ("", ()) if direction == "forward" else ("_backward", (np.ones_like(x),))
    kernels.ufuncs[name + suffix](*ones, in_place, *params, out=in_place)
    assert in_place.tobytes() == got.tobytes()


@pytest.mark.parametrize("name", TABLED)
def test_gradients_that_the_table_leaves_to_the_formula(name: str, build: str, kernels: ModuleType) -> None:
    """Huge, tiny, subnormal and zero gradients by the oracle; infinite ones and NaN as in float64."""
    subnormal = np.exp2(np.random.default_rng(0).uniform(-149, -120, 30))
    grad = np.concatenate([[3e38, -3e38, 1e-30, 1e-31, 0.0, -0.0, 1.0], subnormal]).astype(np.float32)
    x, grads = (a.ravel() for a in np.meshgrid(np.linspace(-3.7, 3.7, 41, dtype=np.float32), grad))
    got = run(kernels, name, "backward", x, grads)
    exact = oracle.elementwise(name, "backward", "float32", x.tolist(), grad=grads.astype(float).tolist())
    errors = exact.errors(got)
    assert errors.max() <= measure.GOAL["float32"][1], (x[np.argmax(errors)], grads[np.argmax(errors)])
    for special in (np.inf, -np.inf, np.nan):
        endless = np.where(np.arange(x.size) % 3, grads, np.float32(special))
        got = run(kernels, name, "backward", x, endless)
        wide = run(kernels, name, "backward", x.astype(np.float64), endless.astype(np.float64))
        assert np.array_equal(got[::3], wide[::3].astype(np.float32), equal_nan=True)


@pytest.mark.parametrize("name", TABLED)
def test_gradients_next_to_zeros_of_the_derivative(name: str, build: str, kernels: ModuleType) -> None:
    """Where the derivative changes its sign the goal holds for any gradient, not for 1 alone."""
    grid = np.linspace(-10, 10, 4001, dtype=np.float32)
    slopes = run(kernels, name, "backward", grid)
    (changes,) = np.nonzero(slopes[:-1] * slopes[1:] < 0)
    places = []
    for k in changes:
        low, high = grid[k : k + 2]
        while np.nextafter(low, high) != high:
            middle = np.float32(0.5 * (low + high))
            same = run(kernels, name, "backward", np.array([middle]))[0] * slopes[k] > 0
            low, high = (middle, high) if same else (low, middle)
        places.append(low.view(np.int32) + np.arange(-8, 9, dtype=np.int32))
    if not places:
        return
    grads = np.random.default_rng(0).normal(size=100).astype(np.float32)
    x, grad = (a.ravel() for a in np.meshgrid(np.concatenate(places).view(np.float32), grads))
    exact = oracle.elementwise(name, "backward", "float32", x.tolist(), grad=grad.astype(float).tolist())
    errors = exact.errors(run(kernels, name, "backward", x, grad))
    assert errors.max() <= measure.GOAL["float32"][1], (x[np.argmax(errors)], grad[np.argmax(errors)])


def gated_operands(spread: str, n: int = 1 << 16) -> tuple[NDArray[np.float32], ...]:
    """Gates, values and gradients."""
    rng = np.random.default_rng(len(spread))

    def powers(low: float, high: float) -> NDArray[Any]:
        return rng.choice([-1, 1], n) * np.exp2(rng.uniform(low, high, n))

    # Floats next to where the derivatives of SiLU and GELU are 0.
    zeros = np.float32([-1.2784645, -0.7517915]).view(np.int32)[:, None] + np.arange(-2, 3, dtype=np.int32)
    gate, value, grad = {
        "usual": lambda: rng.normal(size=(3, n)),
        "all segments": lambda: (rng.uniform(-9, 9, n), *rng.normal(size=(2, n))),
        "all magnitudes": lambda: (powers(-149, 7), powers(-149, 128), powers(-149, 128)),
        "products next to the subnormals": lambda: (powers(-8, 3), powers(-80, -40), powers(-80, -40)),
        "next to zeros": lambda: (rng.choice(zeros.view(np.float32).ravel(), n), *rng.normal(size=(2, n))),
    }[spread]()
    with np.errstate(all="ignore"):
        return tuple(np.clip(a, -3.4e38, 3.4e38).astype(np.float32) for a in (gate, value, grad))


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize(
    "spread", ["usual", "all segments", "all magnitudes", "products next to the subnormals", "next to zeros"]
)
def test_gated_units_everywhere(name: str, spread: str, build: str, kernels: ModuleType) -> None:
    """Within the goal of the product in float64 of the operands and the activation, which other tests prove."""
    gate, value, grad = gated_operands(spread)
    forward, backward = kernels.ufuncs[name], kernels.ufuncs[f"{name}_backward"]
    wide, ones = gate.astype(np.float64), np.ones(gate.size)
    slope, activated = backward(ones, wide, ones)
    cases = (
        ("forward", forward(gate, value), activated * value),
        ("gradient of gate", backward(grad, gate, value)[0], slope * (grad.astype(np.float64) * value)),
        ("gradient of value", backward(grad, gate, value)[1], activated * grad),
    )
    for output, got, exact in cases:
        in_range = np.abs(exact) < 3.4028235e38
        unit = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, -149))
        error = np.where(in_range, np.abs(np.where(in_range, got, 0) - exact) / unit, 0.0)
        worst = int(np.argmax(error))
        assert error[worst] <= measure.GOAL["float32"][0], (output, gate[worst], value[worst], grad[worst])
        assert np.isinf(got[np.abs(exact) > 3.4028236e38]).all()
        if output != "gradient of gate":  # where it vanishes on the left, the formula does not tell from which side
            assert np.array_equal(np.signbit(got), np.signbit(exact)), output


@pytest.mark.parametrize("name", GATED)
def test_gated_units_in_place_and_among_strays(name: str, build: str, kernels: ModuleType) -> None:
    """Outputs may take the places of any inputs, and neighbours make no difference."""
    operands = tuple(a[:5003].copy() for a in gated_operands("usual"))
    rng = np.random.default_rng(0)
    for a, special in zip(operands, (50.0, 1e-40, np.inf), strict=True):
        a[rng.random(a.size) < 0.05] = special
        a[rng.random(a.size) < 0.05] = 0.0
    gate, value, grad = operands
    for function, inputs in ((name, (gate, value)), (f"{name}_backward", (grad, gate, value))):
        ufunc = kernels.ufuncs[function]
        results = ufunc(*inputs) if ufunc.nout == 2 else (ufunc(*inputs),)
        alone = np.vectorize(lambda *each, f=ufunc: f(*(np.float32(v) for v in each)), otypes=["f"] * ufunc.nout)
        single = alone(*(a[::17] for a in inputs))
        for got, wanted in zip(results, single if ufunc.nout == 2 else (single,), strict=True):
            assert np.array_equal(got[::17], wanted, equal_nan=True)
        for places in itertools.permutations(range(len(inputs)), ufunc.nout):
            copies = [a.copy() for a in inputs]
            ufunc(*copies, out=tuple(copies[k] for k in places))
            for k, result in zip(places, results, strict=True):
                assert copies[k].tobytes() == result.tobytes(), places
