"""Gated activations: one input is activated, the other multiplied by it; a gradient for each."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import measure, oracle, samples
from .situations import situation
from .test_values import assert_within

GATED = [name for name, row in oracle.ROWS.items() if row.kind == "gated"]


@cache
def operands(dtype: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Gates of all sizes, values and gradients of both signs, some of them huge, tiny or 0."""
    gates = samples.values(dtype)
    gates = gates[np.isfinite(gates)]
    gates = gates[np.linspace(0, gates.size - 1, 500).astype(int)]
    rng = np.random.default_rng(12)
    value, grad = rng.normal(size=(2, gates.size))
    value[::37], value[::41], grad[::43] = 0.0, float(np.finfo(dtype).tiny), 1e4
    return gates, value.astype(dtype), grad.astype(dtype)


@cache
def reference(name: str, output: str, dtype: str) -> oracle.Reference:
    """Exact results: "forward", or the gradient with respect to "gate" or "value"."""
    gate, value, grad = (a.astype(float).tolist() for a in operands(dtype))
    row = oracle.ROWS[name]
    if output == "forward":
        return oracle.evaluate(oracle.formula(row.formula), dtype, ["gate", "value"], [gate, value])
    if output == "gate":
        return oracle.evaluate(oracle.formula(row.derivative), dtype, ["gate", "value"], [gate, value], factors=grad)
    # The formula is linear in value.
    ones = [1.0] * len(gate)
    return oracle.evaluate(oracle.formula(row.formula), dtype, ["gate", "value"], [gate, ones], factors=grad)


