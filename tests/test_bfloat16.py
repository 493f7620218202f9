"""bfloat16, the dtype of ml_dtypes: computed in float32, rounded once, at every one of its 65,536 values."""

from __future__ import annotations

import os
from functools import cache, partial
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import measure, oracle, processes, row_oracle, test_pieces
from .situations import situation
from .test_calls import spread, view_of
from .test_semantics import CALLS, each_call, function_of, outputs, same_bits
from .test_values import assert_within, backward_of

pytestmark = situation("float types")

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
EVERY = np.arange(1 << 16, dtype=np.uint16).view(BFLOAT16)
# Every one is compared with float32, which the sweep holds to the exact values; every STEPth with those too.
STEP = int(os.environ.get("ACTFN_BFLOAT16_STEP", "16"))
ROW_FUNCTIONS = [name for name, row in oracle.ROWS.items() if row.kind == "rows"]
GATED = [name for name, row in oracle.ROWS.items() if row.kind == "gated"]


def wide(array: Any) -> NDArray[np.float32]:
    """The same values in float32."""
    return np.asarray(array).astype(np.float32)


def rounded(array: Any) -> NDArray[Any]:
    """A float32 to the nearest bfloat16, a tie to the even one, by ml_dtypes."""
    with np.errstate(all="ignore"):
        return np.asarray(array, np.float32).astype(BFLOAT16)


def assert_same(got: Any, wanted: Any) -> None:
    """Equal bit for bit but for the payload of a NaN."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype == wanted.dtype == BFLOAT16 and got.shape == wanted.shape
    nan = np.isnan(wide(wanted))
    assert np.array_equal(np.isnan(wide(got)), nan)
    assert np.array_equal(got.view(np.uint16)[~nan], wanted.view(np.uint16)[~nan])


def result(kernels: ModuleType, name: str, direction: str, x: NDArray[Any]) -> Any:
    """A build's function, or its derivative, at default parameters."""
    params = oracle.default_params(oracle.ROWS[name]).values()
    with np.errstate(all="raise"):
        if direction == "forward":
            return kernels.ufuncs[name](x, *params)
        return kernels.ufuncs[f"{name}_backward"](np.ones_like(x), x, *params)


# ---- Values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
def test_every_value_is_the_rounded_float32(name: str, direction: str, build: str, kernels: ModuleType) -> None:
    """Next to each other and not, by one thread and by many; no floating-point flag is seen."""
    wanted = rounded(result(kernels, name, direction, wide(EVERY)))
    assert_same(result(kernels, name, direction, EVERY), wanted)
    assert_same(result(kernels, name, direction, spread(EVERY)), wanted)
    assert_same(result(kernels, name, direction, np.tile(EVERY, 3)), np.tile(wanted, 3))


@cache
def reference(name: str, direction: str) -> oracle.Reference:
    """The exact values, once for all builds."""
    return oracle.elementwise(name, direction, "bfloat16", wide(EVERY[::STEP]).tolist())


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
def test_values(name: str, direction: str, build: str, kernels: ModuleType) -> None:
    """What rounding costs and what float32 may have lost, which is 2^-16 of a unit here, and no more."""
    x = EVERY[::STEP]
    assert_within(reference(name, direction), result(kernels, name, direction, x), 0.5 + 2.0**-16, x=wide(x))


def test_gradients_of_all_sizes(name: str, build: str, kernels: ModuleType) -> None:
    """The gradient from above may be anything: huge, subnormal, infinite, NaN."""
    grad = np.random.default_rng(2).permutation(EVERY)
    params = oracle.default_params(oracle.ROWS[name]).values()
    backward = kernels.ufuncs[f"{name}_backward"]
    assert_same(backward(grad, EVERY, *params), rounded(backward(wide(grad), wide(EVERY), *params)))


