"""Dask arrays: every function stays lazy, keeps dtype and chunks, and gives what NumPy gives, on a cluster too."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import actfn

from .calls import LENGTH, ROWS, Call, assert_same, calls, each_call, each_row_call
from .row_oracle import REDUCED
from .situations import situation

pytestmark = situation("labels")

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")

# Cut along every axis, into pieces of different lengths.
CHUNKS = (5, 3)


@pytest.fixture
def lazy() -> Iterator[None]:
    """Whoever computes anything fails."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        yield


def cut(array: Any) -> Any:
    return da.from_array(array, chunks=CHUNKS[: array.ndim])


def computed(results: tuple[Any, ...]) -> tuple[Any, ...]:
    return dask.compute(*results, scheduler="synchronous")


@each_call
def test_every_function(call: Call, lazy: None) -> None:
    """With any of its operands a Dask array: nothing is computed, dtype, shape and meta are known, values are right."""
    wanted = call.run()
    for some in (list(call.operands), *([n] for n in call.operands)):
        results = call.run(**{n: cut(call.operands[n]) for n in some})
        assert all(isinstance(r, da.Array) for r in results), some
        for result, got, right in zip(results, computed(results), wanted, strict=True):
            assert result.dtype == right.dtype and result.shape == np.shape(right)
            assert type(result._meta) is np.ndarray and result._meta.dtype == right.dtype
            assert_same(got, right, exact=call.kind in ("elementwise", "gated") and result.ndim > 0)


@each_call
def test_every_function_travels(call: Call) -> None:
    """What a scheduler and its workers receive is made of names, and computes the same when it has arrived."""
    results = call.run(**{n: cut(a) for n, a in call.operands.items()})
    sent = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed").dumps(results)
    assert b"actfn" in sent
    for got, wanted in zip(computed(pickle.loads(sent)), computed(results), strict=True):
        assert_same(got, wanted, exact=True)


def test_dtypes() -> None:
    """float16 and float32 stay what they are, integers become what they become in NumPy."""
    for dtype in ("float16", "float32"):
        for call in calls(dtype):
            results = call.run(**{n: cut(a) for n, a in call.operands.items()})
            assert all(r.dtype == dtype for r in results) and all(c.dtype == dtype for c in computed(results)), (
                call.name
            )
    numbers = np.arange(8, dtype=np.int8)
    assert actfn.softmax(da.from_array(numbers, chunks=3)).dtype == actfn.softmax(numbers).dtype == np.float32


@each_row_call
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_every_axis(call: Call, axis: int) -> None:
    """Rows along any axis, cut by chunks or not, with a mask that broadcasts, a temperature, and kept dimensions."""
    rng = np.random.default_rng(3)
    x, grad = rng.normal(size=(2, 4, 6, 8))
    operands: dict[str, Any] = dict.fromkeys(call.operands, x)
    if "grad" in operands:
        operands["grad"] = grad
    if call.name in [f"{name}_backward" for name in REDUCED]:
        operands["grad"] = grad.max(axis)
    mask = rng.uniform(size=(6, 8)) < 0.7
    settings: list[dict[str, Any]] = [{}, {"mask": mask}]
    if call.name.startswith(("softm", "log_softmax")):
        settings += [{"temperature": 0.5}, {"temperature": 2.0, "mask": mask}]
    if call.name in REDUCED:
        settings += [{"keepdims": True}]
    for chunks in ((4, 6, 8), (3, 4, 5), (1, 2, 3)):
        lazily: dict[str, Any] = {n: da.from_array(a, chunks=chunks[: a.ndim]) for n, a in operands.items()}
        for options in settings:
            (wanted,) = Call(call.name, operands, {"axis": axis}).run(**options)
            (result,) = Call(call.name, lazily, {"axis": axis}).run(**options)
            assert result.shape == wanted.shape and result.chunks != ()
            assert_same(result.compute(scheduler="synchronous"), wanted, exact=False)
    if "mask" in options:
        lazy_mask = da.from_array(mask, chunks=2)
        (result,) = Call(call.name, lazily, {"axis": axis}).run(**options | {"mask": lazy_mask})
        assert_same(result.compute(scheduler="synchronous"), wanted, exact=False)


