"""The softmax family: exact values on small rows, the policy for infinities and masks, layouts, lengths, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import row_oracle
from .row_oracle import FROM_INPUT, REDUCED
from .situations import situation
from .test_values import assert_within

SAME_SHAPE = ["softmax", "log_softmax", "softmin", "softmax1", "sparsemax", "entmax15", "hardmax", "standardize"]
FORWARDS = [*SAME_SHAPE, *REDUCED]
SCALED = [name for name in SAME_SHAPE if "temperature" in actfn.catalog[name].params]
# Error of forward functions in float16 and float32, which are computed in float64, in ULP.
BOUND = {"float16": 0.51, "float32": 1.0}
LENGTHS = [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 255, 256, 257]
LONG = [4095, 4096, 4097, 10000]
EPS = 2.0**-53


def allowed(
    name: str, x: Sequence[float], exact: row_oracle.Reference, temperature: float, mask: Sequence[bool] | None
) -> NDArray[np.float64]:
    """Bound per entry in ULP of float64, computed as a good float64 algorithm does.

    Rounding d = (x - top) / temperature changes exp(d) by up to |d| half-ULP for each of its operations.
    sparsemax and logsumexp add numbers of the size of 1 and of top, logmeanexp of log(n) too; entmax15 squares
    such a sum.
    """
    z = np.array(x, np.longdouble) * (-1 if name == "softmin" else 1)
    if mask is not None:
        z = np.where(mask, z, -np.inf)
    z = np.where(np.isnan(z), -np.inf, z)
    top = z.max(initial=0.0 if name == "softmax1" else -np.inf)
    with np.errstate(all="ignore"):
        # Of long doubles, whose exponents suffice for any quotient.
        gap = np.where(np.isfinite(z), (top - z) / np.longdouble(temperature), 0.0)
        gap = np.minimum(gap * (1 if temperature == 1 else 2), 1500.0).astype(float)
        top = float(top)
        spacing = np.ldexp(1.0, exact.quantum)
        base = 3 + len(z) / 16
        if name in REDUCED:
            # The sum of a mean is rounded as base says, and its logarithm may cancel the top.
            terms = abs(top) + (1 if name == "logsumexp" else base / 4 + np.log(len(z)))
            return np.array([base]) + np.nan_to_num(2 * EPS * terms / spacing)
        if name == "hardmax":
            return np.full(len(z), 0.5)
        if name == "standardize":
            return np.full(len(z), base)
        if name == "sparsemax":
            return base + (len(z) + 4) * EPS / spacing
        if name == "entmax15":
            error = (len(z) + 4) * EPS
            return base + np.nan_to_num(error * (2 * np.sqrt(exact.nearest) + error) / spacing)
        if name == "log_softmax":
            second = np.sort(gap[np.isfinite(z)])[1:2].sum()
            return base + np.where(gap == 0, second, 0)
        return base + gap


def check(
    name: str, got: NDArray[Any], x: NDArray[Any], temperature: float = 1.0, mask: Sequence[bool] | None = None
) -> None:
    """One row against the exact one."""
    got = np.atleast_1d(got)
    dtype = got.dtype.name
    exact = row_oracle.forward(name, x.astype(float).tolist(), dtype, temperature, mask)
    if dtype != "float64":
        assert_within(exact, got, BOUND[dtype], x=x if got.size == x.size else x[:1])
        return
    errors = exact.errors(got)
    bounds = allowed(name, x.astype(float).tolist(), exact, temperature, mask)
    worst = int(np.argmax(errors / bounds))
    assert errors[worst] <= bounds[worst], (
        f"{name}: {errors[worst]:.4g} ULP, allowed {bounds[worst]:.4g}, at entry {worst} of {x.tolist()}: "
        f"got {got[worst]!r}, exact {exact.nearest[worst]!r}"
    )


def some_rows(dtype: str) -> list[NDArray[Any]]:
    """Rows of 1 ... 70 entries: ordinary, wide, narrow, dominated, tied, tiny, huge."""
    rng = np.random.default_rng(11)
    rows: list[Any] = [rng.normal(size=n) * s for s in (1e-3, 1, 10, 100, 1e4) for n in (1, 2, 3, 7, 16, 47, 48, 70)]
    rows += [[0.0, gap] for gap in (1e-3, 1, 16, 17, 20, 37, 50, 88, 100, 700, 745, 1000, 3e4)]
    rows += [[5.0] * n for n in (1, 2, 3, 16, 49)] + [[1.0, 1.0, 0.0], [-7.0, 3.0, 3.0, 3.0, -50.0]]
    rows += [[0.0, -0.0, 0.0], [6e-8, 1e-7], [60000.0, -60000.0], [60000.0, 60000.0], [-6e4, -6e4, -59999.0]]
    rows += [[-0.3665, -1.2], [1000.0] + [0.0] * 60, [-1000.0] * 20 + [-999.0]]
    if dtype != "float16":
        huge = float(np.finfo(dtype).max)
        rows += [[huge, 0.0], [huge, huge], [huge, -huge], [-huge, -huge, 0.0], [1e-40, -1e-40, 1e-39]]
    return [np.array(row, dtype) for row in rows]


# ---- Values ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("function", FORWARDS)
def test_values_of_rows(function: str, dtype: str) -> None:
    """Every entry of every row is within its bound of the exact one."""
    for x in some_rows(dtype):
        got = getattr(actfn, function)(x)
        assert got.dtype == x.dtype
        check(function, got, x)


@situation("parameters")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-200, 1e-6, 0.1, 0.5, 3.0, 1e6, 1e200, 1.7e308])
@pytest.mark.parametrize("function", SCALED)
def test_temperature(function: str, temperature: float, dtype: str) -> None:
    """Scores are divided by the temperature; the result is right even where x / temperature or x - top overflows."""
    for x in some_rows(dtype):
        check(function, getattr(actfn, function)(x, temperature=temperature), x, temperature)


@situation("parameters")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [3, 40, 60, 5000])
@pytest.mark.parametrize("temperature", [5e-324, 1e-310])
def test_next_to_no_temperature(n: int, temperature: float, dtype: str) -> None:
    """The limit: the largest entries share everything, whose gradient is 0 where one entry has it all."""
    x = np.zeros((2, n), dtype)
    x[0, 1], x[1, 1:3] = 1, 1
    keep = np.arange(n) > 0
    wanted = np.zeros((2, n))
    wanted[0, 1], wanted[1, 1:3] = 1, 0.5
    grad = np.arange(2.0 * n).reshape(2, n).astype(dtype)
    for function in SCALED:
        backward = getattr(actfn, f"{function}_backward")
        log = function == "log_softmax"
        for mask in (None, keep):
            y = getattr(actfn, function)(-x if function == "softmin" else x, mask=mask, temperature=temperature)
            with np.errstate(divide="ignore"):
                assert np.array_equal(y, np.log(wanted).astype(dtype) if log else wanted), function
            gradient = backward(grad[:1], y[:1], mask=mask, temperature=temperature)
            if not log:
                assert np.all(gradient == 0), function
            assert not np.isnan(backward(grad, y, mask=mask, temperature=temperature)).any(), function


@situation("lengths")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("function", FORWARDS)
@pytest.mark.parametrize("n", LENGTHS + LONG)
def test_every_length(function: str, n: int) -> None:
    """Rows around the sizes at which the kernels change their ways."""
    rng = np.random.default_rng(n)
    for dtype in ("float16", "float32", "float64") if n < 300 else ("float32", "float64"):
        x = (rng.normal(size=(2 if n < 300 else 1, n)) * 3).astype(dtype)
        got = getattr(actfn, function)(x)
        for k, row in enumerate(x):
            check(function, got[k], row)


@situation("lengths")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 31, 33])
@pytest.mark.parametrize("n", [1, 2, 5, 17])
def test_every_number_of_rows(rows: int, n: int) -> None:
    """The last group of rows, which does not fill the lanes, is as right as the others."""
    x = np.random.default_rng(rows).normal(size=(rows, n)).astype(np.float32)
    for function in FORWARDS:
        got = getattr(actfn, function)(x)
        for k in range(rows):
            check(function, got[k], x[k])


def test_large_arrays_use_threads_and_give_the_same_bits() -> None:
    """Rows are never split between threads, so their number changes nothing."""
    x = np.random.default_rng(0).normal(size=(300, 301))
    for function in FORWARDS:
        results = []
        for threads in (1, 2, 0):
            actfn.set_num_threads(threads)
            results.append(getattr(actfn, function)(x))
        assert all(r.tobytes() == results[0].tobytes() for r in results)


@situation("rows")
def test_probabilities_sum_to_1(dtype: str) -> None:
    """Up to n roundings of the dtype; for entmax15 also one of tau, as which the sum changes up to 2 sqrt(n) times."""
    for x in some_rows(dtype):
        for function in (actfn.softmax, actfn.softmin, actfn.sparsemax, actfn.entmax15, actfn.hardmax):
            y = function(x).astype(np.float64)
            roundings = 0.51 * x.size + (np.sqrt(x.size) if function is actfn.entmax15 else 0)
            assert abs(y.sum() - 1) <= roundings * np.finfo(dtype).eps
            assert np.all(y >= 0) and np.all(y <= 1)


# ---- Gradients ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("function", FORWARDS)
def test_gradients_of_rows(function: str, dtype: str) -> None:
    """Within the forward's bound of the exact gradient for that output, plus the rounding of the sum's terms."""
    rng = np.random.default_rng(2)
    backward = getattr(actfn, f"{function}_backward")
    for x in some_rows(dtype):
        saved = x if function in FROM_INPUT else getattr(actfn, function)(x)
        grad = np.asarray(rng.normal(size=() if function in REDUCED else x.shape)).astype(dtype)
        for temperature in (1.0, 0.3) if function in SCALED else (1.0,):
            keywords = {} if temperature == 1 else {"temperature": temperature}
            got = backward(grad, saved, **keywords)
            assert got.dtype == x.dtype and got.shape == x.shape
            check_gradient(function, got, np.atleast_1d(grad), saved, temperature)


def check_gradient(
    function: str, got: NDArray[Any], grad: NDArray[Any], saved: NDArray[Any], temperature: float = 1.0
) -> None:
    """One row's gradient against the exact one."""
    dtype, x = got.dtype.name, saved.astype(float).tolist()
    exact, size = row_oracle.backward(function, grad.astype(float).tolist(), x, dtype, temperature)
    # In log_softmax exp(y) has up to |y| <= 745 ULP more.
    terms = len(x) + 8 + (800 if function == "log_softmax" else 0)
    # Where terms cancel to 0 an error has no end in units of that: there what is left must be their rounding.
    zero = exact.nearest == 0
    assert np.all(np.abs(got[zero].astype(float)) <= terms * EPS * np.broadcast_to(size, got.shape)[zero])
    with np.errstate(all="ignore"):
        bound = BOUND.get(dtype, 3.0) + terms * np.nan_to_num(EPS * size / np.ldexp(1.0, exact.quantum), posinf=np.inf)
    if dtype == "float64" and function in REDUCED:
        bound = allowed("softmax", x, exact, 1.0, None) + 1
    errors = exact.errors(got)
    worst = int(np.argmax(errors - bound))
    assert errors[worst] <= bound[worst], (
        f"{errors[worst]:.4g} ULP, allowed {bound[worst]:.4g}: grad {grad!r} and {saved!r} "
        f"gave {got[worst]!r}, exact {exact.nearest[worst]!r}"
    )


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [5, 40, 130])
def test_gradients_that_nearly_cancel(n: int) -> None:
    """grad next to exp(y) sum(grad), or to sum(grad y), at all distances; rows along and side by side."""
    rng = np.random.default_rng(n)
    y = actfn.log_softmax((rng.normal(size=(17, n)) * 2).astype(np.float32))
    for scale in (1.0, 1e-20, 1e-37, 1e25, 1e36):
        for saved, share, function in ((y, np.exp(y), "log_softmax"), (np.exp(y), np.ones_like(y), "softmax")):
            g = rng.normal(size=y.shape) * scale
            total = g.sum(-1, keepdims=True) if function == "log_softmax" else (g * saved).sum(-1, keepdims=True)
            g[:, ::2] = (share * total * (1 + 2.0 ** -rng.integers(1, 26, y.shape)))[:, ::2]
            grad = g.astype(np.float32)
            backward = getattr(actfn, f"{function}_backward")
            for got in (backward(grad, saved), backward(grad.T.copy(), saved.T.copy(), 0).T):
                for k in range(0, 17, 8):
                    check_gradient(function, got[k], grad[k], saved[k])


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [5, 130])
def test_gradient_of_impossible_entries(n: int) -> None:
    """Where y is -inf or far down, log_softmax passes grad on, exactly; a sum of 0 or infinity changes no rule."""
    y = np.full((1, n), -np.log(n), np.float32)
    y[0, 1:4] = -np.inf, -90.0, -np.inf
    grad = np.zeros((1, n), np.float32)
    grad[0, :4] = 2.5, 0.0, 0.5, -1e-40
    got = actfn.log_softmax_backward(grad, y)
    assert got[0, 1] == 0 and got[0, 2] == 0.5 and got[0, 3] == grad[0, 3]
    grad[0, :4] = 2.5, 0.0, -2.5, 0.0
    assert np.array_equal(actfn.log_softmax_backward(grad, y), grad)
    for bad in (INF, NAN):
        grad[0, 0] = bad
        assert not np.isfinite(actfn.log_softmax_backward(grad, y)).any()
    for above in (9.0, 88.0, 100.0, 200.0):
        # No logarithm of a probability, but the formula holds.
        y[0, 0], grad[0, :4] = above, (1.0, 0.0, 0.0, 0.0)
        with np.errstate(over="ignore"):
            wanted = np.float32(1 - np.exp(above))
        assert actfn.log_softmax_backward(grad, y)[0, 0] == pytest.approx(wanted, rel=2e-7)
    y[0, n - 1] = NAN
    assert np.isnan(actfn.log_softmax_backward(np.zeros_like(grad), y)[0, n - 1])