@pytest.mark.parametrize("gated", GATED)
def test_gated(gated: str, build: str, kernels: ModuleType) -> None:
    """Both gradients too."""
    rng = np.random.default_rng(3)
    value, grad = rng.permutation(EVERY), rng.permutation(EVERY)
    forward, backward = kernels.ufuncs[gated], kernels.ufuncs[f"{gated}_backward"]
    assert_same(forward(EVERY, value), rounded(forward(wide(EVERY), wide(value))))
    for got, wanted in zip(backward(grad, EVERY, value), backward(*map(wide, (grad, EVERY, value))), strict=True):
        assert_same(got, rounded(wanted))


def some(*shape: int, seed: int = 0) -> NDArray[Any]:
    """Ordinary numbers."""
    return rounded(np.random.default_rng(seed).normal(size=shape) * 3)


@pytest.mark.parametrize("shape", [(), (5,), (4, 1, 1), (4, 3, 5)])
def test_learned_gradients(learned: str, shape: tuple[int, ...]) -> None:
    """Of x and of the parameter; parameters of any dtype, bfloat16 included; the sum is rounded once."""
    backward = partial(backward_of, learned)
    grad, x = some(4, 3, 5, seed=1), some(4, 3, 5, seed=2)
    weight = np.random.default_rng(3).uniform(0.5, 1.5, shape).astype(BFLOAT16)
    gx, gw = backward(*(a.astype(np.float64) for a in (grad, x, weight)))
    for kind in (BFLOAT16, np.float32, np.float64):
        got = backward(grad, x, weight.astype(kind))
        assert_same(got[0], rounded(gx))
        assert_same(got[1], rounded(gw))
    assert isinstance(backward(grad, x, 0.75)[1], ml_dtypes.bfloat16)


def neighbours() -> NDArray[Any]:
    """Every finite value, in rows of 8 that are next to each other: near 0 and 1 many entries of a row count."""
    finite = wide(EVERY[np.isfinite(wide(EVERY))])
    return rounded(np.sort(finite).reshape(-1, 8))


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("function", ROW_FUNCTIONS)
def test_every_value_in_rows(function: str) -> None:
    """The rounded float32, whatever stands beside it: neighbours, any mixture, infinities and NaN."""
    rng = np.random.default_rng(14)
    forward, backward = getattr(actfn, function), getattr(actfn, f"{function}_backward")
    mixed = rng.permutation(neighbours().ravel())
    for x in (neighbours(), mixed.reshape(-1, 60), mixed.reshape(-1, 4), rng.permutation(EVERY).reshape(-1, 2)):
        y = forward(x)
        assert_same(y, rounded(forward(wide(x))))
        operand, grad = (y, rng.permutation(x.ravel()).reshape(x.shape)) if y.shape == x.shape else (x, x[:, 0])
        assert_same(backward(grad, operand), rounded(backward(wide(grad), wide(operand))))