@pytest.mark.parametrize("name", GATED)
def test_gated_values(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """The formula within the bound; in float64 the product may round once more."""
    gate, value, _ = operands(dtype)
    got = kernels.ufuncs[name](gate, value)
    bound = measure.bound_of(name, "forward", dtype) + (0.5 if dtype == "float64" else 0)
    assert_within(reference(name, "forward", dtype), got, bound, gate=gate, value=value)


@pytest.mark.parametrize("name", GATED)
def test_gated_gradients(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """Both gradients within the bound; in float64 the two products may round once more each."""
    gate, value, grad = operands(dtype)
    results = kernels.ufuncs[f"{name}_backward"](grad, gate, value)
    bound = measure.bound_of(name, "backward", dtype) + (1.0 if dtype == "float64" else 0)
    for output, got in zip(("gate", "value"), results, strict=True):
        try:
            assert_within(reference(name, output, dtype), got, bound, grad=grad, gate=gate, value=value)
        except pytest.fail.Exception as failure:
            pytest.fail(f"gradient of {output}: {failure.msg}")


@situation("nan")
@pytest.mark.parametrize("name", GATED)
def test_gated_nan(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """A NaN in any operand is NaN in every output that depends on it."""
    ones, nan = np.ones(1, dtype), np.full(1, np.nan, dtype)
    for gate in (-3.0, 0.0, 2.0):
        g = np.full(1, gate, dtype)
        assert np.isnan(kernels.ufuncs[name](g, nan)).all()
        assert np.isnan(kernels.ufuncs[name](nan, ones)).all()
        backward = kernels.ufuncs[f"{name}_backward"]
        assert all(np.isnan(r).all() for r in backward(nan, g, ones))
        assert np.isnan(backward(ones, g, nan)[0]).all()
        assert np.isnan(backward(ones, nan, ones)[1]).all()


@pytest.mark.parametrize("name", GATED)
def test_gated_raises_no_flags(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """Not for any mixture of special values."""
    special = np.array(
        [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny, -1e4], dtype
    )
    g, v, grad = (a.ravel() for a in np.meshgrid(special, special, special))
    with np.errstate(all="raise"):
        kernels.ufuncs[name](g, v)
        kernels.ufuncs[f"{name}_backward"](grad, g, v)


@pytest.mark.parametrize("name", [n for n in GATED if n != "glu"])
def test_gated_functions_broadcast(name: str) -> None:
    """Gate, value and grad broadcast like the operands of any ufunc."""
    gate, value = np.linspace(-2, 2.1, 5)[:, None], np.linspace(-1, 3, 4)
    got = getattr(actfn, name)(gate, value)
    wide = np.broadcast_arrays(gate, value)
    assert np.array_equal(got, getattr(actfn, name)(*wide))
    both = getattr(actfn, f"{name}_backward")(1.0, gate, value)
    assert len(both) == 2 and all(r.shape == (5, 4) for r in both)
    step = 1e-6
    f = getattr(actfn, name)
    np.testing.assert_allclose(both[0], (f(gate + step, value) - f(gate - step, value)) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(both[1], (f(gate, value + step) - f(gate, value - step)) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2, -2])
def test_glu_halves_an_axis(axis: int, dtype: str) -> None:
    """The first half is the value, the second the gate, as in PyTorch."""
    x = np.random.default_rng(0).normal(size=(4, 6, 8)).astype(dtype)
    value, gate = np.split(x, 2, axis)
    got = actfn.glu(x, axis)
    assert got.dtype == x.dtype and got.shape == value.shape
    assert np.array_equal(got, actfn._ufuncs.glu(gate, value))
    columns = [a.astype(float).ravel().tolist() for a in (gate, value)]
    exact = oracle.evaluate(oracle.formula("value*sigmoid(gate)"), dtype, ["gate", "value"], columns)
    assert_within(exact, got.ravel(), measure.GOAL[dtype][0] + 0.5 * (dtype == "float64"), value=value.ravel())
    grad = np.random.default_rng(1).normal(size=value.shape).astype(dtype)
    gx = actfn.glu_backward(grad, x, axis)
    assert gx.shape == x.shape and gx.dtype == x.dtype
    grad_value, grad_gate = np.split(gx, 2, axis)
    wanted = actfn._ufuncs.glu_backward(grad, gate, value)
    assert np.array_equal(grad_gate, wanted[0]) and np.array_equal(grad_value, wanted[1])


def test_glu_of_other_layouts_and_dtypes() -> None:
    """Integers, lists, Fortran order, out."""
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    assert np.array_equal(actfn.glu(np.asfortranarray(x)), actfn.glu(x))
    assert actfn.glu([0, 1]).dtype == np.float64 and actfn.glu(np.ones(2, np.int8)).dtype == np.float32
    out = np.empty((5, 3), np.float32)
    assert actfn.glu(x, out=out) is out and np.array_equal(out, actfn.glu(x))
    grad = np.ones((5, 3), np.float32)
    wanted = actfn.glu_backward(grad, x)
    for target in (np.empty_like(x), np.empty_like(x, order="F"), np.empty((5, 6)), x.copy()):
        assert actfn.glu_backward(grad, x, out=target) is target
        assert np.array_equal(target, wanted)
    inside = x.copy()
    actfn.glu_backward(grad, inside, out=inside)
    assert np.array_equal(inside, wanted)
    assert actfn.glu(np.ones((0, 4))).shape == (0, 2) and actfn.glu(np.ones((4, 0))).shape == (4, 0)
    assert actfn.glu_backward(1.0, x).shape == x.shape
    assert actfn.glu_backward(np.ones(3), [1.0, 2.0] * 3).shape == (6,)


@pytest.mark.parametrize(("function", "head"), [("glu", ()), ("glu_backward", (1.0,))])
def test_glu_errors(function: str, head: tuple[float, ...]) -> None:
    """An odd length, an axis that does not exist, complex numbers: the message names the function."""
    f: Any = getattr(actfn, function)
    with pytest.raises(ValueError, match=f"{function}: x must have an even length along axis 1, got 3"):
        f(*head, np.ones((2, 3)))
    with pytest.raises(np.exceptions.AxisError, match=function):
        f(*head, np.ones((2, 4)), 2)
    with pytest.raises(np.exceptions.AxisError, match=function):
        f(*head, 1.0)
    with pytest.raises(TypeError, match=rf"\b{function}\b"):
        f(*head, np.ones(4, complex))
    with pytest.raises(TypeError, match=f"{function}: axis must be an integer"):
        f(*head, np.ones((2, 4)), 0.5)


@situation("flags")
@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_glu_backward_by_a_number_is_computed_as_by_an_array(kind: str) -> None:
    """A Python number follows the array: the same bits, and no flag of a conversion from float64."""
    x = (np.random.default_rng(0).normal(size=(40, 30)) * 12).astype(kind)
    with np.errstate(all="raise"):
        got = actfn.glu_backward(1.0, x)
    assert got.tobytes() == actfn.glu_backward(np.ones((40, 15), kind), x).tobytes()


@situation("wrong out")
@situation("read-only")
def test_glu_backward_refuses_a_wrong_out() -> None:
    """Untouched: a wrong shape, integers, a read-only array, a list. The message names it, which is no ufunc."""
    x = np.ones((2, 4))
    frozen = np.full((2, 4), 7.0)
    frozen.flags.writeable = False
    for wrong, error in ((np.full((4, 2), 7.0), ValueError), (np.full((2, 4), 7), TypeError), (frozen, ValueError),
                         ([7.0], TypeError)):  # fmt: skip
        with pytest.raises(error, match="glu_backward: out must"):
            actfn.glu_backward(1.0, x, out=wrong)
        assert np.all(np.asarray(wrong) == 7)
