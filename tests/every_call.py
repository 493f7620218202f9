"""A call of every public function in every way that takes a path of its own, on arrays whose contents are awkward."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import calls, oracle
from .calls import CALLS, LENGTH, ROWS, Call

Array = NDArray[Any]


def _more() -> dict[str, Call]:
    """What works on arrays in memory only, and the operands that a function can do without."""
    rng = np.random.default_rng(8)
    x, grad = rng.normal(size=(2, ROWS, LENGTH)) * 2
    image, above = rng.normal(size=(2, 2, 3, 4, 5)) * 2
    window, weight = rng.normal(size=(3, 3, 3)), rng.uniform(0.5, 1.5, LENGTH)
    mask, labels = rng.random((ROWS, LENGTH)) < 0.7, rng.integers(0, LENGTH, ROWS)
    shares, probabilities = actfn.softmax(image, 1), actfn.softmax(x)
    found = {
        "crelu": Call("crelu", {"x": x}, {}),
        "crelu_backward": Call("crelu_backward", {"x": x, "grad": np.hstack([grad, x])}, {}),
        "maxout": Call("maxout", {"x": x}, {}),
        "maxout_backward": Call("maxout_backward", {"x": x, "grad": grad[:, ::2].copy()}, {}),
        "funnel_relu": Call("funnel_relu", {"x": image, "window": window}, {}),
        "funnel_relu_backward": Call("funnel_relu_backward", {"x": image, "window": window, "grad": above}, {}),
        "softmax2d": Call("softmax2d", {"x": image}, {}),
        "softmax2d_backward": Call("softmax2d_backward", {"y": shares, "grad": above}, {}),
        "gumbel_softmax": Call("gumbel_softmax", {"x": x}, {"rng": 5}),
        "gumbel_softmax_backward": Call("gumbel_softmax_backward", {"y": probabilities, "grad": grad}, {}),
    }
    for call in CALLS:
        if call.name.removesuffix("_backward") in ("softmax", "logsumexp", "entmax15", "standardize"):
            found[f"{call.name} masked"] = replace(call, operands=call.operands | {"mask": mask})
        if call.name.removesuffix("_backward") == "softmax":
            found[f"{call.name} tempered"] = replace(call, options=call.options | {"temperature": 0.3})
    for call in CALLS:
        if call.kind == "row loss":
            logits = {"logits": call.operands["logits"]}
            ways: dict[str, dict[str, Array]] = {
                "weighted": {"target": labels, "weight": weight}, "of probabilities": {"target": probabilities},
            }  # fmt: skip
            if "grad" in call.options:
                ways["per row"] = {"target": labels, "grad": grad[:, 0].copy()}
            for way, operands in ways.items():
                own = {"reduction": "none"} if way == "per row" or "grad" not in call.options else {}
                options = {k: v for k, v in call.options.items() if k not in operands} | own
                found[f"{call.name} {way}"] = Call(call.name, logits | operands, options)
        if call.kind == "pointwise loss":
            operands = call.operands | {"pos_weight": weight} | ({"grad": grad} if "grad" in call.options else {})
            options = {"reduction": "none"}
            found[f"{call.name} weighted"] = Call(call.name, operands, options)
    return found


EVERY = {call.name: call for call in CALLS} | _more()
every_call = pytest.mark.parametrize("call", EVERY.values(), ids=EVERY)


def is_float(array: Any) -> bool:
    return np.asarray(array).dtype.kind == "f"


def of_dtype(call: Call, dtype: Any) -> Call:
    """The same call with its floating-point operands in another dtype."""
    return replace(call, operands={n: a.astype(dtype) if is_float(a) else a for n, a in call.operands.items()})


def takes_out(call: Call) -> bool:
    function = getattr(actfn, call.name)
    return isinstance(function, np.ufunc) or bool({"out", "kwargs"} & inspect.signature(function).parameters.keys())


def out_of(call: Call, results: tuple[Any, ...]) -> tuple[Any, ...]:
    """Those of the results that `out` is for: gradients of parameters have none."""
    function = getattr(actfn, call.name)
    return results[: function.nout if isinstance(function, np.ufunc) else 1]


def run_into(call: Call, outs: tuple[Any, ...], **other: Any) -> tuple[Any, ...]:
    return call.run(out=outs if len(outs) > 1 else outs[0], **other)


def same_bits(got: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Of every result."""
    return all(calls.same_bits(a, b) for a, b in zip(got, wanted, strict=True))


def parameters_of(call: Call) -> list[str]:
    """Numbers that shape the function."""
    return list(oracle.ROWS[call.name.removesuffix("_backward")].params)
