"""A slow twin of every function: what a call returns, entry by entry or row by row, with no kernel called.

The values are the oracles', exact, with the bounds that the tests of single functions hold; which entries meet each
other is NumPy's broadcasting, moved axes and slices. A result is looked at in a few places, the same for the same call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from . import measure, oracle, row_oracle, test_gumbel, test_losses, test_pieces, test_spatial
from .oracle import ball, rational
from .row_oracle import FROM_INPUT, REDUCED
from .test_rows import check, check_gradient
from .test_values import PARAMETERS, assert_within

PLACES = 3
LONGEST = 40  # rows whose exact values take milliseconds
Array = NDArray[Any]
Operands = Mapping[str, Any]
# Where the tests of values hold the bounds; a row's own are for its defaults.
DEFAULTS = {name: oracle.default_params(row) for name, row in oracle.ROWS.items() if row.kind == "elementwise"}


def places(shape: tuple[int, ...], count: int = PLACES) -> list[tuple[int, ...]]:
    """A few indices, the last among them."""
    size = int(np.prod(shape, dtype=int))
    flat = {k * 7919 % size for k in range(1, count)} | {size - 1} if size else set()
    return [tuple(int(i) for i in np.unravel_index(k, shape)) for k in sorted(flat)]


def native(array: Any) -> Array:
    """The array in the machine's byte order; a conversion may meet a signalling NaN."""
    array = np.asarray(array)
    with np.errstate(all="ignore"):
        return array.astype(array.dtype.newbyteorder("="))


def cast(array: Any, dtype: Any) -> Array:
    with np.errstate(all="ignore"):
        return native(array).astype(dtype)


# ---- Element by element ---------------------------------------------------------------------------------------


def knows(row: Any, x: float, params: Mapping[str, float]) -> bool:
    """Whether a bound is promised: at infinity for the defaults, elsewhere for what the tests of values have too."""
    if all(params[p] == DEFAULTS[row.name][p] for p in params):
        return True
    known = PARAMETERS[row.name]
    return bool(np.isfinite(x)) and all(any(one[p] == value for one in known) for p, value in params.items())