@pytest.mark.parametrize("n", [*LENGTHS, 4097])
def test_gradients_agree_with_finite_differences(n: int) -> None:
    """A second opinion, which knows nothing of outputs and inputs: sum(grad * f) changes as the gradient says."""
    rng = np.random.default_rng(n)
    x, grad, step = rng.normal(size=(3, n))
    step *= 1e-5 / np.abs(step).max()
    for function in FORWARDS:
        f: Callable[..., Any] = getattr(actfn, function)
        g: Any = grad[0] if function in REDUCED else grad
        gradient = getattr(actfn, f"{function}_backward")(g, x if function in FROM_INPUT else f(x))
        if function in ("sparsemax", "entmax15") and np.any((f(x - step) > 0) != (f(x + step) > 0)):
            continue
        change = np.sum(g * f(x + step)) - np.sum(g * f(x - step))
        assert change == pytest.approx(2 * np.sum(gradient * step), rel=1e-5, abs=1e-14 * n)


# ---- Infinities and NaN ---------------------------------------------------------------------------------------

INF, NAN = np.inf, np.nan


@situation("rows")
@situation("infinity")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [3, 20, 50, 5000])
@pytest.mark.parametrize("function", FORWARDS)
def test_special_rows(function: str, n: int, dtype: str) -> None:
    """-inf entries count as absent; +inf or nothing but -inf gives NaN; NaN gives NaN.

    Not so: logsumexp and logmeanexp of +inf are +inf, of nothing but -inf -inf, and -inf counts in the mean;
    softmax1 of nothing but -inf is 0; hardmax picks +inf.
    """
    pad = [0.0] * (n - 3)
    for start in ([1.0, -INF, 2.0], [INF, 0.0, 1.0], [INF, -INF, INF], [NAN, 0.0, 1.0], [0.0, NAN, INF],
                  [-INF, NAN, -INF], [NAN, NAN, NAN]):  # fmt: skip
        for x in (np.array(start + pad, dtype), np.array(pad + start, dtype)):
            check(function, getattr(actfn, function)(x), x)
    x = np.full(n, -INF, dtype)
    check(function, getattr(actfn, function)(x), x)
    x[n // 2] = 3.0
    check(function, getattr(actfn, function)(x), x)


@situation("rows")
def test_special_rows_do_not_touch_their_neighbours() -> None:
    """Rows share vector registers, yet a NaN stays in its own."""
    clean = np.random.default_rng(1).normal(size=(33, 5))
    dirty = clean.copy()
    dirty[7], dirty[20] = NAN, INF
    for function in FORWARDS:
        f = getattr(actfn, function)
        keep = np.ones(33, bool)
        keep[[7, 20]] = False
        assert np.array_equal(f(dirty)[keep], f(clean)[keep])


@situation("nan")
def test_gradients_propagate_nan() -> None:
    """A NaN in grad or in the output makes the row's gradient NaN, wherever it stands in the row."""
    for function in SAME_SHAPE:
        backward = getattr(actfn, f"{function}_backward")
        y = getattr(actfn, function)(np.array([1.0, 1.2, 0.9]))
        for k in range(3):
            g = np.zeros(3)
            g[k] = NAN
            assert np.isnan(backward(g, y)).any(), f"{function}: NaN in grad disappeared"
            bad = y.copy()
            bad[k] = NAN
            assert np.isnan(backward(np.ones(3), bad)).any(), f"{function}: NaN in y disappeared"
    for backward in (actfn.logsumexp_backward, actfn.logmeanexp_backward):
        assert np.isnan(backward(NAN, np.zeros(3))).all()
        assert np.isnan(backward(1.0, np.array([0.0, NAN, 1.0]))).all()


# ---- Masks ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [3, 17, 48, 100, 5000])
@pytest.mark.parametrize("function", FORWARDS)
def test_masked_entries_take_no_part(function: str, n: int, dtype: str) -> None:
    """Masked entries give 0 (log_softmax: -inf) even where they hold NaN or inf; the others are as without them."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=n).astype(dtype)
    mask = rng.random(n) < 0.6
    mask[:2] = True, False
    x[1] = NAN
    if n > 3:
        mask[2], x[2] = False, INF
    got = getattr(actfn, function)(x, mask=mask)
    check(function, got, x, mask=mask.tolist())
    if function not in REDUCED:
        assert np.all(got[~mask] == (-INF if function == "log_softmax" else 0))


@pytest.mark.parametrize("n", [1, 3, 48, 5000])
def test_fully_masked_rows(n: int, dtype: str) -> None:
    """Nothing takes part: probabilities are 0, logarithms -inf, gradients 0, whatever the entries are."""
    nothing = np.zeros(n, bool)
    for fill in (1.0, NAN, INF, -INF):
        x = np.full(n, fill, dtype)
        for function in SAME_SHAPE:
            wanted = -INF if function == "log_softmax" else 0
            assert np.all(getattr(actfn, function)(x, mask=nothing) == wanted), function
        for function in REDUCED:
            assert getattr(actfn, function)(x, mask=nothing) == -INF
            assert np.all(getattr(actfn, f"{function}_backward")(1.0, x, mask=nothing) == 0)


def test_masked_gradients(dtype: str) -> None:
    """The gradient of a masked entry is 0, and its incoming gradient, even NaN, changes nothing."""
    rng = np.random.default_rng(4)
    for n in (3, 17, 50):
        x, grad = rng.normal(size=(2, n)).astype(dtype)
        mask = rng.random(n) < 0.5
        mask[:2] = True, False
        poisoned = np.where(mask, grad, NAN).astype(dtype)
        for function in SAME_SHAPE:
            y = getattr(actfn, function)(x, mask=mask)
            got = getattr(actfn, f"{function}_backward")(poisoned, y, mask=mask)
            alone = getattr(actfn, function)(x[mask])
            wanted = getattr(actfn, f"{function}_backward")(grad[mask], alone)
            assert np.all(got[~mask] == 0), function
            np.testing.assert_allclose(got[mask], wanted, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
        got = actfn.logsumexp_backward(1.0, x, mask=mask)
        assert np.all(got[~mask] == 0)
        np.testing.assert_allclose(got[mask], actfn.softmax(x[mask]), rtol=4 * np.finfo(dtype).eps)


def test_gradient_of_a_fully_masked_row_is_0() -> None:
    """Also through the output: y is 0 or -inf there."""
    nothing = np.zeros(4, bool)
    for function in SAME_SHAPE:
        y = getattr(actfn, function)(np.ones(4), mask=nothing)
        assert np.all(getattr(actfn, f"{function}_backward")(np.ones(4), y, mask=nothing) == 0), function


def test_masks_broadcast() -> None:
    """A mask of shape (n,) or (rows, 1) is that of every row or of whole rows."""
    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    for mask in (np.arange(5) % 2 == 0, np.array([[True], [False], [True]]), np.array(True), np.array(False)):
        for function in FORWARDS:
            f = getattr(actfn, function)
            assert np.array_equal(f(x, mask=mask), f(x, mask=np.broadcast_to(mask, x.shape).copy()))


# ---- Axes and layouts -----------------------------------------------------------------------------------------


def layouts(x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The same values in other arrangements of memory."""
    wide = np.zeros(tuple(2 * s for s in x.shape), x.dtype)
    every = tuple(slice(None, None, 2) for _ in x.shape)
    wide[every] = x
    raw = np.zeros(x.nbytes + 1, np.uint8)
    misaligned = np.frombuffer(raw.data, x.dtype, offset=1).reshape(x.shape)
    misaligned[...] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return {
        "C": np.ascontiguousarray(x),
        "F": np.asfortranarray(x),
        "strided": wide[every],
        "reversed": np.flip(np.flip(x).copy()),
        "transposed": np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0),
        "misaligned": misaligned,
        "byte-swapped": x.astype(x.dtype.newbyteorder()),
        "read-only": frozen,
    }