def test_a_row_is_never_computed_in_parts(lazy: None) -> None:
    """Chunks along the axis are joined; they then hold fewer rows, so that none becomes larger than it was."""
    x = da.ones((1000, 1200), chunks=(1000, 100), dtype=np.float32)
    y = actfn.softmax(x)
    assert y.numblocks[1] == 1 and max(y.chunks[0]) * 1200 <= 1000 * 100
    assert y.npartitions <= 2 * x.npartitions
    whole = da.ones((1000, 1200), chunks=(7, 1200))
    assert actfn.softmax(whole).chunks == whole.chunks
    assert actfn.softmax(whole, 0).numblocks[0] == 1


def test_rows_of_unknown_number() -> None:
    """What a selection leaves has a length that is known only later."""
    x = np.random.default_rng(0).normal(size=(12, 6))
    for chunks in ((4, 6), (4, 2)):
        lazily = da.from_array(x, chunks=chunks)
        chosen = lazily[lazily[:, 0] > 0]
        y = actfn.softmax(chosen)
        wanted = actfn.softmax(x[x[:, 0] > 0])
        assert_same(y.compute(), wanted, exact=False)
        with pytest.raises(ValueError, match=r"softmax_backward: y must have known lengths, got \(nan, 6\); see"):
            actfn.softmax_backward(chosen, y)
        for call in (
            lambda: actfn.binary_cross_entropy(chosen, chosen > 0),  # noqa: B023
            lambda: actfn.swiglu_backward(chosen, chosen, chosen),  # noqa: B023
            lambda: actfn.rrelu(chosen, training=True),  # noqa: B023
        ):
            with pytest.raises(ValueError, match=r"must have known lengths, got \(nan, 6\); see its compute_chunk_s"):
                call()
        chosen = chosen.compute_chunk_sizes()
        gradient = actfn.softmax_backward(chosen, actfn.softmax(chosen))
        assert_same(gradient.compute(), actfn.softmax_backward(chosen.compute(), wanted), exact=False)


def test_gradients_of_gated_functions_are_ufuncs_all_the_same(lazy: None) -> None:
    """Dask refuses ufuncs of several results: numbers, chunks that differ, axes of length 1, and errors as ever."""
    assert isinstance(actfn.swiglu_backward, np.ufunc)
    x, gate = np.random.default_rng(0).normal(size=(2, ROWS, LENGTH)).astype(np.float32)
    for grad, other in ((1.0, cut(gate)), (cut(x), gate), (x[:1], cut(gate).rechunk(4)), (cut(x)[0], cut(gate))):
        plain = grad.compute(scheduler="synchronous") if isinstance(grad, da.Array) else grad
        results = actfn.swiglu_backward(grad, other, cut(x))
        for got, wanted in zip(computed(results), actfn.swiglu_backward(plain, gate, x), strict=True):
            assert_same(got, wanted, exact=True)
    with pytest.raises(TypeError, match="swiglu_backward"):
        actfn.swiglu_backward(cut(x), cut(x))
    with pytest.raises(TypeError, match="swiglu_backward"):
        actfn.swiglu_backward(object(), x, x)


@pytest.mark.parametrize("param", [0.25, "number", "channel", "lazy channel", "element"])
def test_learned_gradients(param: Any, lazy: None) -> None:
    """The gradient of a parameter is a lazy sum of the parameter's shape."""
    x, grad = np.random.default_rng(0).normal(size=(2, ROWS, LENGTH)).astype(np.float32)
    channel = np.linspace(0.1, 0.5, LENGTH)
    value = {"number": np.float64(0.25), "channel": channel, "lazy channel": channel, "element": np.full(x.shape, 0.1)}
    weight = value.get(param, param)
    wanted = actfn.prelu_backward(grad, x, weight)
    results = actfn.prelu_backward(cut(grad), cut(x), da.from_array(weight) if param == "lazy channel" else weight)
    assert all(isinstance(r, da.Array) for r in results)
    for result, got, right in zip(results, computed(results), wanted, strict=True):
        assert result.dtype == np.float32 and result.shape == np.shape(right)
        assert_same(got, right, exact=False)


