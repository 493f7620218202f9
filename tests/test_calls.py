"""The short ways into the kernels give what NumPy's long way gives: a parameter per channel, `out`, odd operands."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import oracle
from .calls import Call, each_call
from .situations import situation
from .test_semantics import same_bits

# Shapes of x and of the parameter: long and short neighbourhoods, channels first, last and between, remainders.
CHANNELS = [
    ((3, 4, 30, 11), (4, 1, 1)), ((3, 4, 64), (4, 1)), ((2, 5, 9000), (5, 1)), ((5, 70), (5, 1)), ((1000, 3), (3,)),
    ((7, 5000), (5000,)), ((50, 16, 4, 3), (16, 1, 1)), ((6, 3000, 30), (3000, 1)), ((3, 4, 5), (1, 4, 1)),
    ((9,), (9,)),
    ((70_001, 2), (2,)), ((40, 50), (1, 1)), ((40, 50), (1,)),
]  # fmt: skip


def spread(array: NDArray[Any]) -> NDArray[Any]:
    """The same values where no short way is open: not next to each other."""
    wide = np.empty((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


def shaped(shape: tuple[int, ...], dtype: str, seed: int) -> NDArray[Any]:
    return (np.random.default_rng(seed).normal(size=shape) * 3).astype(dtype)


@situation("parameters")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("shape", "per_channel"), CHANNELS, ids=str)
def test_parameters_per_channel(shape: tuple[int, ...], per_channel: tuple[int, ...], dtype: str) -> None:
    """The same bits as by NumPy's way, forward and backward, for any number of threads."""
    x, grad = shaped(shape, dtype, 1), shaped(shape, dtype, 2)
    weight = np.random.default_rng(3).uniform(0.5, 1.5, per_channel)
    # The table is for this value.
    weight.flat[::3] = 1.0
    for name in ("leaky_relu", "swish"):
        forward, backward = getattr(actfn, name), actfn.leaky_relu_backward
        wanted = forward(spread(x), spread(weight)), backward(spread(grad), spread(x), spread(weight))
        for threads in (1, 2, 3):
            with actfn.threads(threads):
                assert same_bits(forward(x, weight), wanted[0])
                assert same_bits(backward(grad, x, weight), wanted[1])
    both = actfn.hard_tanh(spread(x), -0.5, spread(weight))
    assert same_bits(actfn.hard_tanh(x, -0.5, weight), both)
    assert same_bits(actfn.hard_tanh(x, np.float32(-0.5), weight.astype("f")),
                     actfn.hard_tanh(spread(x), -0.5, spread(weight.astype("f"))))  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["prelu", "swish", "flexible_relu"])
@pytest.mark.parametrize(("shape", "per_channel"), CHANNELS, ids=str)
def test_learned_gradients_per_channel(
    shape: tuple[int, ...], per_channel: tuple[int, ...], name: str, dtype: str
) -> None:
    """The gradient of x has the bits of NumPy's way, that of the parameter its value, the same for any threads."""
    x, grad = shaped(shape, dtype, 1), shaped(shape, dtype, 2)
    weight = np.random.default_rng(3).uniform(0.5, 1.5, per_channel).astype(dtype)
    backward = getattr(actfn, f"{name}_backward")
    gx, gw = backward(spread(grad), spread(x), weight)
    size = np.abs(backward(np.abs(spread(grad)), spread(x), weight)[1]) + np.prod(shape) / weight.size
    found = []
    for threads in (1, 2, 3):
        with actfn.threads(threads):
            found.append(backward(grad, x, weight))
    assert all(same_bits(pair, found[0]) for pair in found)
    assert same_bits(found[0][0], gx)
    assert found[0][1].shape == per_channel and found[0][1].dtype == dtype
    assert np.all(np.abs(found[0][1] - gw) <= 4 * np.finfo(dtype).eps * size)