@situation("rows")
@situation("strides")
@pytest.mark.parametrize("arrangement", list(layouts(np.zeros(1))))
@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 3, 4, 5), (1, 18, 2), (2, 1, 50), (7,), (50, 1)])
def test_axes_and_layouts(shape: tuple[int, ...], arrangement: str) -> None:
    """Along every axis and in every layout the rows are the exact ones, forward and backward."""
    rng = np.random.default_rng(len(shape))
    plain = rng.normal(size=shape).astype(np.float32)
    x = layouts(plain)[arrangement]
    for axis in range(-len(shape), len(shape)):
        last = np.moveaxis(plain, axis, -1)
        for function in FORWARDS:
            got = getattr(actfn, function)(x, axis=axis)
            assert got.dtype == np.float32
            if function in REDUCED:
                flat = got.reshape(-1, 1)
                backward = getattr(actfn, f"{function}_backward")
                gradient = backward(got, x, axis=axis)
                wanted = np.moveaxis(backward(got, np.ascontiguousarray(last)), -1, axis)
            else:
                assert got.shape == shape
                flat = np.moveaxis(got, axis, -1).reshape(-1, shape[axis])
                gradient = getattr(actfn, f"{function}_backward")(x, got, axis=axis)
                inner = np.ascontiguousarray(np.moveaxis(got, axis, -1))
                wanted = np.moveaxis(
                    getattr(actfn, f"{function}_backward")(np.ascontiguousarray(last), inner), -1, axis
                )
            if axis >= 0:
                for k, row in enumerate(last.reshape(-1, shape[axis])):
                    check(function, flat[k], row)
            assert gradient.shape == shape
            np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-7)