def test_parameters_may_be_lazy(lazy: None) -> None:
    """A slope per channel as a Dask array, of a Dask array or of a plain one."""
    x = np.random.default_rng(0).normal(size=(ROWS, LENGTH)).astype(np.float32)
    slope = np.linspace(0, 1, LENGTH)
    for operand in (x, cut(x)):
        y = actfn.leaky_relu(operand, da.from_array(slope, chunks=4))
        assert y.dtype == np.float32
        assert_same(computed((y,))[0], actfn.leaky_relu(x, slope), exact=True)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("wanted_as", ["labels", "probabilities"])
def test_cross_entropy(reduction: Any, axis: int, wanted_as: str, lazy: None) -> None:
    """Losses and gradients with weights, ignored labels and smoothing, added up over all chunks."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(ROWS, LENGTH)).astype(np.float32)
    classes = logits.shape[axis]
    target = rng.integers(0, classes, logits.size // classes)
    target[2] = -100
    if wanted_as == "probabilities":
        target = actfn.softmax(rng.normal(size=logits.shape).astype(np.float32), axis)
    weight = rng.uniform(0.5, 2, classes)
    for options in ({}, {"weight": weight}, {"weight": da.from_array(weight, chunks=3), "label_smoothing": 0.1}):
        plain = options | ({"weight": weight} if "weight" in options else {})
        for lazy_target in (target, cut(target)):
            loss = actfn.cross_entropy(cut(logits), lazy_target, axis, reduction=reduction, **options)
            right = actfn.cross_entropy(logits, target, axis, reduction=reduction, **plain)
            assert loss.dtype == np.float32
            np.testing.assert_allclose(computed((loss,))[0], right, rtol=3e-7)
            grad = actfn.cross_entropy_backward(2.0, cut(logits), lazy_target, axis, reduction=reduction, **options)
            right = actfn.cross_entropy_backward(2.0, logits, target, axis, reduction=reduction, **plain)
            np.testing.assert_allclose(computed((grad,))[0], right, rtol=3e-7, atol=1e-9)


def test_a_mean_of_nothing_is_nan() -> None:
    """Without the warning of a division, which would come from a worker."""
    x = da.ones((4, 6), chunks=2)
    ignored, none = np.full(4, -100), x[:0]
    for loss in (
        actfn.cross_entropy(x, ignored), actfn.cross_entropy(none, ignored[:0]), actfn.binary_cross_entropy(none, none)
    ):  # fmt: skip
        assert np.isnan(loss.compute())
    assert not actfn.cross_entropy_backward(1.0, x, ignored).compute().any()
    with pytest.raises(ValueError, match="cross_entropy: target must hold class labels from 0 to 5"):
        actfn.cross_entropy(x, da.from_array([0, 1, 2, 6], chunks=2), weight=np.ones(6)).compute()
    assert actfn.binary_cross_entropy_backward(1.0, none, none).compute().shape == (0, 6)


def test_frames_of_dask() -> None:
    """Functions of elements stay lazy; the others say what to do instead of computing everything."""
    dd = pytest.importorskip("dask.dataframe", reason="dask.dataframe or its pyarrow is missing", exc_type=ImportError)
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 4)), columns=list("abcd"))
    lazily = dd.from_pandas(x, npartitions=3)
    for y in (actfn.gelu(lazily), actfn.gelu(lazily["a"]), actfn.leaky_relu(lazily, 0.2)):
        assert type(y).__module__.startswith("dask.dataframe")
    assert actfn.leaky_relu(lazily, 0.2).compute().equals(actfn.leaky_relu(x, 0.2))
    for name, call in {
        "softmax": lambda f: f(lazily),
        "logsumexp": lambda f: f(lazily["a"]),
        "glu": lambda f: f(lazily),
        "cross_entropy": lambda f: f(lazily, np.zeros(ROWS, int)),
        "swiglu_backward": lambda f: f(lazily, lazily, lazily),
        "prelu_backward": lambda f: f(1.0, lazily, 0.25),
        "rrelu": lambda f: f(lazily, training=True),
    }.items():
        with pytest.raises(TypeError, match=rf"^{name}: takes no objects of dask\.dataframe; .* map_partitions"):
            call(getattr(actfn, name))
    assert lazily.map_partitions(actfn.softmax).compute().equals(actfn.softmax(x))
    np.testing.assert_allclose(actfn.softmax(lazily.to_dask_array(lengths=True)), actfn.softmax(x), rtol=1e-14)


def test_wrong_arguments_are_refused_before_anything_is_computed(lazy: None) -> None:
    """As for arrays: the function, the argument, what came and what was expected."""
    x = da.ones((4, 6), chunks=2)
    with pytest.raises(TypeError, match=r"softmax: x must hold .* got complex128"):
        actfn.softmax(x.astype(complex))
    with pytest.raises(TypeError, match="softmax: mask must hold bool"):
        actfn.softmax(x, mask=np.ones(6))
    with pytest.raises(ValueError, match=r"softmax: mask must broadcast to shape \(4, 6\), got \(5,\)"):
        actfn.softmax(x, mask=np.ones(5, bool))
    with pytest.raises(ValueError, match="softmax: temperature must be positive"):
        actfn.softmax(x, temperature=0.0)
    with pytest.raises(np.exceptions.AxisError, match="softmax"):
        actfn.softmax(x, 2)
    with pytest.raises(TypeError, match=r"softmax: out must be None for objects of dask\.array, got ndarray"):
        actfn.softmax(x, out=np.ones((4, 6)))
    with pytest.raises(TypeError, match=r"prelu_backward: out must be None"):
        actfn.prelu_backward(x, x, 0.25, out=np.ones((4, 6)))
    with pytest.raises(ValueError, match="glu: x must have an even length along axis 1, got 5"):
        actfn.glu(x[:, :5])
    with pytest.raises(ValueError, match=r"cross_entropy: weight must have shape \(6,\), got \(5,\)"):
        actfn.cross_entropy(x, np.zeros(4, int), weight=np.ones(5))
    with pytest.raises(ValueError, match=r"^cross_entropy_backward: weight must have shape \(6,\), got \(5,\)"):
        actfn.cross_entropy_backward(1.0, x, np.zeros(4, int), weight=np.ones(5))
    with pytest.raises(TypeError, match=r"cross_entropy_backward: logits must hold .* got complex128"):
        actfn.binary_cross_entropy_backward(1.0, x.astype(complex), x)
    with pytest.raises(ValueError, match=r"cross_entropy: reduction must be"):
        actfn.cross_entropy(x, np.zeros(4, int), reduction="all")
    with pytest.raises(TypeError, match=r"funnel_relu: x must be an array in memory, got Array of dask\.array"):
        actfn.funnel_relu(da.ones((1, 1, 4, 4)), np.ones((1, 3, 3)))
    for function in (actfn.crelu, actfn.maxout, actfn.gumbel_softmax):
        with pytest.raises(TypeError, match=rf"{function.__name__}: x must be an array in memory, got Array of dask"):
            function(da.ones((2, 4)))
    for function in (actfn.crelu_backward, actfn.maxout_backward):
        with pytest.raises(
            TypeError, match=rf"{function.__name__}: grad must be an array in memory, got Array of dask"
        ):
            function(da.ones((2, 8)), np.ones((2, 4)))
    with pytest.raises(TypeError, match="complex"):
        actfn.swiglu_backward(x, x.astype(complex), x)


def test_random_slopes() -> None:
    """A slope per element, the same each time it is computed, and the same for the same seed."""
    x = cut(np.random.default_rng(0).normal(size=(ROWS, LENGTH)).astype(np.float32))
    y, slope = actfn.rrelu(x, training=True, rng=5, return_slope=True)
    assert isinstance(y, da.Array) and y.dtype == slope.dtype == np.float32 and slope.chunks == x.chunks
    assert_same(y.compute(), actfn.leaky_relu(x.compute(), slope.compute()), exact=True)
    assert_same(actfn.rrelu(x, training=True, rng=5).compute(), y.compute(), exact=True)
    assert not np.array_equal(actfn.rrelu(x, training=True, rng=6).compute(), y.compute())
    assert 1 / 8 <= slope.min().compute() < slope.max().compute() <= np.float32(1 / 3)
    gradient = actfn.rrelu_backward(x, x, slope=slope)
    assert isinstance(gradient, da.Array)
    assert_same(gradient.compute(), actfn.rrelu_backward(x.compute(), x.compute(), slope=slope.compute()), exact=True)


def test_masked_chunks() -> None:
    """Masked arrays inside a Dask array stay masked, and what is masked takes no part."""
    x = np.ma.masked_greater(np.random.default_rng(0).normal(size=(ROWS, LENGTH)), 1)
    y = actfn.softmax(da.from_array(x, chunks=CHUNKS)).compute()
    wanted = actfn.softmax(x)
    assert isinstance(y, np.ma.MaskedArray) and np.array_equal(y.mask, x.mask)
    np.testing.assert_allclose(y.filled(0), wanted.filled(0))


def test_memory_maps_in_and_out(tmp_path: Any) -> None:
    """One machine without Dask: from file to file, a function of rows and one of elements, whole or in parts."""
    x = np.random.default_rng(0).normal(size=(400, 50)).astype(np.float32)
    x.tofile(tmp_path / "x")
    source = np.memmap(tmp_path / "x", np.float32, "r", shape=x.shape)
    for function in (actfn.softmax, actfn.gelu, actfn.leaky_relu, actfn.log_softmax):
        target = np.memmap(tmp_path / "y", np.float32, "w+", shape=x.shape)
        assert function(source, out=target) is target
        for first in range(0, 400, 150):
            part = slice(first, first + 150)
            assert np.array_equal(function(source[part]), target[part])
        target.flush()
        assert np.array_equal(np.fromfile(tmp_path / "y", np.float32).reshape(x.shape), function(x))
        lazily = function(da.from_array(source, chunks=(150, 20)))
        da.store(lazily, target, scheduler="synchronous")
        np.testing.assert_allclose(target, function(x), rtol=1e-6)


@pytest.mark.parametrize("function", [actfn.softmax, actfn.logsumexp_backward, actfn.gelu, actfn.leaky_relu])
def test_memory_maps_are_written_where_they_are(function: Any, tmp_path: Any) -> None:
    """No result is made in memory beside them."""
    shape = (400, 500)
    source, target = (np.memmap(tmp_path / name, np.float32, "w+", shape=shape) for name in "xy")
    grad = (np.ones(400, np.float32),) if function is actfn.logsumexp_backward else ()
    tracemalloc.start()
    function(*grad, source, out=target)
    if function is actfn.softmax:
        function(source, 0, out=target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < source.nbytes / 4


def test_a_cluster_with_less_memory_than_the_array() -> None:
    """Two processes of 320 MiB each work through 384 MiB: functions reach them by pickle, and nobody dies."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    limit = 320 * 2**20
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, memory_limit=limit, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        rows, length = 6 * 2**14, 2**10
        logits = da.random.default_rng(0).standard_normal((rows, length), dtype=np.float32, chunks=(2**12, 2**8))
        assert logits.nbytes > limit
        labels = da.arange(rows, chunks=2**12) % length
        # Rows are cut in four, so the processes exchange parts of them.
        p = actfn.softmax(actfn.leaky_relu(logits, 0.1))
        loss = actfn.cross_entropy(logits, labels)
        slope = actfn.prelu_backward(1.0, logits, 0.25)[1]
        total, least, loss, slope = client.compute([p.sum(dtype="f8"), p.min(), loss, slope], sync=True)
        assert abs(total - rows) < 1e-6 * rows and least > 0
        # The mean of log-sum-exp of n normal numbers is near log(n) + 1/2, and that of a label's logit near 0.
        assert abs(loss - (np.log(length) + 0.5)) < 0.01 and loss.dtype == np.float32
        # E[min(x, 0)] = -1 / sqrt(2 pi)
        assert abs(slope / logits.size + 1 / np.sqrt(2 * np.pi)) < 1e-3
        assert client.run(os.getpid) == workers, "a worker died and was replaced"
