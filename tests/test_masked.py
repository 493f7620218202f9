"""Masked arrays: what is masked takes no part and stays masked. Other subclasses are arrays to a function of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import actfn

from .calls import LENGTH, ROWS, Call, assert_same, each_call, each_row_call
from .row_oracle import REDUCED
from .situations import situation

pytestmark = situation("subclasses")

HIDDEN = np.random.default_rng(5).uniform(size=(ROWS, LENGTH)) < 0.3


@each_call
def test_without_anything_masked(call: Call) -> None:
    """The values of the plain array."""
    results = call.run(**{n: np.ma.masked_array(a) for n, a in call.operands.items()})
    for got, wanted in zip(results, call.run(), strict=True):
        assert isinstance(got, np.ma.MaskedArray) or np.ndim(wanted) == 0
        assert not np.ma.getmaskarray(got).any()
        assert_same(np.ma.getdata(got), wanted, exact=np.ndim(wanted) > 0)


@each_call
def test_what_is_masked_stays_masked(call: Call) -> None:
    """And no value under the mask, NaN included, changes anything that is not; losses refuse."""
    first = next(iter(call.operands))
    masked = np.ma.masked_array(call.operands[first], HIDDEN[:, : call.operands[first].shape[1]])
    if "loss" in call.kind:
        with pytest.raises(TypeError, match=f"{call.name}: logits must not have missing entries"):
            call.run(**{first: masked})
        return
    spoilt = masked.copy()
    spoilt.data[masked.mask] = np.nan
    for got, other in zip(call.run(**{first: masked}), call.run(**{first: spoilt}), strict=True):
        if np.ndim(got):
            lost = np.ma.getmaskarray(got)
            if call.name in REDUCED:
                assert np.array_equal(lost, HIDDEN.all(axis=1))
            elif call.name.startswith("glu"):
                pair = HIDDEN[:, : LENGTH // 2] | HIDDEN[:, LENGTH // 2 :]
                assert np.array_equal(lost, np.hstack([pair, pair]) if call.name == "glu_backward" else pair)
            else:
                assert np.array_equal(lost, HIDDEN)
            assert np.array_equal(lost, np.ma.getmaskarray(other))
        assert_same(np.ma.filled(got, 0), np.ma.filled(other, 0), exact=True)


@each_row_call
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_leave_masked_entries_out(call: Call, axis: int) -> None:
    """As mask= does, together with a mask= of the caller's, and with grad masked as well."""
    first = next(iter(call.operands))
    operands: dict[str, Any] = dict(call.operands)
    if "grad" in operands and call.name.removesuffix("_backward") in REDUCED:
        operands["grad"] = np.ones(operands[first].shape[1 - axis])
    more = np.arange(LENGTH) != 3
    if first == "y":
        # As the way forward leaves it.
        operands["y"] = np.where(HIDDEN, -np.inf if call.name.startswith("log") else 0, operands["y"])
    masked = np.ma.masked_array(operands[first], HIDDEN)
    for mask in (None, more):
        (got,) = call.run(**operands | {first: masked}, axis=axis, mask=mask)
        (wanted,) = call.run(**operands, axis=axis, mask=~HIDDEN & (True if mask is None else mask))
        there = ~np.ma.getmaskarray(got)
        assert there.any()
        np.testing.assert_array_equal(np.ma.getdata(got)[there], wanted[there])
    if "grad" in operands and call.name.removesuffix("_backward") not in REDUCED:
        (got,) = call.run(**operands | {"grad": np.ma.masked_array(operands["grad"], HIDDEN)}, axis=axis)
        assert np.array_equal(got.mask, HIDDEN)


def test_a_row_that_is_masked_throughout() -> None:
    """Has no sum."""
    x = np.ma.masked_array(np.ones((2, 3)), [[1, 1, 1], [0, 0, 1]])
    sums = actfn.logsumexp(x)
    assert list(sums.mask) == [True, False] and sums[1] == actfn.logsumexp([1.0, 1.0])
    assert actfn.logsumexp(x[0]) is np.ma.masked
    assert actfn.logsumexp(x, keepdims=True).shape == (2, 1)
    assert actfn.softmax(x).mask.all(axis=1).tolist() == [True, False]


def test_learned_gradients_leave_masked_entries_out() -> None:
    """A parameter learns nothing from what is not there."""
    x = np.ma.masked_array([-1.0, -2.0, -4.0], [False, True, False])
    grad, learned = actfn.prelu_backward(np.ones(3), x, 0.25)
    assert list(grad.mask) == [False, True, False] and learned == -5.0


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_other_subclasses_are_arrays() -> None:
    """np.matrix, which had its meaning of axes; elements stay in it."""
    x = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    for function in (actfn.softmax, actfn.glu, actfn.logsumexp):
        assert type(function(x)) is np.ndarray
        assert np.array_equal(function(x), function(np.asarray(x)))
    assert type(actfn.gelu(x)) is np.matrix


def test_out_is_refused() -> None:
    """A result that is masked has nowhere to put its mask in a plain array."""
    x = np.ma.masked_array([1.0, 2.0])
    with pytest.raises(TypeError, match=r"softmax: out must be None for objects of numpy\.ma, got ndarray"):
        actfn.softmax(x, out=np.ones(2))