def test_keepdims() -> None:
    """logsumexp keeps the axis with length 1 when asked."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in range(3):
        kept = actfn.logsumexp(x, axis, keepdims=True)
        assert kept.shape == tuple(1 if k == axis else s for k, s in enumerate(x.shape))
        assert np.array_equal(np.squeeze(kept, axis), actfn.logsumexp(x, axis))
        assert np.array_equal(actfn.logsumexp_backward(kept, x, axis),
                              actfn.logsumexp_backward(np.squeeze(kept, axis), x, axis))  # fmt: skip


def test_logsumexp_of_one_row_is_a_scalar() -> None:
    """As NumPy's own reductions return."""
    assert isinstance(actfn.logsumexp(np.ones(3, np.float32)), np.float32)
    assert isinstance(actfn.logsumexp([1, 2, 3]), np.float64)


# ---- dtypes ---------------------------------------------------------------------------------------------------


@situation("integers")
@pytest.mark.parametrize("function", FORWARDS)
@pytest.mark.parametrize(
    ("values", "kind", "computed"),
    [
        ([0, 200], "uint8", "float32"),
        ([127, -128], "int8", "float32"),
        ([-32768, 32767], "int16", "float32"),
        ([True, False], "bool", "float32"),
        ([65535, 0], "uint16", "float32"),
        ([2147483647, -2147483648], "int32", "float64"),
        ([3, 4], "int64", "float64"),
        ([0, 4294967295], "uint32", "float64"),
        ([7, 1], "uint64", "float64"),
    ],
)
def test_integers_become_floats_first(function: str, values: list[int], kind: str, computed: str) -> None:
    """Nothing wraps around: softmax of uint8 [0, 200] is [0, 1]."""
    x = np.array(values, kind)
    got = getattr(actfn, function)(x)
    assert got.dtype == computed
    check(function, got, x)