def elementwise(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """Forward, or backward with the gradients of learned parameters; the operands broadcast."""
    row = oracle.ROWS[name.removesuffix("_backward")]
    backward = name != row.name
    y, dtype = native(got[0]), native(got[0]).dtype.name
    inputs = {n: np.broadcast_to(cast(a, dtype), y.shape) for n, a in operands.items() if n not in row.params}
    params = {p: np.broadcast_to(native(operands.get(p, DEFAULTS[row.name][p])), y.shape) for p in row.params}
    for at in places(y.shape):
        x = float(inputs["x"][at])
        values = {p: float(a[at]) for p, a in params.items()}
        grad = float(inputs["grad"][at]) if backward else 1.0
        if not knows(row, x, values) or not np.isfinite(grad) or (np.isinf(x) and grad != 1):
            continue
        defaults = all(values[p] == DEFAULTS[row.name][p] for p in values)
        exact = oracle.elementwise(row.name, "backward" if backward else "forward", dtype, [x],
                                   None if defaults else values, [grad] if backward else None)  # fmt: skip
        bound = measure.GOAL[dtype][backward] + (0.5 if backward and dtype == "float64" else 0.0)
        if defaults and grad == 1:
            bound = max(bound, measure.bound_of(row.name, "backward" if backward else "forward", dtype))
        assert_within(exact, y[at].reshape(1), bound, x=[x], grad=[grad], **{p: [v] for p, v in values.items()})


def gated(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    row = oracle.ROWS[name.removesuffix("_backward")]
    dtype = native(got[0]).dtype.name
    if row.name == "glu":
        operands, got = halves(operands, got)
    shape = got[0].shape
    inputs = {n: np.broadcast_to(cast(a, dtype), shape) for n, a in operands.items()}
    for at in places(shape):
        gate, value, grad = (float(inputs[n][at]) if n in inputs else 1.0 for n in ("gate", "value", "grad"))
        if not np.isfinite([gate, value, grad]).all():
            continue
        columns = [[gate], [value]]
        names = ["gate", "value"]
        if name == row.name:
            wanted = [(oracle.evaluate(oracle.formula(row.formula), dtype, names, columns), "forward", 0.5)]
        else:
            slope = oracle.evaluate(oracle.formula(row.derivative), dtype, names, columns, factors=[grad])
            ones = oracle.evaluate(oracle.formula(row.formula), dtype, names, [[gate], [1.0]], factors=[grad])
            wanted = [(slope, "backward", 1.0), (ones, "backward", 1.0)]
        for (exact, direction, more), result in zip(wanted, got, strict=True):
            bound = measure.bound_of(row.name, direction, dtype) + (more if dtype == "float64" else 0.0)
            assert_within(exact, native(result)[at].reshape(1), bound, gate=[gate], value=[value], grad=[grad])


def halves(operands: Operands, got: tuple[Array, ...]) -> tuple[Operands, tuple[Array, ...]]:
    """glu as a function of a value and a gate, the two halves of x."""
    x, axis = native(operands["x"]), operands.get("axis", -1)
    value, gate = np.split(x, 2, axis)
    if "grad" in operands:
        second, first = np.split(native(got[0]), 2, axis)
        return {"gate": gate, "value": value, "grad": operands["grad"]}, (first, second)
    return {"gate": gate, "value": value}, got


# ---- Row by row -----------------------------------------------------------------------------------------------


def rows_of(array: Any, axis: int) -> Array:
    """The rows, one after the other along the last axis."""
    return np.moveaxis(native(array), axis, -1)


def rows(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """softmax and its family; `mask` and `temperature` as they are given."""
    forward = name.removesuffix("_backward")
    kernel = {"softmax2d": "softmax", "gumbel_softmax": "softmax"}.get(forward, forward)
    axis = -3 if forward == "softmax2d" else operands.get("axis", -1)
    saved = rows_of(operands["y" if "y" in operands else "x"], axis)
    scale = float(operands.get("temperature", operands.get("tau", 1.0)))
    mask = operands.get("mask")
    whole = np.shape(operands["y" if "y" in operands else "x"])
    masks = None if mask is None else rows_of(np.broadcast_to(mask, whole), axis)
    dtype = native(got[0]).dtype
    if "epsilon" in operands or dtype not in ("float16", "float32", "float64") or not 0 < saved.shape[-1] <= LONGEST:
        return
    saved = saved.astype(dtype)
    results = native(got[0]) if forward == name and forward in REDUCED else rows_of(got[0], axis)
    if forward in REDUCED and forward == name:
        results = results.reshape(*saved.shape[:-1], 1)
    for at in places(saved.shape[:-1], 2):
        x, keep = saved[at], None if masks is None else masks[at].tolist()
        if forward != name:
            grad = cast(operands["grad"], dtype)
            if forward in REDUCED:
                given = np.broadcast_to(grad, saved.shape[:-1])[at].reshape(1)
            else:
                given = rows_of(np.broadcast_to(grad, native(got[0]).shape), axis)[at]
            if keep is None and np.isfinite(given).all() and sound(kernel, x):
                check_gradient(kernel, results[at], given, x, scale)
        elif forward == "gumbel_softmax":
            x = native(operands["x"])
            if x.dtype == dtype != "float16" and keep is None:
                check("softmax", results[at], rows_of(test_gumbel.noisy(x, operands["rng"]), axis)[at], scale)
        elif keep is not None and np.isnan(x[keep]).any():
            # What is masked out may be 0 in such a row.
            assert np.isnan(results[at][keep] if kernel not in REDUCED else results[at]).all()
        else:
            check(kernel, results[at], x, scale, keep)


def sound(kernel: str, saved: Array) -> bool:
    """Whether this is what the forward function may have returned: of other numbers a gradient is anything."""
    if kernel in FROM_INPUT:
        return bool(np.isfinite(saved).all())
    if kernel == "log_softmax":
        return bool(((saved <= 0) & (saved > -np.inf)).all())
    return bool(((saved >= 0) & (saved <= 1)).all())


# ---- Losses ---------------------------------------------------------------------------------------------------


def cross_entropy(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """All rows, from the definition in exact arithmetic."""
    axis = operands.get("axis", -1)
    logits = rows_of(operands["logits"], axis)
    target, reduction = native(operands["target"]), operands.get("reduction", "mean")
    dtype, classes = native(got[0]).dtype.name, logits.shape[-1]
    if not np.isfinite(logits).all() or classes == 0 or logits.size > 600 or target.dtype.kind == "f":
        return
    wide = logits.astype(dtype).astype(float).reshape(-1, classes).tolist()
    ignored = int(operands.get("ignore_index", -100))
    targets = target.ravel().tolist()
    weight = None if operands.get("weight") is None else cast(operands["weight"], float).tolist()
    if weight is not None and not np.isfinite(weight).all():
        return
    smoothing = float(operands.get("label_smoothing", 0.0))
    a = [test_losses.target_weights(t, classes, weight, ignored, smoothing) for t in targets]
    count = test_losses.denominator(targets, weight, ignored) if targets else fmpq(0)
    divisor = count if reduction == "mean" else fmpq(1)
    if divisor == 0:
        return
    # What the bounds of float64 are for is ordinary logits; a sum of huge ones has their rounding.
    top = 1 + max((abs(v) for row in wide for v in row), default=0.0)
    size = (max((abs(v) for v in weight), default=0.0) if weight else 1.0) * (classes + len(wide)) * 40 * top
    bound = test_losses.BOUND[dtype]
    if name == "cross_entropy":
        each = reduction == "none"
        exact = row_oracle.resolve_row(
            lambda: (
                test_losses.row_losses(wide, a) if each else [sum(test_losses.row_losses(wide, a), fmpq(0)) / divisor]
            ),
            dtype,
        )
        if exact.nearest.size:
            scale = 1.0 if each or reduction == "sum" else 1 / abs(float(divisor.p) / float(divisor.q))
            test_losses.assert_close(exact, np.ravel(native(got[0])), bound, size * scale)
        return
    grad = np.broadcast_to(native(operands["grad"]), target.shape).ravel().astype(float)
    if not np.isfinite(grad).all() or not wide:
        return
    scales = [rational(g) / divisor for g in grad.tolist()]
    exact = row_oracle.resolve_row(lambda: test_losses.exact_gradients(wide, a, scales), dtype)
    terms = np.repeat([abs(float(ball(s).mid())) * size for s in scales], classes)
    result = rows_of(got[0], axis).reshape(-1)
    test_losses.assert_close(exact, result, bound + (16 if dtype == "float64" else 0), terms)


def binary_cross_entropy(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """A few of the losses or gradients; sums are the tests' of single functions."""
    if operands.get("reduction", "mean") != "none" or got[0].size == 0:
        return
    row, y = oracle.ROWS["binary_cross_entropy"], native(got[0])
    dtype, names = y.dtype.name, ["x", "target", "pos_weight"]
    arrays = [cast(operands["logits"], dtype), cast(operands["target"], dtype),
              native(operands.get("pos_weight", 1.0))]  # fmt: skip
    wide = [np.broadcast_to(a, y.shape) for a in arrays]
    grads = np.broadcast_to(cast(operands.get("grad", 1.0), dtype), y.shape)
    for at in places(y.shape):
        values, grad = [float(a[at]) for a in wide], float(grads[at])
        if not np.isfinite([*values, grad]).all():
            continue
        columns = [[v] for v in values]
        text = row.formula if name == row.name else row.derivative
        exact = oracle.evaluate(oracle.formula(text), dtype, names, columns, factors=[grad])
        terms = "Abs((1 - target)*softplus(x)) + Abs(pos_weight*target*softplus(-x))"
        if name != row.name:
            terms = "Abs((1 - target)*sigmoid(x)) + Abs(pos_weight*target*sigmoid(-x))"
        size = oracle.evaluate(oracle.formula(terms), "float64", names, columns, factors=[abs(grad)]).nearest
        bound = test_losses.BOUND[dtype] + (1.0 if dtype == "float64" else 0.0)
        test_losses.assert_close(exact, y[at].reshape(1), bound, 8 * size)


# ---- Pieces and planes ----------------------------------------------------------------------------------------


def pieces(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """Every bit is known."""
    x, axis = native(operands["x"]).astype(native(got[0]).dtype), operands.get("axis", -1)
    options = (operands.get("pieces", 2),) if "maxout" in name else ()
    if x.size == 0:
        return
    if "grad" not in operands:
        wanted = getattr(test_pieces, name)(x, *options, axis)
    else:
        shape = getattr(test_pieces, name.removesuffix("_backward"))(x, *options, axis).shape
        if np.isnan(x).any() and "crelu" in name:
            return
        grad = np.broadcast_to(cast(operands["grad"], x.dtype), shape)
        wanted = getattr(test_pieces, name)(grad, x, *options, axis)
    assert got[0].shape == wanted.shape
    np.testing.assert_array_equal(got[0], wanted)


def funnel_relu(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    dtype = native(got[0]).dtype.name
    x, window = (cast(operands[n], dtype) for n in ("x", "window"))
    if x.size > 200 or not np.isfinite(x).all() or not np.isfinite(window).all() or np.abs(x).max(initial=0) > 1e4:
        return
    if name == "funnel_relu":
        wanted, terms = test_spatial.forward(x, window)
        test_spatial.assert_close(native(got[0]), wanted, dtype, terms)
        return
    grad = np.broadcast_to(cast(operands["grad"], dtype), x.shape)
    if not np.isfinite(grad).all() or np.abs(grad).max(initial=0) > 1e4:
        return
    of_x, of_window, terms = test_spatial.backward(grad, x, window)
    test_spatial.assert_close(native(got[0]), of_x, dtype, terms)
    largest = np.abs(grad).max(initial=0.0) * np.abs(x).max(initial=0.0)
    test_spatial.assert_close(native(got[1]), of_window, dtype, 10 * x.size * max(float(largest), 1.0))


TWINS = {"elementwise": elementwise, "gated": gated, "rows": rows, "sampled rows": rows, "pieces": pieces,
         "row loss": cross_entropy, "pointwise loss": binary_cross_entropy}  # fmt: skip


def compare(name: str, operands: Operands, got: tuple[Array, ...]) -> None:
    """The results of a call against what they should be."""
    row = oracle.ROWS[name.removesuffix("_backward")]
    if row.kind == "spatial":
        (funnel_relu if row.name == "funnel_relu" else rows)(name, operands, got)
        return
    TWINS[row.kind](name, operands, got)
