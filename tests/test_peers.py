"""The race is run against the right functions: each library agrees with this one."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from benchmarks import peers

from . import oracle
from .row_oracle import REDUCED


def cases() -> Iterator[Any]:
    """Every function of every library that is installed; the others are skipped as a whole."""
    for peer, library in peers.LIBRARIES.items():
        if peers.installed(peer):
            for name, direction in sorted(library.names()):
                for dtype in library.dtypes:
                    yield pytest.param(peer, name, direction, dtype, id=f"{peer}-{name}-{direction}-{dtype}")
        else:
            missing = " and ".join(m for m in (peer, *library.needs) if not peers.importable(m))
            yield pytest.param(peer, "", "", "", id=peer, marks=pytest.mark.skip(f"{missing} not installed"))


def arrays(name: str, direction: str, dtype: str) -> list[Any]:
    """Moderate inputs, away from kinks, of a shape that has an even length on every axis."""
    rng = np.random.default_rng(5)
    # Half precision leaves nothing of a tail.
    ends = (-1.93, 1.97) if dtype == "float16" else (-4.03, 4.07)
    x = np.linspace(*ends, 96).reshape(12, 8).astype(dtype)
    row = oracle.ROWS[name]
    low, high = oracle.domain_of(row)
    if low == 0:
        x = np.linspace(0.25, min(high, 4) - 0.25, 96).reshape(12, 8).astype(dtype)
    forward = {
        "target": rng.integers(0, 8, 12) if row.kind == "row loss" else rng.uniform(0, 1, x.shape).astype(dtype),
        "value": rng.normal(size=x.shape).astype(dtype),
    }
    inputs = [forward.get(operand, x) for operand in peers.operands(name, "forward")]
    if direction == "forward":
        return inputs
    shape = {"glu": (12, 4), **dict.fromkeys(REDUCED, (12,))}.get(name, () if "loss" in row.kind else x.shape)
    gradient = np.ones(()) if "loss" in row.kind else rng.normal(size=shape)
    return [gradient.astype(dtype), *inputs]


def agree(got: Any, wanted: Any, dtype: str) -> None:
    """All gradients, loosely: only another function is an error here."""
    several = isinstance(wanted, tuple)
    got, wanted = (list(got), list(wanted)) if several else ([flat(got)], [wanted])
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        one = np.asarray(one)
        assert one.shape == np.shape(other)
        assert one.dtype == dtype
        tolerance = 2e-2 if dtype == "float16" else 1e-3
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance / 10)


def flat(result: Any) -> Any:
    """Some return a list or a tuple of one array."""
    return result[0] if isinstance(result, tuple | list) else result


@pytest.mark.parametrize(("peer", "name", "direction", "dtype"), [*cases()])
def test_peer_has_the_same_function(peer: str, name: str, direction: str, dtype: str) -> None:
    found = peers.peers_of(name, direction, dtype)[peer]
    operands = arrays(name, direction, dtype)
    kept = [operand.copy() for operand in operands]
    wanted = peers.ours(name, direction).prepare(*operands)()
    try:
        call = found.prepare(*operands)
        got = call()
    except NotImplementedError:
        pytest.skip(f"{peer} lacks it in {dtype}")
    agree(got, wanted, dtype)
    agree(call(), wanted, dtype)
    if found.writes_out:
        out = np.full(np.shape(wanted), np.nan, dtype)
        found.prepare(*operands, out=out)()
        agree(out, wanted, dtype)
    for operand, before in zip(operands, kept, strict=True):
        assert np.array_equal(operand, before), "an input was overwritten"


@pytest.mark.parametrize("peer", peers.LIBRARIES)
def test_names_are_rows(peer: str) -> None:
    """A name that is no row would never be raced."""
    assert {name for name, _ in peers.LIBRARIES[peer].names()} <= set(oracle.ROWS)


def test_apply_takes_float32_and_keeps_it() -> None:
    x = np.linspace(-3, 3, 7, dtype=np.float32)
    for name in ("gelu", "prelu", "softmax", "threshold"):
        for direction in peers.DIRECTIONS:
            for found in peers.peers_of(name, direction).values():
                result = found.apply(x)
                assert result.dtype == np.float32 and result.shape == x.shape


# ---- What the catalog says of their defaults ------------------------------------------------------------------


def defaults(library: str) -> dict[str, list[float]]:
    """Numbers that a library's functions have as defaults, by the row of that name; those of builtins are not told."""
    found: dict[str, list[float]] = {}
    if library == "ONNX":
        onnx = importlib.import_module("onnx")
        told = {
            schema.name: [onnx.helper.get_attribute_value(a.default_value) for a in schema.attributes.values()
                          if a.default_value.name]
            for schema in onnx.defs.get_all_schemas()
        }  # fmt: skip
    else:
        module = importlib.import_module({"PyTorch": "torch.nn.functional", "JAX": "jax.nn"}[library])
        told = {}
        for name, function in vars(module).items():
            try:
                told[name] = [p.default for p in inspect.signature(function).parameters.values()]
            except (TypeError, ValueError):
                continue
    for name, values in told.items():
        try:
            row = oracle.facts.catalog.find(name).name
        except ValueError:
            continue
        found.setdefault(row, []).extend(float(v) for v in values if type(v) in (int, float))
    return found


@pytest.mark.parametrize("library", ["PyTorch", "JAX", "ONNX"])
def test_defaults_of_others(library: str) -> None:
    """Each number that a row attributes to a library is a default of the library's function."""
    module = {"PyTorch": "torch", "JAX": "jax", "ONNX": "onnx"}[library]
    pytest.importorskip(module, reason=f"{module} is not installed")
    known, checked = defaults(library), 0
    for name, row in oracle.ROWS.items():
        for parameter, values in row.elsewhere.items():
            for value, libraries in values.items():
                if library in libraries.split(", ") and name in known:
                    try:
                        number = float(Fraction(value))
                    except ValueError:
                        continue
                    assert any(math.isclose(number, told, rel_tol=1e-6) for told in known[name]), (name, parameter)
                    checked += 1
    assert checked >= 5