def test_lists_compute_in_float64() -> None:
    """Python numbers are float64, as for every NumPy function."""
    for function in FORWARDS:
        assert getattr(actfn, function)([1.0, 2.0]).dtype == np.float64
        assert getattr(actfn, function)([1, 2]).dtype == np.float64


@situation("other types")
@pytest.mark.parametrize("function", FORWARDS)
@pytest.mark.parametrize("bad", [np.ones(3, complex), np.array(["a", "b"]), np.array([None, 1]),
                                 np.ones(3, np.longdouble), np.ones(3, "m8[s]"), np.ones(3, "M8[s]")],
                         ids=lambda array: array.dtype.name)  # fmt: skip
def test_other_dtypes_are_refused(function: str, bad: NDArray[Any]) -> None:
    """TypeError that names the function, forward and backward; out stays as it was."""
    out = np.full(3, 7.0)
    with pytest.raises(TypeError, match=rf"^{function}: x must"):
        getattr(actfn, function)(bad, out=out if function not in REDUCED else np.array(7.0))
    with pytest.raises(TypeError, match=rf"^{function}_backward: (y|x) must"):
        getattr(actfn, f"{function}_backward")(1.0, bad, out=out)
    with pytest.raises(TypeError, match=rf"^{function}_backward: grad must"):
        getattr(actfn, f"{function}_backward")(bad, np.ones(bad.shape), out=out)
    assert np.all(out == 7.0)


# ---- out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out(function: str) -> None:
    """The result goes into out, and out is what is returned, whatever its layout or a wider dtype."""
    f = getattr(actfn, function)
    x = np.random.default_rng(0).normal(size=(6, 50)).astype(np.float32)
    wanted = f(x)
    for arrangement, out in layouts(np.empty_like(x)).items():
        if out.flags.writeable:
            assert f(x, out=out) is out
            np.testing.assert_array_equal(out, wanted, err_msg=arrangement)
    wider = np.empty(x.shape)
    assert f(x, out=wider) is wider
    np.testing.assert_array_equal(wider, wanted)


@situation("overlap")
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [5, 16, 47, 48, 49, 300, 5000])
@pytest.mark.parametrize("function", SAME_SHAPE)
def test_in_place_and_overlapping_out(function: str, n: int, axis: int) -> None:
    """out may be the input, or any view that overlaps it; so may it be grad or y of the backward."""
    f, backward = getattr(actfn, function), getattr(actfn, f"{function}_backward")
    rng = np.random.default_rng(n)
    start = rng.normal(size=(7, n) if axis else (n, 7))
    wanted = f(start, axis)
    x = start.copy()
    assert f(x, axis, out=x) is x
    np.testing.assert_array_equal(x, wanted)
    for shifted in (slice(1, None), slice(None, None, -1)):
        base = np.concatenate([start, start[:1]])
        x = base[: len(start)]
        out = base[shifted] if shifted.step is None else x[::-1]
        f(x, axis, out=out)
        np.testing.assert_array_equal(out, wanted)
    y, grad = f(start, axis), rng.normal(size=start.shape)
    wanted = backward(grad, y, axis)
    for operand in (0, 1):
        operands = [grad.copy(), y.copy()]
        backward(*operands, axis, out=operands[operand])
        np.testing.assert_array_equal(operands[operand], wanted)


@situation("overlap")
def test_out_of_logsumexp() -> None:
    """Here too out is returned; it has the reduced shape."""
    x = np.random.default_rng(0).normal(size=(4, 5))
    out = np.empty(4)
    with pytest.raises(TypeError, match="logsumexp: keepdims must be True or False"):
        actfn.logsumexp(x, keepdims=np.ones(2), out=out)
    assert actfn.logsumexp(x, out=out) is out
    assert np.array_equal(out, actfn.logsumexp(x))
    inside = x.copy()
    actfn.logsumexp(inside, out=inside[:, 2])
    assert np.array_equal(inside[:, 2], out)