@cache
def row_references(function: str) -> list[oracle.Reference]:
    """The exact rows, once for all builds."""
    return [row_oracle.forward(function, row.tolist(), "bfloat16") for row in wide(neighbours()[::STEP])]


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("function", ROW_FUNCTIONS)
def test_values_of_rows(function: str) -> None:
    """As of the element-wise functions: what rounding costs, and a unit of float32."""
    x = neighbours()[::STEP]
    for row, got, exact in zip(x, getattr(actfn, function)(x), row_references(function), strict=True):
        got = np.atleast_1d(got)
        assert_within(exact, got, 0.5 + 2.0**-16, x=wide(row[: got.size]))


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("axis", [0, 1])
def test_every_value_in_pieces(axis: int) -> None:
    """CReLU and maxout copy values: what they return is one of them, and known."""
    rng = np.random.default_rng(15)
    x = rng.permutation(EVERY).reshape(256, 256)
    for function, definition, keywords in [
        (actfn.crelu, test_pieces.crelu, {"axis": axis}),
        *((actfn.maxout, test_pieces.maxout, {"axis": axis, "pieces": k}) for k in (1, 2, 4, 8)),
    ]:
        backward, backward_definition = test_pieces.backward_of(function)
        y = function(x, **keywords)
        assert_same(y, rounded(function(wide(x), **keywords)))
        np.testing.assert_array_equal(wide(y), definition(wide(x), **keywords))
        grad = rng.permutation(np.resize(EVERY, y.size)).reshape(y.shape)
        gradient = backward(grad, x, **keywords)
        assert_same(gradient, rounded(backward(wide(grad), wide(x), **keywords)))
        if function is actfn.maxout:
            np.testing.assert_array_equal(wide(gradient), backward_definition(wide(grad), wide(x), **keywords))
        out = np.empty_like(y)
        assert function(x, **keywords, out=out) is out
        assert_same(out, y)


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("tau", [0.1, 1.0, 3.0])
def test_gumbel_softmax(tau: float, axis: int) -> None:
    """The noise is added in float64 and the sum rounded to float32: softmax and hardmax are of that."""
    x, grad = some(6, 40, 7, seed=16), some(6, 40, 7, seed=17)
    noise = -np.log(np.random.default_rng(18).standard_exponential(x.shape))
    moved = (wide(x) + noise).astype(np.float32)
    hard, soft = actfn.gumbel_softmax(x, tau, axis, rng=18, hard=True, return_soft=True)
    assert_same(hard, rounded(actfn.hardmax(moved, axis)))
    assert_same(soft, rounded(actfn.softmax(moved, axis, temperature=tau)))
    assert_same(actfn.gumbel_softmax(x, tau, axis, rng=18), soft)
    wanted = actfn.softmax_backward(wide(grad), wide(soft), axis, temperature=tau)
    assert_same(actfn.gumbel_softmax_backward(grad, soft, tau, axis), rounded(wanted))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("function", ROW_FUNCTIONS)
def test_rows(function: str, axis: int) -> None:
    """Forward, backward, masks and `out`, along any axis."""
    x, grad = some(6, 40, 7, seed=4), some(6, 40, 7, seed=5)
    mask = np.random.default_rng(6).random(x.shape) < 0.8
    forward, backward = getattr(actfn, function), getattr(actfn, f"{function}_backward")
    y = forward(x, axis)
    assert_same(y, rounded(forward(wide(x), axis)))
    assert_same(forward(x, axis, mask=mask), rounded(forward(wide(x), axis, mask=mask)))
    out = np.empty_like(y)
    assert forward(x, axis, out=out) is out
    assert_same(out, y)
    operand, grad = (y, grad) if y.shape == x.shape else (x, grad.take(0, axis))
    assert_same(backward(grad, operand, axis), rounded(backward(wide(grad), wide(operand), axis)))
    assert forward(x, axis, out=np.empty(y.shape, np.float32)).dtype == np.float32


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(reduction: Any) -> None:
    """Labels or probabilities; losses and gradients are of the logits' dtype."""
    logits, target = some(50, 9, seed=7), np.random.default_rng(8).integers(0, 9, 50)
    probabilities = rounded(actfn.softmax(wide(some(50, 9, seed=9))))
    grad = np.ones(50 if reduction == "none" else (), BFLOAT16)
    for wanted, same in ((target, target), (probabilities, wide(probabilities))):
        loss = actfn.cross_entropy(logits, wanted, reduction=reduction)
        assert_same(loss, rounded(actfn.cross_entropy(wide(logits), same, reduction=reduction)))
        gradient = actfn.cross_entropy_backward(grad, logits, wanted, reduction=reduction)
        exact = actfn.cross_entropy_backward(wide(grad), wide(logits), same, reduction=reduction)
        assert_same(gradient, rounded(exact))
    binary, b = actfn.binary_cross_entropy, actfn.binary_cross_entropy_backward
    for t in (probabilities, wide(probabilities)):
        assert_same(binary(logits, t, 2.0, reduction=reduction),
                    rounded(binary(wide(logits), wide(t), 2.0, reduction=reduction)))  # fmt: skip
    grad = np.ones((50, 9) if reduction == "none" else (), BFLOAT16)
    assert_same(b(grad, logits, probabilities, 2.0, reduction=reduction),
                rounded(b(wide(grad), wide(logits), wide(probabilities), 2.0, reduction=reduction)))  # fmt: skip