def view_of(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """An array of the shape whose axes lie in any order, with gaps, backwards or at one place."""
    order = rng.permutation(len(shape))
    steps = rng.choice([1, 1, 1, 2, 3, -1, -2], len(shape))
    base = np.empty(
        [length * abs(step) for length, step in zip(np.array(shape)[order], steps[order], strict=True)], dtype
    )
    return base.transpose(np.argsort(order))[tuple(slice(None, None, step) for step in steps)]


@situation("strides")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_any_layout(dtype: str) -> None:
    """Bits do not depend on the layout of operands and result, nor on the number of threads."""
    rng = np.random.default_rng(7)
    shapes = [(5,), (300,), (70_000,), (3, 400), (400, 3), (130, 140), (1, 9), (7, 1, 300), (20, 30, 40), (2, 3, 4, 5)]
    for shape in shapes * 8:
        operands = [view_of(rng, shape, dtype) for _ in range(3)]
        for operand in operands:
            operand[...] = rng.normal(size=shape) * 3
        out = view_of(rng, shape, dtype)
        with actfn.threads(int(rng.integers(1, 4))):
            for name, count in (("gelu", 1), ("silu_backward", 2), ("swiglu_backward", 3)):
                f = getattr(actfn, name)
                plain = f(*[np.ascontiguousarray(o) for o in operands[:count]])
                fresh = f(*operands[:count])
                assert same_bits(fresh, plain), (name, [o.strides for o in operands])
                if count < 3:
                    assert f(*operands[:count], out=out) is out and same_bits(out, plain)
                    same = operands[0].copy(order="K")
                    assert f(same, *operands[1:count], out=same) is same and same_bits(same, plain)


def test_new_results_lie_as_numpys_do() -> None:
    """The order of a result's axes in memory is that of the operands."""
    x = np.linspace(-3, 3, 600, dtype=np.float32).reshape(10, 20, 3)
    for view in (x, x.T, x[::2], x[:, ::-1], x.transpose(1, 0, 2), x[:, :, ::2], np.asfortranarray(x)):
        for got, wanted in ((actfn.relu(view), np.negative(view)), (actfn.relu_backward(view, view), view * view)):
            assert got.strides == wanted.strides
        assert actfn.relu_backward(x[:, :20, :], x).strides == x.strides


@situation("overlap")
def test_results_between_their_operands_and_each_other() -> None:
    """Halves of one array as results; operands that overlap the result are read before they are overwritten."""
    x = np.linspace(-3, 3, 24_000, dtype=np.float32).reshape(40, 600)
    wanted = actfn.gelu(x[:, :300].copy())
    whole = x.copy()
    assert same_bits(actfn.gelu(whole[:, :300], out=whole[:, 300:]), wanted)
    for moved in (slice(1, 301), slice(150, 450)):
        whole = x.copy()
        assert same_bits(actfn.gelu(whole[:, :300], out=whole[:, moved]), wanted)
    square = x[:, :40].copy()
    assert same_bits(actfn.gelu(square.T, out=square), actfn.gelu(x[:, :40].T.copy()))
    grads = np.empty_like(x)
    parts = actfn.swiglu_backward(x[:, :300], x[:, 300:], x[:, :300], out=(grads[:, :300], grads[:, 300:]))
    assert parts[0].base is grads
    assert same_bits(parts, actfn.swiglu_backward(*[x[:, k : k + 300].copy() for k in (0, 300, 0)]))
    few = np.lib.stride_tricks.as_strided(np.zeros(10, np.float32), (4, 4), (4, 4))
    assert actfn.relu(np.ones((4, 4), np.float32), out=few) is few


@situation("overlap")
def test_out_is_written_and_returned() -> None:
    """By name, by place and as a tuple; an array that overlaps an operand gets the right values all the same."""
    x = np.linspace(-3, 3, 2000, dtype=np.float32)
    wanted = actfn.gelu(x)
    for call in (
        lambda out: actfn.gelu(x, out=out), lambda out: actfn.gelu(x, out), lambda out: actfn.gelu(x, out=(out,)),
    ):  # fmt: skip
        out = np.empty_like(x)
        assert call(out) is out and same_bits(out, wanted)
    row = np.append(x, x)
    assert same_bits(actfn.gelu(row[:2000], out=row[1:2001]), wanted)
    weights = np.linspace(0.5, 1.5, 2000)
    wanted = actfn.leaky_relu(weights.copy(), weights)
    assert same_bits(actfn.leaky_relu(weights, weights, out=weights), wanted)


@situation("wrong out")
@situation("read-only")
def test_out_that_cannot_be_written_stays_as_it_is() -> None:
    """Of another shape, read-only, or of another kind of dtype: NumPy's own errors."""
    x = np.ones((3, 4), np.float32)
    locked = np.full((3, 4), 7, np.float32)
    locked.flags.writeable = False
    for out, error in (
        (np.full((4, 3), 7, np.float32), ValueError), (locked, ValueError), (np.full((3, 4), 7), TypeError),
        (np.full(12, 7, np.float32), ValueError), ([7.0], TypeError),
    ):  # fmt: skip
        with pytest.raises(error):
            actfn.relu(x, out=out)  # type: ignore[call-overload]
        assert np.all(np.asarray(out) == 7)


def test_operands_that_are_not_plain_go_the_long_way() -> None:
    """Subclasses, other byte orders, misaligned arrays, numbers, mixed dtypes, shapes that broadcast."""

    class Own(np.ndarray):
        pass

    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    wanted = actfn.silu(x)
    assert type(actfn.silu(x.view(Own))) is Own
    assert np.array_equal(actfn.silu(x.astype(">f4")), wanted)
    odd = np.empty(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(3, 4)
    odd[...] = x
    assert not odd.flags.aligned and same_bits(actfn.silu(odd), wanted)
    assert isinstance(actfn.silu(np.float32(1)), np.float32) and isinstance(actfn.silu(np.array(1.0)), np.float64)
    assert actfn.silu_backward(np.ones(4, np.float32), x).shape == (3, 4)
    assert actfn.silu_backward(np.ones((3, 4)), x).dtype == np.float64
    assert actfn.relu(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert actfn.leaky_relu(np.empty((0, 3)), np.ones(3)).shape == (0, 3)
    assert actfn.leaky_relu(np.ones((2, 3)), np.ones((4, 2, 3))).shape == (4, 2, 3)


def test_where_and_other_keywords_go_the_long_way() -> None:
    x = np.array([-1.0, 2.0], np.float32)
    out = np.full(2, 7, np.float32)
    assert np.array_equal(actfn.relu(x, out=out, where=[True, False]), [0, 7])
    assert actfn.relu(x, dtype=np.float64).dtype == np.float64
    with pytest.raises(TypeError):
        actfn.relu(x, spam=1)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        actfn.relu(x, x, x)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        actfn.relu()


def test_sums_that_overflow_float32_warn_of_nothing() -> None:
    """The gradient of a parameter beyond float32's range is infinite."""
    x = np.full(10, -3e38, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert actfn.prelu_backward(np.ones_like(x), x, 0.25)[1] == -np.inf


RAGGED: Any = [[1.0, 2.0], [3.0]]
REFUSED = r" must be an array or lists of equal length, got \[\[1\.0, 2\.0\], \[3\.0\]\]$"


@each_call
def test_ragged_lists_are_refused_by_name(call: Call) -> None:
    """Every operand and every parameter, where NumPy would say neither function nor argument."""
    row = oracle.ROWS[call.name.removesuffix("_backward")]
    # Parameters of rows are single numbers, which have an error of their own.
    for name in (*call.operands, *(row.params if row.kind != "rows" else ())):
        with pytest.raises(ValueError, match=f"^{call.name}: {name}{REFUSED}"):
            call.run(**{name: RAGGED})


def test_ragged_lists_in_other_places() -> None:
    """What is no operand of every function; layers, under their own name where they look before the function does."""
    x, image = np.zeros((2, 2)), np.zeros((1, 2, 2, 2))
    layer = actfn.layers.PReLU(2)
    made = [
        ("gelu", "x", lambda: actfn.gelu(RAGGED, out=np.zeros((2, 2)))),
        ("gelu", "x", lambda: actfn.gelu(RAGGED, dtype=np.float32)),
        ("rrelu", "x", lambda: actfn.rrelu(RAGGED, training=True)),
        ("softmax", "mask", lambda: actfn.softmax(x, mask=RAGGED)),
        ("logsumexp", "mask", lambda: actfn.logsumexp(x, mask=RAGGED)),
        ("gumbel_softmax", "x", lambda: actfn.gumbel_softmax(RAGGED)),
        ("crelu", "x", lambda: actfn.crelu(RAGGED)),
        ("maxout_backward", "grad", lambda: actfn.maxout_backward(RAGGED, x)),
        ("funnel_relu", "window", lambda: actfn.funnel_relu(image, RAGGED)),
        ("softmax2d", "x", lambda: actfn.softmax2d(RAGGED)),
        ("softmax2d_backward", "y", lambda: actfn.softmax2d_backward(image, RAGGED)),
        ("cross_entropy", "weight", lambda: actfn.cross_entropy(x, [0, 1], weight=RAGGED)),
        ("cross_entropy_backward", "grad", lambda: actfn.cross_entropy_backward(RAGGED, x, [0, 1])),
        ("binary_cross_entropy_backward", "grad", lambda: actfn.binary_cross_entropy_backward(RAGGED, x, x)),
        ("gelu", "x", lambda: actfn.layers.GELU()(RAGGED)),
        ("PReLU", "x", lambda: layer(RAGGED)),
        ("LeakyReLU", "negative_slope", lambda: actfn.layers.LeakyReLU(RAGGED)),
        ("CrossEntropyLoss", "logits", lambda: actfn.layers.CrossEntropyLoss()(RAGGED, [0, 1])),
    ]  # fmt: skip
    for function, operand, call in made:
        with pytest.raises(ValueError, match=f"^{function}: {operand}{REFUSED}"):
            call()
    # Other errors of lists stay what they are, and a list inside is named as it is.
    with pytest.raises(ValueError, match="broadcast"):
        actfn.swiglu([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"^swiglu: value must be .* got \[\[1\.0, 2\.0\], \[3\.0\]\]$"):
        actfn.swiglu([1.0, 2.0], RAGGED)