@situation("wrong out")
@situation("read-only")
@pytest.mark.parametrize("function", FORWARDS)
def test_wrong_out(function: str) -> None:
    """A wrong shape, a dtype that cannot hold the result or a read-only array is refused before anything is written."""
    f = getattr(actfn, function)
    x = np.random.default_rng(0).normal(size=(4, 5))
    shape = (4,) if function in REDUCED else (4, 5)
    wrong = np.full((5, 4), 7.0)
    with pytest.raises(ValueError, match=rf"^{function}: out must have shape"):
        f(x, out=wrong)
    integers = np.full(shape, 7)
    with pytest.raises(TypeError, match=rf"^{function}: out must"):
        f(x, out=integers)
    frozen = np.full(shape, 7.0)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match=rf"^{function}: out must be writ"):
        f(x, out=frozen)
    with pytest.raises(TypeError, match=rf"^{function}: out must be an array"):
        f(x, out=[0.0] * 4)
    assert np.all(wrong == 7) and np.all(integers == 7) and np.all(frozen == 7)


# ---- Where rows lie, and who converts -------------------------------------------------------------------------


@situation("positions")
@situation("rows")
@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [3, 10, 48, 81, 300, 1500])
@pytest.mark.parametrize("function", FORWARDS)
def test_neighbours_change_no_bit(function: str, n: int) -> None:
    """A row's result is the same whatever stands beside it, NaN and infinity too, and wherever it starts."""
    rng = np.random.default_rng(n)
    x = (rng.normal(size=(3, n, 77)) * 4).astype(np.float32)
    f = getattr(actfn, function)
    for axis, rows in ((1, x), (2, np.ascontiguousarray(np.moveaxis(x, 1, 2)))):
        rest = (3, 77)
        whole = f(rows, axis) if function in REDUCED else np.moveaxis(f(rows, axis), axis, -1)
        assert whole.shape[:2] == rest
        for first in (0, 5, 16, 60):
            some = np.ascontiguousarray(np.take(rows, range(first, first + 17), 3 - axis)[1:2])
            got = f(some, axis) if function in REDUCED else np.moveaxis(f(some, axis), axis, -1)
            assert np.array_equal(got, whole[1:2, first : first + 17])
        dirty = rows.copy()
        np.moveaxis(dirty, axis, -1)[:, 5, 0] = NAN
        np.moveaxis(dirty, axis, -1)[:, 20, 1] = INF
        got = f(dirty, axis) if function in REDUCED else np.moveaxis(f(dirty, axis, out=dirty), axis, -1)
        clean = np.ones(77, bool)
        clean[[5, 20]] = False
        assert np.array_equal(got[:, clean], whole[:, clean])
        assert np.isnan(got[:, 5]).any()


@pytest.mark.parametrize("function", FORWARDS)
def test_plain_arrays_and_others_give_the_same_bits(function: str, dtype: str) -> None:
    """Arrays that the kernels read where they lie take a short way in; lists, strides and subclasses a longer one."""
    rng = np.random.default_rng(6)
    f, backward = getattr(actfn, function), getattr(actfn, f"{function}_backward")

    class Named(np.ndarray):
        pass

    for shape, axis in (((1, 3), -1), ((40, 10), 1), ((7, 90), -1), ((5, 6, 50), 1), ((30, 40), 0)):
        x = (rng.normal(size=shape) * 3).astype(dtype)
        y = f(x, axis)
        g = y.copy() if function in REDUCED else rng.normal(size=shape).astype(dtype)
        saved = x if function in FROM_INPUT else y
        gradient = backward(g, saved, axis)
        assert type(y) is type(f(x.view(Named), axis)) and y.dtype == gradient.dtype == dtype
        for other in (x.view(Named), x.astype(x.dtype.newbyteorder())):
            assert f(other, axis).tobytes() == y.tobytes()
        assert f(x, np.int64(axis)).tobytes() == y.tobytes()
        assert backward(g.view(Named), saved, axis).tobytes() == gradient.tobytes()
        assert backward(g, saved.view(Named), axis).tobytes() == gradient.tobytes()


def test_sums_near_zero_keep_their_digits() -> None:
    """logsumexp of a row whose largest entry and logarithm cancel; logmeanexp of entries nearly equal, or tiny."""
    rng = np.random.default_rng(3)
    for n in (2, 17, 100):
        for _ in range(50):
            x = (rng.normal(size=n) * 0.01).astype(np.float32)
            x = x - np.float32(actfn.logsumexp(x.astype(float)) + rng.normal() * 10.0 ** rng.uniform(-6, 0))
            check("logsumexp", actfn.logsumexp(x), x)
        for scale in (1.0, 1e-3, 1e-20, 1e-38):
            x = ((1 + rng.normal(size=n) * 1e-5) * scale).astype(np.float32)
            for row in (x, -x, rng.normal(size=n).astype(np.float32) * np.float32(scale)):
                check("logmeanexp", actfn.logmeanexp(row), row)
    assert actfn.logmeanexp([1e-300] * 7) == 1e-300


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [3, 20, 50, 5000])
def test_standardize_far_from_0_and_next_to_its_mean(n: int, dtype: str) -> None:
    """Equal entries are exactly 0 and have a gradient of 0; an offset costs no digit, whatever its size."""
    rng = np.random.default_rng(n)
    top = float(np.finfo(dtype).max)
    for offset in (0.1, -1e-5, 1000.1, 0.7 * top, -0.9 * top):
        x = np.full(n, offset, dtype)
        assert not actfn.standardize(x).any() and not actfn.standardize(np.stack([x] * 20, 1), 0).any()
        steps = np.abs(np.spacing(x)) * rng.integers(-5, 6, n).astype(dtype) * np.sign(-x)
        near = x + np.where(np.sign(steps) == np.sign(x), 0, steps)
        check("standardize", actfn.standardize(near), near)
        check("standardize", actfn.standardize(np.stack([near] * 20, 1), 0)[:, 3], near)
    x = rng.normal(size=n).astype(dtype)
    assert not actfn.standardize_backward(np.full(n, 0.1, dtype), x).any()
    # One entry next to the mean of the others.
    for _ in range(20):
        x = rng.normal(size=n).astype(dtype)
        x[1] = (x.astype(np.float64).sum() - x[1]) / (n - 1)
        check("standardize", actfn.standardize(x), x)