def test_images() -> None:
    """The softmax over channels and the funnel activation."""
    x, grad = some(2, 3, 8, 9, seed=19), some(2, 3, 8, 9, seed=20)
    for keywords in ({}, {"mask": wide(grad) > 0, "temperature": 0.5}):
        y = actfn.softmax2d(x, **keywords)
        assert_same(y, rounded(actfn.softmax(wide(x), 1, **keywords)))
        wanted = rounded(actfn.softmax_backward(wide(grad), wide(y), 1, **keywords))
        assert_same(actfn.softmax2d_backward(grad, y, **keywords), wanted)
    x, window, grad = some(2, 3, 8, 9, seed=10), some(3, 3, 3, seed=11), some(2, 3, 8, 9, seed=12)
    assert_same(actfn.funnel_relu(x, window), rounded(actfn.funnel_relu(wide(x), wide(window))))
    got, wanted = actfn.funnel_relu_backward(grad, x, window), actfn.funnel_relu_backward(*map(wide, (grad, x, window)))
    assert_same(got[0], rounded(wanted[0]))
    assert got[1].dtype == BFLOAT16


# ---- dtypes ---------------------------------------------------------------------------------------------------

# Of another operand, and of the result.
BESIDE = {
    "bool": BFLOAT16, "int8": BFLOAT16, "uint8": BFLOAT16, "int16": "float32", "uint16": "float32", "int32": "float64",
    "int64": "float64", "float16": "float32", "float32": "float32", "float64": "float64", "bfloat16": BFLOAT16,
}  # fmt: skip


@each_call
def test_result_dtypes(call: str, operands: int) -> None:
    """bfloat16 stays bfloat16 beside Python numbers and what it holds; wider operands win."""
    f, x = function_of(call), some(5)
    assert all(r.dtype == BFLOAT16 for r in outputs(f(*[x] * operands)))
    assert all(isinstance(r[()], ml_dtypes.bfloat16) for r in outputs(f(*[x[0]] * operands)))
    assert all(r.dtype == BFLOAT16 and r.shape == (0, 2) for r in outputs(f(*[np.empty((0, 2), BFLOAT16)] * operands)))
    for position in range(operands if operands > 1 else 0):
        arguments: list[Any] = [x] * operands
        for number in (1, 2.0, True):
            arguments[position] = number
            assert all(r.dtype == BFLOAT16 for r in outputs(f(*arguments))), number
        for kind, wanted in BESIDE.items():
            arguments[position] = np.ones(5, kind)
            got = f(*arguments)
            assert all(r.dtype == wanted for r in outputs(got)), kind
            if wanted != BFLOAT16:
                assert same_bits(got, f(*[a.astype(wanted) for a in arguments]))


@pytest.mark.parametrize("name", [n for n in measure.elementwise_names() if oracle.ROWS[n].params])
def test_parameters(name: str) -> None:
    """Numbers and arrays of any dtype, per element or per channel: the result is the rounded float32."""
    x = np.repeat(some(4, 60, seed=13), 30, axis=1)
    values = oracle.default_params(oracle.ROWS[name]).values()
    forward = getattr(actfn, name)
    for shape in ((), (4, 1), (1800,), (4, 1800)):
        for kind in (BFLOAT16, np.float16, np.float32, np.float64):
            params = [np.full(shape, v).astype(kind) for v in values]
            for view in (x, x[:, ::2]) if shape != (1800,) and shape != (4, 1800) else (x,):
                assert_same(forward(view, *params), rounded(forward(wide(view), *params)))


