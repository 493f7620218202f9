"""Largest errors of every kernel: `python -m tests.measure [name ...]` prints a table, in ULP."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from . import oracle, samples

DTYPES = ("float16", "float32", "float64")
DIRECTIONS = ("forward", "backward")
# What every function must reach, whatever its parameters and gradients are.
GOAL = {"float16": (0.51, 0.51), "float32": (1.0, 1.0), "float64": (2.0, 2.0)}


def bound_of(name: str, direction: str, dtype: str) -> float:
    """The largest allowed error in ULP at default parameters and a gradient of 1: the row's, or else the goal."""
    bounds = oracle.ROWS[name].ulp.get(dtype, GOAL[dtype])
    return float(bounds[DIRECTIONS.index(direction)])


def elementwise_names() -> list[str]:
    return [name for name, row in oracle.ROWS.items() if row.kind == "elementwise"]


@cache
def reference(name: str, direction: str, dtype: str) -> oracle.Reference:
    """The exact values at `samples.values`; once for all builds."""
    return oracle.elementwise(name, direction, dtype, samples.values(dtype).tolist())


def builds() -> dict[str, Any]:
    from actfn import _build

    return {build: importlib.import_module(f"actfn._kernels_{build}") for build in _build.available()}


def result(kernels: Any, name: str, direction: str, dtype: str) -> Any:
    """What a build returns at `samples.values`, parameters at their defaults."""
    x = samples.values(dtype)
    params = oracle.default_params(oracle.ROWS[name]).values()
    if direction == "forward":
        return kernels.ufuncs[name](x, *params)
    return kernels.ufuncs[f"{name}_backward"](np.ones_like(x), x, *params)


def lines(names: list[str]) -> Iterator[str]:
    """One line per name, dtype and direction; a star where the bound, or the goal without one, is exceeded."""
    modules = builds()
    head = " ".join(f"{build:>10}" for build in modules)
    yield f"{'name':15} {'dtype':8} {'direction':9} {'bound':>6} {head}   worst: x, got, exact (builds in ULP)"
    for name in names:
        for dtype in DTYPES:
            x = samples.values(dtype)
            for direction in DIRECTIONS:
                exact, bound = reference(name, direction, dtype), bound_of(name, direction, dtype)
                columns, worst = [], (-1.0, "")
                for kernels in modules.values():
                    got = result(kernels, name, direction, dtype)
                    errors = exact.errors(got)
                    at = int(np.argmax(errors))
                    columns.append(f"{errors[at]:10.4g}")
                    where = f"x={x[at].item()!r} got {got[at].item()!r} exact {exact.rounded[at].item()!r}"
                    worst = max(worst, (float(errors[at]), where))
                star = "*" if worst[0] > bound else " "
                yield f"{name:15} {dtype:8} {direction:9} {bound:6.3g} {' '.join(columns)} {star} {worst[1]}"


if __name__ == "__main__":
    for line in lines(sys.argv[1:] or elementwise_names()):
        print(line, flush=True)
