"""A call of every function that works on arrays of any shape, for the tests of what is more than an array."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import oracle
from .row_oracle import FROM_INPUT, REDUCED

ROWS, LENGTH = 12, 10
IN_MEMORY = ("spatial", "pieces", "sampled rows")


@dataclass(frozen=True)
class Call:
    """`operands` are arrays by name, the one that has every axis first; `options` is what stays as it is."""

    name: str
    operands: dict[str, NDArray[Any]]
    options: dict[str, Any]

    def run(self, **other: Any) -> tuple[Any, ...]:
        """The results, of which some functions have two. Ufuncs take operands by position."""
        function, arguments = getattr(actfn, self.name), self.operands | self.options | other
        if isinstance(function, np.ufunc):
            names = list(inspect.signature(function).parameters)[: function.nin]
            operands = [arguments.pop(n) for n in names]
            result = function(*operands, **arguments)
        else:
            result = function(**arguments)
        return result if isinstance(result, tuple) else (result,)

    def out(self, arrays: list[Any]) -> Any:
        """What `out` takes of arrays like the results; None where there is no `out`."""
        if "out" not in inspect.signature(getattr(actfn, self.name)).parameters:
            return None
        several = self.kind == "gated" and len(arrays) > 1
        return tuple(arrays) if several else arrays[0]

    def resized(self, rows: int, length: int) -> Call:
        """The same on other numbers of rows and of entries; the values come again and again."""
        sizes = {ROWS: rows, LENGTH: length, LENGTH // 2: length // 2, 2 * LENGTH: 2 * length}
        operands = {name: np.resize(a, [sizes.get(n, n) for n in a.shape]) for name, a in self.operands.items()}
        return replace(self, operands=operands)

    @property
    def kind(self) -> str:
        return oracle.ROWS[self.name.removesuffix("_backward")].kind

    @property
    def along_rows(self) -> bool:
        return "axis" in inspect.signature(getattr(actfn, self.name)).parameters


def _operands(row: Any, dtype: str, backward: bool) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(7)
    x, other, grad = (rng.normal(size=(3, ROWS, LENGTH)) * 2).astype(dtype)
    if row.name == "glu":
        return {"x": x} | ({"grad": grad[:, ::2]} if backward else {})
    if row.kind == "gated":
        return {"gate": x, "value": other} | ({"grad": grad} if backward else {})
    if row.kind == "row loss":
        return {"logits": x, "target": rng.integers(0, LENGTH, ROWS)}
    if row.kind == "pointwise loss":
        return {"logits": x, "target": (other > 0).astype(dtype)}
    if row.name in REDUCED:
        return {"x": x} | ({"grad": grad[:, 0]} if backward else {})
    if row.kind == "rows" and row.name not in FROM_INPUT:
        return {"y": getattr(actfn, row.name)(x), "grad": grad} if backward else {"x": x}
    return {"x": x} | ({"grad": grad} if backward else {})


def calls(dtype: str = "float64") -> list[Call]:
    """Forward and backward of every row of the catalog but those that want arrays in memory."""
    found = []
    for name, row in oracle.ROWS.items():
        if row.kind in IN_MEMORY:
            continue
        given = {p: oracle.GIVEN[p] for p, value in row.params.items() if value is None}
        for backward in (False, True):
            options = given | ({"grad": 1.5} if backward and "loss" in row.kind else {})
            found.append(Call(name + "_backward" * backward, _operands(row, dtype, backward), options))
    return found


def in_memory(dtype: str = "float64") -> list[Call]:
    """Those that want arrays in memory."""
    rng = np.random.default_rng(8)
    x, grad = rng.normal(size=(2, ROWS, LENGTH)).astype(dtype)
    image, above = rng.normal(size=(2, 2, 3, ROWS, LENGTH)).astype(dtype)
    planes = {"x": image, "window": rng.normal(size=(3, 3, 3)).astype(dtype)}
    arguments: dict[str, tuple[dict[str, NDArray[Any]], dict[str, Any]]] = {
        "crelu": ({"x": x}, {}),
        "crelu_backward": ({"x": x, "grad": np.hstack([grad, grad])}, {}),
        "maxout": ({"x": x}, {}),
        "maxout_backward": ({"x": x, "grad": grad[:, ::2]}, {}),
        "funnel_relu": (planes, {}),
        "funnel_relu_backward": (planes | {"grad": above}, {}),
        "softmax2d": ({"x": image}, {}),
        "softmax2d_backward": ({"y": image, "grad": above}, {}),
        "gumbel_softmax": ({"x": x}, {"rng": 1}),
        "gumbel_softmax_backward": ({"y": x, "grad": grad}, {}),
    }
    wanted = {name for name, row in oracle.ROWS.items() if row.kind in IN_MEMORY}
    assert {name.removesuffix("_backward") for name in arguments} == wanted
    return [Call(name, operands, options) for name, (operands, options) in arguments.items()]


CALLS = calls()
each_call = pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
along_rows = [call for call in CALLS if call.kind == "rows"]
each_row_call = pytest.mark.parametrize("call", along_rows, ids=[call.name for call in along_rows])


def assert_same(got: Any, wanted: Any, exact: bool) -> None:
    """The same dtype and values: every bit, or where a row may be summed in another order all but a few."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    if exact:
        np.testing.assert_array_equal(got, wanted)
    else:
        eps = np.finfo(wanted.dtype).eps
        np.testing.assert_allclose(got, wanted, rtol=30 * eps, atol=30 * eps)


def same_bits(got: Any, wanted: Any) -> bool:
    """Of all but NaN, whose sign and payload nobody promises; dtype and shape too."""
    a, b = np.array(got), np.array(wanted)
    if a.dtype != b.dtype or a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    a[np.isnan(a)] = b[np.isnan(b)] = 0
    return a.tobytes() == b.tobytes()