@each_call
def test_out_and_where(call: str, operands: int) -> None:
    """Into bfloat16, in place, into wider arrays, from wider ones; what `where` excludes stays."""
    f = function_of(call)
    arguments = [some(300, seed=k) for k in range(operands)]
    fresh = f(*arguments)
    if isinstance(fresh, tuple):
        return
    out = np.empty_like(fresh)
    assert f(*arguments, out=out) is out and same_bits(out, fresh)
    same = arguments[0].copy()
    assert f(same, *arguments[1:], out=same) is same and same_bits(same, fresh)
    mask = np.arange(300) % 3 == 0
    out = np.full(300, 7.0, BFLOAT16)
    f(*arguments, out=out, where=mask)
    assert same_bits(out[mask], fresh[mask]) and np.all(out[~mask] == 7)
    assert same_bits(f(*arguments, out=np.empty(300, np.float32)), wide(fresh))
    assert same_bits(f(*map(wide, arguments), dtype=BFLOAT16), fresh)
    assert same_bits(f(*map(wide, arguments), out=np.empty(300, BFLOAT16)), fresh)
    assert same_bits(f(*arguments, dtype=np.float64), f(*[a.astype(np.float64) for a in arguments]))
    with pytest.raises(TypeError):
        f(*arguments, out=np.empty(300, np.int32))


def test_any_layout() -> None:
    """Bits do not depend on the layout of operands and result, nor on the number of threads."""
    rng = np.random.default_rng(7)
    for shape in [(5,), (300,), (70_000,), (3, 400), (130, 140), (7, 1, 300), (20, 30, 40)] * 4:
        operands = [view_of(rng, shape, BFLOAT16) for _ in range(2)]  # type: ignore[arg-type]
        for operand in operands:
            operand[...] = rounded(rng.normal(size=shape) * 3)
        out = view_of(rng, shape, BFLOAT16)  # type: ignore[arg-type]
        with actfn.threads(int(rng.integers(1, 4))):
            for f, count in ((actfn.gelu, 1), (actfn.silu_backward, 2)):
                plain = f(*[np.ascontiguousarray(o) for o in operands[:count]])
                assert same_bits(f(*operands[:count]), plain)
                assert f(*operands[:count], out=out) is out and same_bits(out, plain)
                assert same_bits(f(*operands[:count], where=np.ones(shape, bool), out=out), plain)


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "int4"])
def test_other_dtypes_of_ml_dtypes_are_refused(kind: str) -> None:
    """TypeError that names the function and the operand."""
    x = np.zeros(3, getattr(ml_dtypes, kind))
    with pytest.raises(TypeError, match=rf"gelu: x must hold float16, .* got .*{kind}"):
        actfn.gelu(x)
    with pytest.raises(TypeError, match="softmax: x must hold float16, "):
        actfn.softmax(x)


# ---- Other processes ------------------------------------------------------------------------------------------


def test_nothing_imports_ml_dtypes() -> None:
    """It stays optional: only who has imported it can have such an array."""
    code = "import sys, actfn; actfn.gelu(1.0); actfn.softmax([1, 2]); print('ml_dtypes' in sys.modules)"
    assert processes.output(code) == "False"


FIRST = {
    "plain": "actfn.gelu(x)", "out": "actfn.gelu(x, out=x.copy())", "python number": "actfn.gelu_backward(1.0, x)",
    "scalar": "actfn.gelu(x[0])", "parameter": "actfn.leaky_relu(x, 0.5)", "dtype": "actfn.gelu([1.0], dtype=x.dtype)",
    "slices": "actfn.gelu(x[::2])", "rows": "actfn.softmax(x)", "where": "actfn.relu(x, where=x > 0, out=x.copy())",
    "outer": "actfn.gelu_backward.outer(x, x)", "learned": "actfn.prelu_backward(1.0, x, 0.25)[1]",
}  # fmt: skip


@pytest.mark.parametrize("imports", ["import ml_dtypes, actfn", "import actfn, ml_dtypes"])
def test_any_call_can_be_the_first(imports: str) -> None:
    """Whichever package came first, and whatever the first call with a bfloat16 is."""
    start = f"{imports}\nimport numpy as np\nx = np.ones(4, ml_dtypes.bfloat16)\n"
    for call in FIRST.values():
        assert processes.output(start + f"print(({call}).dtype)") == "bfloat16", call


def test_every_call_is_sampled() -> None:
    """The functions that this file goes through are those of the catalog."""
    assert {name.removesuffix("_backward") for name, _ in CALLS} | {"glu"} == {
        name for name, row in oracle.ROWS.items() if row.kind in ("elementwise", "gated")
    }