@pytest.mark.parametrize("epsilon", [1e-300, 1e-12, 0.1, 1.0, 1e300])
def test_epsilon(epsilon: float, dtype: str) -> None:
    """Added to the variance, forward and backward, by the short way and the long one."""
    x = np.random.default_rng(5).normal(size=(3, 7)).astype(dtype)
    wide = x.astype(np.longdouble)
    below = wide - wide.mean(-1, keepdims=True)
    scale = np.sqrt((below**2).mean(-1, keepdims=True) + np.longdouble(epsilon))
    tolerance = {"rtol": 2 * np.finfo(dtype).eps, "atol": float(np.finfo(dtype).smallest_subnormal)}
    g = wide[:, ::-1] - wide.mean(-1, keepdims=True)
    slope = (g - below / scale * (g * below / scale).mean(-1, keepdims=True)) / scale
    for other in (x, np.repeat(x, 2, 1)[:, ::2]):
        got = actfn.standardize(other, epsilon=epsilon)
        np.testing.assert_allclose(got.astype(float), (below / scale).astype(float), **tolerance)
        got = actfn.standardize_backward(x[:, ::-1], other, epsilon=epsilon)
        np.testing.assert_allclose(got.astype(float), slope.astype(float), rtol=tolerance["rtol"],
                                   atol=20 * float(np.finfo(dtype).eps / scale.max()) + tolerance["atol"])  # fmt: skip
    for bad, error in ((0.0, ValueError), (-1.0, ValueError), (np.nan, ValueError), ("small", TypeError)):
        for name, call in (("standardize", (x,)), ("standardize_backward", (x, x))):
            with pytest.raises(error, match=f"^{name}: epsilon must be"):
                getattr(actfn, name)(*call, epsilon=bad)


# ---- Nothing at all -------------------------------------------------------------------------------------------


@situation("empty")
@pytest.mark.parametrize(
    ("shape", "axis"), [((3, 0), 1), ((3, 0), 0), ((0, 3), 1), ((0, 3), 0), ((0,), 0), ((2, 0, 3), 1)]
)
def test_empty(shape: tuple[int, ...], axis: int) -> None:
    """Empty in, empty out; the sum over nothing is 0, so those that reduce give -inf."""
    x = np.zeros(shape, np.float32)
    for function in SAME_SHAPE:
        y = getattr(actfn, function)(x, axis)
        assert y.shape == shape and y.dtype == np.float32
        assert getattr(actfn, f"{function}_backward")(x, y, axis).shape == shape
        assert getattr(actfn, function)(x, axis, mask=np.ones(shape, bool)).shape == shape
    reduced = shape[:axis] + shape[axis + 1 :]
    for function in REDUCED:
        total = getattr(actfn, function)(x, axis)
        assert np.shape(total) == reduced and np.all(total == -np.inf)
        assert getattr(actfn, f"{function}_backward")(np.ones(reduced), x, axis).shape == shape


# ---- Errors ---------------------------------------------------------------------------------------------------


