"""float32 results from tables: where segments meet, and where the table hands over to the formula.

Builds without tables run the same tests: what they promise does not depend on how it is computed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from . import measure, oracle

TABLED = [name for name, row in oracle.ROWS.items() if row.segment]
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
