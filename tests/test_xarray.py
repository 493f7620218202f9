"""xarray: names, coordinates and attributes stay, dimensions go by name, and Dask inside stays lazy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import actfn

from .calls import LENGTH, ROWS, Call, assert_same, each_call, each_row_call
from .situations import situation

pytestmark = situation("labels")

xr = pytest.importorskip("xarray", reason="xarray is not installed")


def labelled(array: Any) -> Any:
    """Dimensions, a coordinate for each, one that is no dimension, a name and attributes."""
    array = np.asarray(array)
    coords = {"sample": np.arange(ROWS) * 10, "site": ("sample", [f"s{k}" for k in range(ROWS)])}
    if array.ndim == 2:
        coords["channel"] = [f"c{k}" for k in range(array.shape[1])]
    return xr.DataArray(array, dims=["sample", "channel"][: array.ndim], coords=coords, name="z", attrs={"unit": "1"})


@each_call
def test_every_function(call: Call) -> None:
    """With any of its operands a DataArray the result is one, and has what the operand has besides values."""
    for some in (list(call.operands), list(call.operands)[:1]):
        operands = {n: labelled(call.operands[n]) for n in some}
        if call.name == "glu_backward" and "grad" in operands:
            # Labels of the half are those of the values.
            operands["grad"] = operands["grad"].assign_coords(channel=[f"c{k}" for k in range(LENGTH // 2)])
        for got, wanted in zip(call.run(**operands), call.run(), strict=True):
            assert isinstance(got, xr.DataArray) or np.ndim(wanted) == 0
            assert_same(got, wanted, exact=call.kind in ("elementwise", "gated") and np.ndim(wanted) > 0)
            if np.ndim(wanted):
                like = labelled(wanted)
                assert got.dims == like.dims and got.attrs == like.attrs and got.name == "z"
                xr.testing.assert_equal(got.coords.to_dataset(), like.coords.to_dataset())


@each_row_call
def test_dimensions_by_name_and_by_position(call: Call) -> None:
    """axis="channel" is the position of that dimension, in whatever order the dimensions are; the order stays."""
    operands = {n: labelled(a) for n, a in call.operands.items()}
    (wanted,) = call.run()
    for axis in ("channel", 1, -1):
        (got,) = call.run(**operands, axis=axis)
        assert_same(got, wanted, exact=False)
    turned = {n: a.T for n, a in operands.items()}
    (got,) = call.run(**turned, axis="channel")
    assert got.dims == turned[next(iter(turned))].dims or got.dims == ("sample",)
    assert_same(got.T, wanted, exact=False)
    # Operands are matched by their dimensions' names, not by position.
    mixed = operands | {"grad": operands["grad"].T} if "grad" in operands else operands
    (got,) = call.run(**mixed, axis="channel")
    assert_same(got, wanted, exact=False)


def test_masks_broadcast_by_name_or_position() -> None:
    """A labelled mask lacks whatever dimension it likes; an array broadcasts as in NumPy."""
    x = labelled(np.random.default_rng(0).normal(size=(ROWS, LENGTH)))
    of_channels, of_samples = np.arange(LENGTH) % 3 > 0, np.arange(ROWS) % 4 > 0
    wanted = actfn.softmax(x.values, mask=of_channels)
    named = xr.DataArray(of_channels, dims="channel")
    for mask in (of_channels, named, named.assign_coords(channel=x.channel)):
        assert_same(actfn.softmax(x, axis="channel", mask=mask), wanted, exact=False)
    got = actfn.softmax(x, axis="channel", mask=xr.DataArray(of_samples, dims="sample"))
    assert_same(got, actfn.softmax(x.values, mask=of_samples[:, None]), exact=False)
    kept = actfn.logsumexp(x, axis="channel", keepdims=True)
    assert kept.dims == x.dims and kept.shape == (ROWS, 1)
    assert_same(actfn.softmax(x, temperature=0.5), actfn.softmax(x.values, temperature=0.5), exact=False)


@each_call
def test_datasets_by_variable(call: Call) -> None:
    """Each variable of a Dataset by itself; a function of rows needs a dimension's name."""
    axis = {"axis": "channel"} if call.along_rows else {}
    operands: dict[str, Any] = {
        n: xr.Dataset({"u": labelled(a), "v": labelled(a) * (1 if a.dtype.kind == "i" else 2)}, attrs={"from": "here"})
        for n, a in call.operands.items()
    }
    if call.name == "glu_backward":
        operands["grad"] = operands["grad"].assign_coords(channel=[f"c{k}" for k in range(LENGTH // 2)])
    results = call.run(**operands, **axis)
    for variable in ("u", "v"):
        one = {n: a[variable].values for n, a in operands.items()}
        for got, wanted in zip(results, call.run(**one), strict=True):
            assert isinstance(got, xr.Dataset) and got.attrs == {"from": "here"}
            assert_same(got[variable], wanted, exact=False)
    if axis:
        with pytest.raises(
            TypeError, match=rf"{call.name}: axis must be the name of a dimension for a Dataset, got -1"
        ):
            call.run(**operands)


@each_call
def test_dask_inside_stays_lazy(call: Call) -> None:
    """Nothing is computed before it is asked for."""
    dask = pytest.importorskip("dask", reason="Dask is not installed")
    operands = {n: labelled(a).chunk(4) for n, a in call.operands.items()}
    if call.name == "glu_backward":
        operands["grad"] = operands["grad"].assign_coords(channel=[f"c{k}" for k in range(LENGTH // 2)])

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        results = call.run(**operands)
    for got, wanted in zip(results, call.run(), strict=True):
        assert dask.is_dask_collection(got) and got.dtype == wanted.dtype
        assert_same(got.compute(scheduler="synchronous"), wanted, exact=False)


def test_learned_gradients_have_the_parameter_s_dimensions() -> None:
    """A labelled slope per channel, whose gradient is summed over all other dimensions, in a Dataset too."""
    x, grad = (labelled(a) for a in np.random.default_rng(0).normal(size=(2, ROWS, LENGTH)).astype(np.float32))
    slope = xr.DataArray(np.linspace(0.1, 0.5, LENGTH), dims="channel", coords={"channel": x.channel})
    y, learned = actfn.prelu_backward(grad, x, slope)
    right = actfn.prelu_backward(grad.values, x.values, slope.values)
    assert y.dims == x.dims and learned.dims == ("channel",) and learned.dtype == np.float32
    assert_same(y, right[0], exact=True)
    assert_same(learned, right[1], exact=False)
    assert_same(actfn.prelu_backward(grad, x, slope.values)[1], right[1], exact=False)
    _, both = actfn.prelu_backward(grad.to_dataset(), x.to_dataset(), slope)
    assert_same(both["z"], right[1], exact=False)


def test_nan_is_not_left_out() -> None:
    """A loss that is NaN is NaN, although xarray sums leave NaN out."""
    x = labelled(np.full((ROWS, LENGTH), np.nan))
    assert actfn.cross_entropy(x, np.zeros(ROWS, int)).isnull()
    assert actfn.binary_cross_entropy(x, 1.0).isnull()
    assert actfn.cross_entropy(x * 0 + 1, np.full(ROWS, -100)).isnull()
    slope = xr.DataArray(np.full(LENGTH, 0.25), dims="channel")
    assert actfn.prelu_backward(x, x, slope)[1].isnull().all()


def test_random_slopes() -> None:
    """In training the slopes have the labels of x."""
    x = labelled(np.random.default_rng(0).normal(size=(ROWS, LENGTH)))
    for given in (x, x.to_dataset(), x.chunk(5)):
        y, slope = actfn.rrelu(given, training=True, rng=1, return_slope=True)
        assert type(y) is type(slope) is type(given)
        xr.testing.assert_equal(y, actfn.leaky_relu(given, slope))
        xr.testing.assert_equal(actfn.rrelu_backward(given, given, slope=slope), given * xr.where(given > 0, 1, slope))


def test_wrong_arguments() -> None:
    """Labels that disagree are an error, and so is a dimension that is not there."""
    x = labelled(np.ones((ROWS, LENGTH)))
    with pytest.raises(
        ValueError, match=r"softmax: axis must be a dimension of \('sample', 'channel'\) or its position, got 'time'"
    ):
        actfn.softmax(x, axis="time")
    with pytest.raises(TypeError, match="softmax: axis must be an integer, got 'channel'"):
        actfn.softmax(x.values, axis="channel")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="join"):
        actfn.softmax_backward(x.assign_coords(sample=range(ROWS)), x)
    with pytest.raises(ValueError, match=r"softmax: mask must broadcast to .*'channel': 10.*, got shape \(3,\)"):
        actfn.softmax(x, mask=np.ones(3, bool))
    with pytest.raises(ValueError, match=r"logsumexp_backward: grad must have one value per row, got 10 along 'chan"):
        actfn.logsumexp_backward(x, x, axis="channel")
    with pytest.raises(TypeError, match="softmax: out must be None for objects of xarray"):
        actfn.softmax(x, out=np.ones((ROWS, LENGTH)))
    with pytest.raises(ValueError, match="softmax_backward: grad must have the variable 'u'"):
        actfn.softmax_backward(xr.Dataset({"v": x}), xr.Dataset({"u": x}), axis="channel")
    with pytest.raises(TypeError, match="softmax: x must be a DataArray or a Dataset, got Variable of xarray"):
        actfn.softmax(x.variable)
    with pytest.raises(TypeError, match="softmax_backward: grad must be a DataArray or a Dataset, got Variable"):
        actfn.softmax_backward(x.variable, x)
    with pytest.raises(TypeError, match="softmax_backward: grad must be an array in memory, got MaskedArray of numpy"):
        actfn.softmax_backward(np.ma.masked_less(x.values, 2), x)
    with pytest.raises(TypeError, match="funnel_relu: x must be an array in memory, got DataArray of xarray"):
        actfn.funnel_relu(x, np.ones((1, 3, 3)))


def test_layers_take_names_of_dimensions() -> None:
    """As their functions do, forward and backward; an array has no names."""
    x = xr.DataArray(np.random.default_rng(3).normal(size=(2, 3, 4)), dims=("a", "b", "c"))
    for dim in ("a", "b", "c"):
        layer = actfn.layers.Softmax(dim=dim)
        xr.testing.assert_identical(layer(x), actfn.softmax(x, dim))
        xr.testing.assert_identical(layer.backward(x), actfn.softmax_backward(x, actfn.softmax(x, dim), dim))
    with pytest.raises(TypeError, match="softmax: axis must be an integer, got 'c'"):
        layer(x.values)
