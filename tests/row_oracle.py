"""Exact values of functions of rows: the textbook formulas in rational and ball arithmetic, no kernel involved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from .oracle import FORMATS, PRECISIONS, Reference, Rounded, ball, exact, rational

# Those that make a number of a row.
REDUCED = ("logsumexp", "logmeanexp")
# Those whose gradient is computed from their input, not from their output.
FROM_INPUT = (*REDUCED, "standardize")
Row = list[Any]  # of fmpq; None stands for -infinity


def resolve_row(function: Callable[[], Sequence[Any]], dtype: str) -> Reference:
    """All entries of a row with the precision they need; an entry None is -infinity, NaN is NaN."""
    form, was = FORMATS[dtype], ctx.prec
    try:
        for precision in PRECISIONS:
            ctx.prec = precision
            results = [_special(value, form) or exact(value, form) for value in function()]
            if None not in results:
                return Reference.of(dtype, results)  # type: ignore[arg-type]
    finally:
        ctx.prec = was
    raise ArithmeticError("the precisions do not suffice")


def _special(value: Any, form: Any) -> Rounded | None:
    if value is None:
        return Rounded(-math.inf, math.inf, form.smallest)
    if isinstance(value, float):
        return Rounded(value, math.inf if math.isinf(value) else 0.0, form.smallest)
    return None


def entries(row: Sequence[float], temperature: float = 1.0, mask: Sequence[bool] | None = None) -> Row:
    """x / temperature as exact numbers, None where masked or -infinite."""
    t = rational(temperature)
    keep = [True] * len(row) if mask is None else mask
    return [rational(x) / t if k and x != -math.inf else None for x, k in zip(row, keep, strict=True)]


def exponentials(z: Row) -> tuple[Row, Any, Any]:
    """exp(z - top), their sum, and top."""
    top = max(v for v in z if v is not None)
    e = [fmpq(0) if v is None else ball(v - top).exp() for v in z]
    return e, sum(e, arb(0)), top


def softmax(z: Row) -> Row:
    if all(v is None for v in z):
        return [fmpq(0)] * len(z)
    e, total, _ = exponentials(z)
    return [v / total for v in e]


def log_softmax(z: Row) -> Row:
    if all(v is None for v in z):
        return [None] * len(z)
    _, total, top = exponentials(z)
    log = total.log()
    return [None if v is None else (v - top) - log for v in z]


def logsumexp(z: Row) -> Row:
    if all(v is None for v in z):
        return [None]
    _, total, top = exponentials(z)
    return [top + total.log()]


def logmeanexp(z: Row) -> Row:
    """Of the entries that z has; masked ones, which do not count, must be left out of it."""
    if all(v is None for v in z):
        return [None]
    _, total, top = exponentials(z)
    return [top + (total / len(z)).log()]


def sparsemax(z: Row) -> Row:
    """The projection onto the simplex, by sorting (Martins and Astudillo, algorithm 1), in exact arithmetic."""
    present = sorted((v for v in z if v is not None), reverse=True)
    if not present:
        return [fmpq(0)] * len(z)
    total, tau = fmpq(0), fmpq(0)
    for k, v in enumerate(present, 1):
        total += v
        if 1 + k * v > total:
            tau = (total - 1) / k
    return [fmpq(0) if v is None or v < tau else v - tau for v in z]


def softmax1(z: Row) -> Row:
    """The softmax of a row with one more entry, 0."""
    return softmax([*z, fmpq(0)])[:-1]


def entmax15(z: Row) -> Row:
    """max(x / 2 - tau, 0)^2 that sums to 1; whether an entry lies above tau is a matter of rational numbers.

    The sum falls as tau rises, so x / 2 lies above tau if with tau = x / 2 the sum would be less than 1.
    """
    halves = [None if v is None else v / 2 for v in z]
    count, total, square, lowest = 0, fmpq(0), fmpq(0), None
    for v in sorted((v for v in halves if v is not None), reverse=True):
        if square - 2 * v * total + count * v * v >= 1:
            break
        count, total, square, lowest = count + 1, total + v, square + v * v, v
    if count == 0:
        return [fmpq(0)] * len(z)
    # The smaller root of sum((x - tau)^2) = 1 over these entries.
    mean = total / count
    tau = ball(mean) - ball((1 - square) / count + mean * mean).sqrt()
    return [fmpq(0) if v is None or v < lowest else (ball(v) - tau) ** 2 for v in halves]


def hardmax(z: Row) -> Row:
    """1 for the first of the largest, as numpy.argmax."""
    present = [v for v in z if v is not None]
    first = z.index(max(present)) if present else -1
    return [fmpq(int(k == first)) for k in range(len(z))]


def moments(z: Row, epsilon: float = 1e-5) -> tuple[Any, Any]:
    """Mean and deviation of the entries that z has."""
    present = [v for v in z if v is not None]
    mean = sum(present, fmpq(0)) / len(present)
    return mean, ball(sum(((v - mean) ** 2 for v in present), fmpq(0)) / len(present) + rational(epsilon)).sqrt()


def standardize(z: Row) -> Row:
    """Masked entries, which do not count, are 0."""
    if all(v is None for v in z):
        return [fmpq(0)] * len(z)
    mean, deviation = moments(z)
    # A rational 0 is exact.
    return [fmpq(0) if v is None or v == mean else (v - mean) / deviation for v in z]


FORWARD = {"softmax": softmax, "softmin": softmax, "softmax1": softmax1, "log_softmax": log_softmax,
           "logsumexp": logsumexp, "logmeanexp": logmeanexp, "sparsemax": sparsemax,
           "entmax15": entmax15, "hardmax": hardmax, "standardize": standardize}  # fmt: skip


def forward(
    name: str, row: Sequence[float], dtype: str, temperature: float = 1.0, mask: Sequence[bool] | None = None
) -> Reference:
    """The exact row; NaN where the policy says so."""
    return _forward(name, tuple(row), dtype, temperature, None if mask is None else tuple(mask))


@lru_cache(maxsize=4096)
def _forward(
    name: str, row: Sequence[float], dtype: str, temperature: float, mask: tuple[bool, ...] | None
) -> Reference:
    sign = -1 if name == "softmin" else 1
    row = [sign * x for x in row]
    kept = [x for k, x in enumerate(row) if mask is None or mask[k]]
    n = 1 if name in REDUCED else len(row)
    if any(x != x for x in kept) or (math.inf in kept and name not in (*REDUCED, "hardmax")):
        return Reference.of(dtype, [Rounded(math.nan, 0.0, 0)] * n)
    if name == "standardize" and -math.inf in kept:
        return Reference.of(dtype, [Rounded(math.nan, 0.0, 0)] * n)
    if math.inf in kept and name in REDUCED:
        return Reference.of(dtype, [Rounded(math.inf, math.inf, 0)])
    if math.inf in kept:
        # Larger than all others, which need not be told apart.
        row = [1.0 if x == math.inf else -math.inf for x in row]
    elif kept and all(x == -math.inf for x in kept) and name not in (*REDUCED, "softmax1"):
        return Reference.of(dtype, [Rounded(math.nan, 0.0, 0)] * n)
    z = entries(kept, temperature) if name == "logmeanexp" else entries(row, temperature, mask)
    return resolve_row(lambda: FORWARD[name](z), dtype)


def backward(
    name: str, grad: Sequence[float], y: Sequence[float], dtype: str, temperature: float = 1.0,
    mask: Sequence[bool] | None = None,
) -> tuple[Reference, np.ndarray[Any, np.dtype[np.float64]]]:  # fmt: skip
    """The exact gradient for a given output y (input x where a row becomes a number), and the size of its terms."""
    keep = [True] * len(y) if mask is None else list(mask)
    t = rational(-temperature if name == "softmin" else temperature)
    if name in REDUCED:
        z = entries(y, 1.0, mask)
        reference = resolve_row(lambda: [rational(grad[0]) * p for p in softmax(z)], dtype)
        return reference, np.zeros(len(y))
    g = [rational(v) if k else fmpq(0) for v, k in zip(grad, keep, strict=True)]
    if name == "standardize":
        z, count = entries(y, 1.0, mask), sum(keep)
        mean = sum(g, fmpq(0)) / count

        def slopes() -> Row:
            out, deviation = standardize(z), moments(z)[1]
            dot = sum(((a - mean) * v for a, v in zip(g, out, strict=True)), fmpq(0)) / count
            return [(a - mean - v * dot) / deviation if k else fmpq(0) for a, v, k in zip(g, out, keep, strict=True)]

        sizes = np.abs(np.array([float(arb(a).mid()) for a in g]))
        out = np.abs(_floats(standardize(z)))
        terms = sizes + sizes.sum() / count + out * (sizes * out).sum() / count
        return resolve_row(slopes, dtype), terms / float(ball(moments(z)[1]).mid())
    if name == "hardmax":
        return resolve_row(lambda: [fmpq(0)] * len(y), dtype), np.zeros(len(y))
    if name in ("softmax", "softmin", "softmax1"):
        p = [rational(v) for v in y]
        dot = sum((a * b for a, b in zip(g, p, strict=True)), fmpq(0))
        size = sum((abs(a * b) for a, b in zip(g, p, strict=True)), fmpq(0))
        sizes = [b * (abs(a) + size) / abs(t) for a, b in zip(g, p, strict=True)]
        return resolve_row(lambda: [b * (a - dot) / t for a, b in zip(g, p, strict=True)], dtype), _floats(sizes)
    if name == "log_softmax":
        total, size = sum(g, fmpq(0)), sum((abs(a) for a in g), fmpq(0))
        shares = [None if v == -math.inf else rational(v) for v in y]
        sizes = [(abs(a) + (size if k else 0)) / abs(t) for a, k in zip(g, keep, strict=True)]

        def gradient() -> Row:
            return [
                ((a - (0 if s is None else ball(s).exp() * total)) / t if k else fmpq(0))
                for a, s, k in zip(g, shares, keep, strict=True)
            ]

        return resolve_row(gradient, dtype), _floats(sizes)
    if name == "entmax15":
        # Sizes need no more digits than a float has.
        root, share = np.sqrt(np.array(y, float)), np.abs(np.array([float(arb(a).mid()) for a in g]))
        size = (root * share).sum() / root.sum() if root.any() else 0.0

        def roots_gradient() -> Row:
            q = [ball(rational(v)).sqrt() if v > 0 else None for v in y]
            weight = sum((r for r in q if r is not None), arb(0))
            dot = sum((r * a for a, r in zip(g, q, strict=True) if r is not None), arb(0))
            return [fmpq(0) if r is None else r * (a - dot / weight) for a, r in zip(g, q, strict=True)]

        return resolve_row(roots_gradient, dtype), root * (share + size)
    assert name == "sparsemax"
    support = [v > 0 for v in y]
    total = sum((a for a, s in zip(g, support, strict=True) if s), fmpq(0))
    size = sum((abs(a) for a, s in zip(g, support, strict=True) if s), fmpq(0))
    count = sum(support)
    values = [a - total / count if s else fmpq(0) for a, s in zip(g, support, strict=True)]
    sizes = [abs(a) + size / count if s else fmpq(0) for a, s in zip(g, support, strict=True)]
    return resolve_row(lambda: values, dtype), _floats(sizes)


def _floats(values: Row) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(arb(v).mid()) for v in values])
