"""Inputs that the values are checked at: everywhere, and more of them where something happens."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .oracle import FORMATS

# Zeros of derivatives, which lie where both summands cancel, and points where a piece or a branch ends.
SLOPE_ZEROS = (
    -1.2784645427610738, -0.7517915246935645, -0.7524614220710162, -1.1924312145154952, -1.5, -0.7861513777574233,
    -1.078860058464624, -1.3945193019245041, -1.3724541370256922, -1.193059968928188, -1.1954312013879125,
    -0.881373587019543,
)  # fmt: skip
KINKS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 0.75, 0.41421356237309503, 0.8813735870195430, 4.0, 8.0, 40.0)
# Where exponentials underflow, overflow or vanish beside 1, per dtype.
EDGES = {
    "float16": (17.33, 8.32, 9.7, 11.09, 5.55, 4.0),
    "float32": (87.34, 88.73, 103.28, 103.98, 16.64, 17.33, 9.01, 9.36, 13.19, 14.17, 14.4, 5.9, 44.0, 52.0, 708.0,
                1e20),
    "float64": (708.4, 709.8, 744.44, 745.14, 36.05, 36.74, 37.43, 18.37, 18.72, 19.1, 37.52, 38.4, 38.6, 354.9, 372.6,
                1e8, 1e150, 1.35e154, 1e16, 26.5, 27.3),
}  # fmt: skip


def neighbours(values: Any, dtype: str, steps: int = 2) -> NDArray[Any]:
    """Values and the next floats on both sides of them."""
    centre = np.asarray(values, dtype)
    found = [centre]
    down = up = centre
    with np.errstate(all="ignore"):
        for _ in range(steps):
            down = np.nextafter(down, np.array(-np.inf, dtype))
            up = np.nextafter(up, np.array(np.inf, dtype))
            found += [down, up]
    return np.concatenate([np.ravel(f) for f in found])


@cache
def values(dtype: str, count: int = 1500) -> NDArray[Any]:
    """Sorted, distinct inputs with both zeros, both infinities and NaN at the end; about `count` of them."""
    rng = np.random.default_rng(20261121)
    info = np.finfo(dtype)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan]
    points = neighbours([*KINKS, *(-k for k in KINKS), *SLOPE_ZEROS], dtype)
    edges = np.array([s * e for e in EDGES[dtype] for s in (-1, 1)], np.float64)
    tiny, largest = float(info.smallest_subnormal), float(info.max)
    extremes = neighbours([tiny, -tiny, 8 * tiny, float(info.tiny), -float(info.tiny), largest, -largest], dtype, 1)
    if dtype == "float16":
        stratified = np.arange(0, 1 << 16, 16, dtype=np.uint16).view(np.float16)
        pieces = [stratified, points, edges, extremes]
    else:
        wide = 110.0 if dtype == "float32" else 760.0
        some = count // 10
        near = [z + s * 10.0**-k for z in SLOPE_ZEROS for k in range(1, info.precision) for s in (-1, 1)]
        logs = np.ldexp(rng.uniform(0.5, 1, 2 * some), np.linspace(
            np.log2(tiny) + 1, FORMATS[dtype].last + 1, 2 * some).astype(int))  # fmt: skip
        pieces = [
            points, edges, extremes, near, logs, -logs, edges + rng.uniform(-0.3, 0.3, edges.size),
            np.linspace(-12, 12, 2 * some + 1), rng.uniform(-20, 20, 2 * some), rng.uniform(-wide, wide, some),
            rng.uniform(-2, 2, some), -np.exp(rng.uniform(-12, 3, some)), np.exp(rng.uniform(-12, 3, some)),
            rng.uniform(-15, -12, some // 3) if dtype == "float32" else rng.uniform(-39, -36, some // 3),
        ]  # fmt: skip
    with np.errstate(all="ignore"):
        everything = np.concatenate([np.ravel(np.asarray(p)).astype(dtype) for p in pieces])
    finite = np.unique(everything[np.isfinite(everything) & (everything != 0)])
    return np.concatenate([finite, np.array(special, dtype)])