@situation("overlap")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("function", FORWARDS)
def test_out_over_the_mask_and_over_a_gradient_per_row(function: str, order: Any) -> None:
    """What lies beside the rows is read before the result is written over it."""
    rng = np.random.default_rng(0)
    for shape in ((40, 1), (40, 7), (5, 60)):
        x, mask = np.asarray(rng.normal(size=shape), order=order), rng.random(shape) < 0.7
        per_row = rng.normal(size=shape[:1])
        backward = getattr(actfn, f"{function}_backward")
        saved = x if function in FROM_INPUT else getattr(actfn, function)(x, mask=mask)
        grad = per_row if function in REDUCED else x
        for beside in (mask, per_row) if function in REDUCED else (mask,):
            for offset in (0, 8, beside.nbytes // 16 * 8):
                buffer = np.zeros(x.nbytes + beside.nbytes + 8, np.uint8)
                view = np.ndarray(beside.shape, beside.dtype, buffer, order=order)
                out = np.ndarray(x.shape, x.dtype, buffer, offset, order=order)
                for keep in (mask,) if beside is mask else (None, mask):
                    wanted = backward(grad, saved, mask=keep)
                    view[...] = beside
                    given = (grad, view) if beside is mask else (view, keep)
                    np.testing.assert_array_equal(backward(given[0], saved, mask=given[1], out=out), wanted)
                if beside is mask and function not in REDUCED:
                    wanted = getattr(actfn, function)(x, mask=mask)
                    view[...] = mask
                    np.testing.assert_array_equal(getattr(actfn, function)(x, mask=view, out=out), wanted)


@situation("subclasses")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("function", FORWARDS)
def test_an_operand_that_changes_another_while_it_is_asked_for_its_values(function: str) -> None:
    """What x was when it was taken, counts: no memory is read that it no longer has."""

    class Changes:
        def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[np.bool]:
            x.dtype = np.dtype(np.complex128)
            return np.ones(8, bool)

    x = np.random.default_rng(0).normal(size=(3, 8))
    wanted = getattr(actfn, function)(x, mask=np.ones(8, bool))
    np.testing.assert_array_equal(getattr(actfn, function)(x, mask=Changes()), wanted)
    assert x.dtype == np.complex128


@situation("subclasses")
@pytest.mark.parametrize("function", FORWARDS)
def test_an_out_that_lies_about_its_shape_is_refused(function: str) -> None:
    """What counts is the memory that an array has, not what its subclass says."""

    class Larger(np.ndarray):
        shape = property(lambda self: (300, 300))  # type: ignore[assignment]

    x = np.zeros((300, 300))
    y = getattr(actfn, function)(x)
    grad = np.ones(300) if function in REDUCED else x
    out = np.full(3, 7.0).view(Larger)
    with pytest.raises(ValueError, match="out must have shape"):
        getattr(actfn, f"{function}_backward")(grad, x if function in FROM_INPUT else y, out=out)
    assert np.all(np.asarray(out) == 7.0)


@pytest.mark.parametrize("function", FORWARDS)
def test_errors_name_the_function(function: str) -> None:
    """What is wrong, and where."""
    f, backward = getattr(actfn, function), getattr(actfn, f"{function}_backward")
    x = np.ones((2, 3))
    g = np.ones(2) if function in REDUCED else x
    for call, name in ((lambda **k: f(x, **k), function), (lambda **k: backward(g, x, **k), f"{function}_backward")):
        for axis in (2, -3, 10**30, -(2**40)):
            with pytest.raises(np.exceptions.AxisError, match=name):
                call(axis=axis)
        with pytest.raises(TypeError, match=f"{name}: axis must be an integer"):
            call(axis=0.5)
        with pytest.raises(TypeError, match=f"{name}: axis must be an integer"):
            call(axis=None)
        with pytest.raises(TypeError, match=f"{name}: mask must hold bool"):
            call(mask=np.ones((2, 3)))
        with pytest.raises(ValueError, match=f"{name}: mask must broadcast"):
            call(mask=np.ones((3, 2), bool))
    with pytest.raises(np.exceptions.AxisError, match=function):
        f(np.float64(1.0))
    with pytest.raises(ValueError, match=f"{function}_backward: grad must broadcast"):
        backward(np.ones((4, 3)), x)


@situation("parameters")
@pytest.mark.parametrize("temperature", [0, -1, 0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("function", SCALED)
def test_temperature_must_be_positive_and_finite(function: str, temperature: float) -> None:
    """ValueError that names function and value."""
    for name, call in ((function, (np.ones(3),)), (f"{function}_backward", (np.ones(3), np.ones(3)))):
        with pytest.raises(ValueError, match=f"{name}: temperature must be positive"):
            getattr(actfn, name)(*call, temperature=temperature)
        with pytest.raises(TypeError, match=f"{name}: temperature must be a number"):
            getattr(actfn, name)(*call, temperature="hot")


def test_no_warnings_from_rows(with_build: ModuleType, dtype: str) -> None:
    """Not even where NumPy is told to raise at every floating-point flag."""
    rows = [*some_rows(dtype), np.array([INF, NAN, -INF, 0], dtype), np.full(60, -INF, dtype)]
    with np.errstate(all="raise"):
        for x in rows:
            for function in FORWARDS:
                y = getattr(actfn, function)(x)
                saved = x if function in FROM_INPUT else y
                getattr(actfn, f"{function}_backward")(np.array(1, dtype), saved)


# ---- Ties and thresholds --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [3, 16, 47, 48, 64, 300, 5000])
def test_hardmax_takes_the_first_of_equals(n: int, axis: int, dtype: str) -> None:
    """As numpy.argmax, wherever the largest entries stand and whatever the sign of a zero."""
    rng = np.random.default_rng(n)
    x = rng.integers(-2, 2, (20, n)).astype(dtype)
    x[0] = 0.0
    x[1] = -np.where(np.arange(n) < n // 2, 0.0, -0.0)
    x[2] = np.arange(n) % 2
    x[3, [n // 3, -1]] = INF
    got = actfn.hardmax(x if axis else x.T.copy(), axis)
    got = got if axis else got.T
    assert np.array_equal(got.argmax(1), x.argmax(1)) and np.array_equal(got.sum(1), np.ones(20))


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("n", [2, 40, 60, 1000])
def test_entmax15_next_to_its_threshold(n: int) -> None:
    """Entries that lie at tau, or next to it on either side: the exact 0 and the smallest of shares."""
    gaps = [2.0, np.nextafter(2.0, 0), np.nextafter(2.0, 3), 2 - 1e-9, 2 - 1e-6, 1.99, 2 + 1e-9, 1e300]
    for gap in gaps:
        for others in (1, n - 1):
            x = np.full(n, -1e9)
            x[:others] = 5 - gap
            x[n // 2] = 5.0
            check("entmax15", actfn.entmax15(x), x)
    assert actfn.entmax15([2.0, 0.0]).tolist() == [1.0, 0.0]
    # Every other entry is a little larger: the support is half of the row.
    x = np.where(np.arange(n) % 2, 0.0, -3.0 / np.sqrt(n))
    check("entmax15", actfn.entmax15(x), x)
    # Each step brings one entry less.
    x = np.log2(1 + np.arange(n)) * -0.1
    check("entmax15", actfn.entmax15(x), x)


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("top", [-800.0, -745.0, -104.0, -88.0, -40.0, -1.0, 0.0, 1e-8, 1.0, 17.0, 80.0, 300.0])
@pytest.mark.parametrize("n", [1, 5, 50, 700])
def test_softmax1_around_its_0(n: int, top: float) -> None:
    """The 0 that the row has in addition may be the largest entry, the smallest, or one of several that are equal."""
    rng = np.random.default_rng(n)
    for dtype in ("float32", "float64"):
        for x in (np.full(n, top), top - rng.exponential(size=n), top - 30 * np.arange(n)):
            x = x.astype(dtype)
            check("softmax1", actfn.softmax1(x), x)
            both = np.stack([x] * 20, axis=1)
            check("softmax1", actfn.softmax1(both, 0)[:, 7], x)
