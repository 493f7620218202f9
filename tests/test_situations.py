"""Every hostile situation has its tests; what plays in one process and no other file is about is tested here.

A test asks every function, forward and backward, with each operand that it can have; see every_call.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import oracle
from .calls import LENGTH, ROWS, Call
from .every_call import (
    EVERY,
    every_call,
    is_float,
    of_dtype,
    out_of,
    parameters_of,
    run_into,
    same_bits,
    takes_out,
)
from .situations import SITUATIONS, situation

Array = NDArray[Any]
FLOATS = ("float16", "float32", "float64")

with_out = pytest.mark.parametrize(
    "call", [c for c in EVERY.values() if takes_out(c)], ids=[n for n, c in EVERY.items() if takes_out(c)]
)


def carved(room: Array, array: Any, offset: int, gap: int = 0) -> Array:
    """A copy of the array in a part of the room: from a byte on, with as many bytes between its elements."""
    array = np.asarray(array)
    step = array.itemsize + gap
    strides = tuple(step * int(np.prod(array.shape[k + 1 :], dtype=int)) for k in range(array.ndim))
    view: Array = np.ndarray(array.shape, array.dtype, room.data, offset, strides)
    view[...] = array
    return view


def taller(call: Call, rows: int = 45) -> Call:
    """With more rows than are worked on at once."""
    own = ("weight", "window", "pos_weight")
    many = {n: a if n in own else np.resize(a, (rows, *a.shape[1:])) for n, a in call.operands.items()}
    return replace(call, operands=many)


def assert_same(call: Call, got: tuple[Any, ...], wanted: tuple[Any, ...], why: Any) -> None:
    """Every bit, but for losses and gradients of parameters, which are sums: they may be added up in another order."""
    own = len(out_of(call, wanted)) if np.ndim(wanted[0]) else 0
    assert same_bits(got[:own], wanted[:own]), (call.name, why)
    for sum_, other in zip(got[own:], wanted[own:], strict=True):
        eps = np.finfo(np.asarray(other).dtype).eps
        np.testing.assert_allclose(sum_, other, rtol=50 * eps, atol=50 * eps, err_msg=f"{call.name}, {why}")
        assert np.asarray(sum_).dtype == np.asarray(other).dtype


def test_every_situation_has_a_test() -> None:
    """Some file marks a test, or itself, with it."""
    marked = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "situation":
                marked |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    assert SITUATIONS.keys() - marked == set()


# ---- Where operands lie ---------------------------------------------------------------------------------------


@situation("misaligned")
@every_call
def test_arrays_at_any_byte_give_the_bits_of_aligned_ones(call: Call) -> None:
    """Operands and out, at every offset within an element, next to each other and a byte apart."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = asked.run()
        for offset in range(1, np.dtype(dtype).itemsize):
            for gap in (0, 1):
                odd = {
                    n: carved(np.zeros(9 * a.size + 16, np.uint8), a, offset, gap) for n, a in asked.operands.items()
                }
                assert_same(call, asked.run(**odd), wanted, (dtype, offset, gap))
                if takes_out(call):
                    own = out_of(call, wanted)
                    outs = tuple(
                        carved(np.zeros(9 * w.size + 16, np.uint8), np.zeros_like(w), offset, gap) for w in own
                    )
                    run_into(replace(asked, operands=odd), outs)
                    assert same_bits(outs, own), (dtype, offset, gap)


def arrangements(array: Array) -> Iterator[tuple[str, Array]]:
    """The same values in other orders, and apart."""
    wide = np.zeros([2 * length for length in array.shape], array.dtype)
    sliced = wide[(slice(None, None, 2),) * array.ndim]
    sliced[...] = array
    yield "sliced", sliced
    yield "reversed", np.flip(np.flip(array).copy())
    yield "in Fortran order", np.asfortranarray(array)
    yield "transposed", np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)
    # Pages of the room that nobody touches cost nothing.
    room, strides = np.zeros(len(array) << 20, array.dtype), (array.itemsize << 20, *array.strides[1:])
    far = np.lib.stride_tricks.as_strided(room, array.shape, strides)
    far[...] = array
    yield "far apart", far


@situation("strides")
@every_call
def test_the_order_in_memory_changes_no_bit(call: Call) -> None:
    """Of rows of up to 47 entries; one operand at a time, and out."""
    for dtype in ("float32", "float64"):
        asked = of_dtype(call, dtype)
        wanted = asked.run()
        for name, operand in asked.operands.items():
            for how, other in arrangements(operand):
                assert_same(call, asked.run(**{name: other}), wanted, (dtype, name, how))
        if takes_out(call):
            own = out_of(call, wanted)
            for all_outs in zip(*(list(arrangements(np.zeros_like(w))) for w in own), strict=True):
                outs = tuple(out for _, out in all_outs)
                run_into(asked, outs)
                assert same_bits(outs, own), (dtype, "out", all_outs[0][0])


@situation("strides")
@every_call
def test_broadcast_operands_are_read_as_copies_and_stay(call: Call) -> None:
    """Of stride 0 along an axis, which NumPy leaves writable if asked to."""
    for name, operand in call.operands.items():
        for axis in range(operand.ndim):
            strides = tuple(0 if k == axis else s for k, s in enumerate(operand.strides))
            base = operand.copy()
            thin = np.lib.stride_tricks.as_strided(base, operand.shape, strides)
            wanted = call.run(**{name: thin.copy()})
            assert_same(call, call.run(**{name: thin}), wanted, (name, axis))
            assert np.array_equal(base, operand)


def by_rows(call: Call) -> Call:
    """With gradients that do not depend on the number of rows."""
    return replace(call, options=call.options | ({"reduction": "sum"} if call.options.get("grad") == 1.5 else {}))


@situation("lengths")
@situation("positions")
@every_call
def test_a_row_has_the_same_bits_among_any_number_of_others(call: Call) -> None:
    """1 to 35 rows in any order; an image is a row here."""
    call = by_rows(call)
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = out_of(call, asked.run())
        if call.name == "gumbel_softmax" or np.ndim(wanted[0]) == 0:
            pytest.skip("a sum over all rows, or drawn anew for each of them")
        rows = len(wanted[0])
        order = np.random.default_rng(rows).integers(0, rows, 35)
        shared = ("weight", "window", "pos_weight")
        for count in range(1, 36):
            some = order[35 - count :]
            taken = {n: a if n in shared else a[some] for n, a in asked.operands.items()}
            got = out_of(call, asked.run(**taken))
            assert same_bits(got, tuple(w[some] for w in wanted)), (dtype, count)


@situation("lengths")
@situation("positions")
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_an_image_has_the_same_bits_in_a_frame_of_zeros(direction: str) -> None:
    """Windows at an edge see zeros, so planes of every width give what a larger plane gives in its middle."""
    rng = np.random.default_rng(3)
    for dtype in FLOATS:
        for width in range(1, 36):
            x, grad = rng.normal(size=(2, 1, 2, 3, width)).astype(dtype)
            window = rng.normal(size=(2, 3, 3))
            framed = [np.pad(a, ((0, 0), (0, 0), (2, 1), (1, 3))) for a in (x, grad)]
            inside = np.s_[:, :, 2:-1, 1:-3]
            if direction == "forward":
                got, wide = actfn.funnel_relu(x, window), actfn.funnel_relu(framed[0], window)
            else:
                # Where a window reaches from the frame into the image, the frame has a gradient of 0.
                got = actfn.funnel_relu_backward(grad, x, window)[0]
                wide = actfn.funnel_relu_backward(framed[1], framed[0], window)[0]
            assert same_bits((got,), (wide[inside],)), (dtype, width)


# ---- Memory that is shared, touches, or must not be written ---------------------------------------------------


@situation("overlap")
@with_out
def test_out_may_overlap_every_operand(call: Call) -> None:
    """All operands lie in one piece of memory, upon each other or shifted, and so does out, reversed too."""
    for dtype in FLOATS:
        asked = taller(of_dtype(call, dtype))
        own = out_of(call, asked.run())
        size = max(np.size(a) for a in (*asked.operands.values(), *own))
        start = np.random.default_rng(9).normal(size=4 * size + 64).astype(dtype)
        for shift in (0, 1, 16, size // 2):
            for first in (0, 1, 2, size // 2 + 1):
                for direction in (1, -1):
                    room = start.copy()
                    # Labels and masks are no floats; they lie elsewhere.
                    floats = [n for n, a in asked.operands.items() if is_float(a)]
                    operands = {
                        n: room[k * shift :][: asked.operands[n].size].reshape(asked.operands[n].shape)
                        for k, n in enumerate(floats)
                    }
                    wanted = out_of(call, asked.run(**{n: a.copy() for n, a in operands.items()}))
                    outs = tuple(
                        room[first + k * size :][: w.size][::direction].reshape(w.shape) for k, w in enumerate(own)
                    )
                    run_into(replace(asked, operands=asked.operands | operands), outs)
                    assert same_bits(outs, wanted), (dtype, shift, first, direction)


@situation("overlap")
@with_out
def test_out_may_lie_on_one_operand_only(call: Call) -> None:
    """On labels and masks too, seen as another dtype, on weights, and on gradients per row."""
    for dtype in ("float32", "float64"):
        asked = taller(of_dtype(call, dtype))
        wanted = out_of(call, asked.run())
        for name, operand in asked.operands.items():
            for swapped in (False, True):
                for offset in (0, 8, wanted[0].nbytes // 16 * 8, wanted[0].nbytes - 8):
                    room = np.zeros(wanted[0].nbytes + operand.nbytes + 8, np.uint8)
                    out = carved(room, np.zeros_like(wanted[0]), 0)
                    inside = carved(room, operand, offset)
                    others = {
                        # A byte-swapped operand goes the long way.
                        n: a.astype(a.dtype.newbyteorder()) if swapped else a
                        for n, a in asked.operands.items() if n != name
                    }  # fmt: skip
                    first = next(iter(asked.operands))
                    if swapped and name == first:
                        continue
                    run_into(asked, (out, *(np.empty_like(w) for w in wanted[1:])), **others, **{name: inside})
                    assert same_bits((out,), wanted[:1]), (dtype, name, swapped, offset)


UFUNCS = {
    name: call
    for name, call in EVERY.items()
    if call.name in vars(actfn._ufuncs) and takes_out(call) and not name.startswith("glu")
}


@situation("overlap")
@pytest.mark.parametrize("call", UFUNCS.values(), ids=UFUNCS)
def test_large_arrays_may_overlap_as_well(call: Call) -> None:
    """NumPy copies nothing where out lies before the operand, which is no order for threads."""
    n, name = 70_001, next(reversed(call.operands))
    for dtype in ("float32", "float64"):
        start = np.random.default_rng(1).normal(size=2 * n + 40_000).astype(dtype)
        others = {other: start[n : 2 * n] for other in call.operands if other != name}
        for by, step in ((1, 1), (-1, 1), (17, 1), (300, 1), (40_000, 1), (1, 2), (-1, 2), (3, 2)):
            room = start.copy()
            operand = room[max(by, 0) :][: n * step : step]
            out = room[max(-by, 0) :][:n] if by == 3 else room[max(-by, 0) :][: n * step : step]
            wanted = out_of(call, call.run(**others, **{name: operand.copy()}))
            outs = (out, *(np.empty_like(w) for w in wanted[1:]))
            run_into(replace(call, operands=others | {name: operand}), outs)
            assert same_bits(outs, wanted), (dtype, by, step)


@situation("overlap")
def test_large_arrays_of_parameters_may_overlap_out() -> None:
    """Before it, behind it, and between its elements."""
    n = 70_001
    for by, step in ((1, 1), (-1, 1), (20_000, 1), (1, 2), (-1, 2)):
        room = np.random.default_rng(1).normal(size=2 * n + 20_000)
        x, param = room[:n].copy(), room[max(by, 0) :][: n * step : step]
        out = room[max(-by, 0) :][: n * step : step]
        wanted = actfn.leaky_relu(x, param.copy())
        assert same_bits((actfn.leaky_relu(x, param, out=out),), (wanted,)), (by, step)


PAIRS = {name: call for name, call in UFUNCS.items() if len(call.operands) == 2 and not parameters_of(call)}


@situation("overlap")
@pytest.mark.parametrize("call", PAIRS.values(), ids=PAIRS)
def test_reductions_take_one_element_after_the_other(call: Call) -> None:
    """As those of NumPy's functions of two operands: each result is the next one's first operand."""
    ufunc = getattr(actfn._ufuncs, call.name)
    if ufunc.nout > 1:
        with pytest.raises(ValueError, match="reduce"):
            ufunc.reduce(np.ones(3))
        return
    for dtype in FLOATS:
        x = np.random.default_rng(2).normal(size=300).astype(dtype)
        for n in (2, 17, 300):
            found = [x[0]]
            for value in x[1:n]:
                found.append(ufunc(found[-1], value))
            assert same_bits((ufunc.accumulate(x[:n]),), (np.array(found),)), (dtype, n)
            assert same_bits((ufunc.reduce(x[:n]), ufunc.reduceat(x[:n], [0, n - 1])[0]), (found[-1], found[-2])), n
            wide = np.repeat(x[:n, None], 3, axis=1)
            assert same_bits((ufunc.reduce(wide, axis=0),), (np.repeat(found[-1], 3),)), (dtype, n)


@situation("adjacent")
@with_out
def test_buffers_that_touch_stay_apart(call: Call) -> None:
    """Operands and results in one piece of memory, in any order, with 0 to 3 elements or 1 vector between them."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = out_of(call, asked.run())
        for gap in (0, 1, 2, 3, 16):
            for turn in range(len(asked.operands) + len(wanted)):
                parts = [*asked.operands.items(), *((None, np.zeros_like(w)) for w in wanted)]
                parts = parts[turn:] + parts[:turn]
                room = np.full(sum(8 * a.size + 8 * gap for _, a in parts) + 8 * gap, 0xAA, np.uint8)
                place, operands, outs = gap * 8, {}, []
                for name, array in parts:
                    view = carved(room, array, place)
                    place += -(-array.nbytes // 8) * 8 + gap * array.itemsize
                    place = -(-place // array.itemsize) * array.itemsize
                    if name is None:
                        outs.append(view)
                    else:
                        operands[name] = view
                # Alignment to labels may have moved the last part.
                before = room.copy()
                run_into(replace(asked, operands=operands), tuple(outs))
                assert same_bits(tuple(outs), wanted), (dtype, gap, turn)
                for out in outs:
                    out[...] = 0
                assert np.array_equal(room, before), "written beside out"


@situation("read-only")
@every_call
def test_operands_may_be_read_only(call: Call) -> None:
    """And hold what they held afterwards, writable or not."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        frozen = {n: a.copy() for n, a in asked.operands.items()}
        for array in frozen.values():
            array.flags.writeable = False
        assert_same(call, asked.run(**frozen), asked.run(), dtype)
        free = {n: a.copy() for n, a in asked.operands.items()}
        asked.run(**free)
        assert all(np.array_equal(free[n], a) for n, a in asked.operands.items())


@situation("read-only")
@with_out
def test_a_read_only_out_stays_as_it_is(call: Call) -> None:
    """A ValueError, whichever of two results cannot be written; the other one stays as it is too."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = out_of(call, asked.run())
        for frozen in range(len(wanted)):
            for order in "CF":
                outs = tuple(np.full_like(w, 7, order=order) for w in wanted)
                outs[frozen].flags.writeable = False
                with pytest.raises(ValueError, match=r"read-only|writable"):
                    run_into(asked, outs)
                assert all(np.all(out == 7) for out in outs)


@situation("wrong out")
@with_out
def test_a_wrong_out_stays_as_it_is(call: Call) -> None:
    """Other shapes, dtypes that cannot hold a fraction, and what is no array."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = out_of(call, asked.run())
        shape = wanted[0].shape
        shapes = [(), (1,), (*shape, 1), (*shape[:-1], shape[-1] + 1), (shape[0] - 1, *shape[1:]), (0,)]
        wrong = [(np.full(s, 7, dtype), ValueError) for s in shapes]
        wrong += [(np.full(shape, 7, kind), TypeError) for kind in ("int64", "uint8", "M8[s]")]
        wrong += [(np.full(shape, True), TypeError)]
        wrong += [(thing, TypeError) for thing in ([7.0], 7.0, "7", np.float64(7))]
        for place in range(len(wanted)):
            for out, error in wrong:
                before = np.copy(out)
                outs = [np.full_like(w, 7) for w in wanted]
                outs[place] = out
                with pytest.raises(error):
                    run_into(asked, tuple(outs))
                assert np.array_equal(out, before), (dtype, out)
                assert all(np.all(o == 7) for k, o in enumerate(outs) if k != place)


# ---- Dtypes ---------------------------------------------------------------------------------------------------


@situation("byte order")
@every_call
def test_arrays_in_the_other_byte_order(call: Call) -> None:
    """The same bits in native order; out may be in the other order too."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = asked.run()
        swapped = {n: a.astype(a.dtype.newbyteorder()) for n, a in asked.operands.items()}
        for some in (swapped, *({n: a} for n, a in swapped.items())):
            got = asked.run(**some)
            assert all(np.asarray(g).dtype.isnative for g in got)
            assert_same(call, got, wanted, (dtype, list(some)))
        if takes_out(call):
            own = out_of(call, wanted)
            outs = tuple(np.zeros_like(w, w.dtype.newbyteorder()) for w in own)
            run_into(asked, outs)
            assert same_bits(tuple(o.astype(dtype) for o in outs), own), dtype


@situation("float types")
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@every_call
def test_16_bits_are_computed_in_float32_and_rounded_once(call: Call, kind: str) -> None:
    """Every bit, in the other byte order too."""
    dtype = np.dtype(getattr(ml_dtypes, kind) if kind == "bfloat16" else kind)
    narrow = of_dtype(call, dtype)
    # Gradients from outputs and probabilities are those of what 16 bits hold.
    wide = replace(call, operands={n: a.astype("f4") if a.dtype == dtype else a for n, a in narrow.operands.items()})
    with np.errstate(all="ignore"):
        wanted = tuple(np.asarray(w).astype(dtype) for w in wide.run())
    own = len(out_of(call, wanted))
    swapped = {n: a.astype(a.dtype.newbyteorder()) for n, a in narrow.operands.items()}
    for found in (narrow.run(), narrow.run(**swapped)):
        got = tuple(np.asarray(g) for g in found)
        assert same_bits(got[:own], wanted[:own])
        # Sums of parameters are added up in float64.
        for one, other in zip(got[own:], wanted[own:], strict=True):
            np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=1e-2, atol=1e-2)


REFUSED: dict[str, Any] = {
    "longdouble": np.longdouble, "complex64": "c8", "complex128": "c16", "object": object, "str": "U3",
    "bytes": "S3", "datetime64": "M8[s]", "timedelta64": "m8[s]", "void": "V8", "structured": "f8,f8",
    "StringDType": np.dtypes.StringDType(),
}  # fmt: skip
if np.dtype(np.longdouble) == np.float64:
    del REFUSED["longdouble"]


@situation("other types")
@situation("float types")
@every_call
def test_other_dtypes_are_refused_by_name(call: Call) -> None:
    """In the place of every operand: a TypeError that names the function; out stays as it is."""
    wanted = out_of(call, call.run())
    for name, operand in call.operands.items():
        for kind in REFUSED.values():
            bad = np.zeros(operand.shape, kind)
            outs = tuple(np.full_like(w, 7) for w in wanted)
            with pytest.raises(TypeError, match=rf"\b{call.name}\b"):
                run_into(call, outs, **{name: bad}) if takes_out(call) else call.run(**{name: bad})
            assert all(np.all(out == 7) for out in outs), (name, kind)


@situation("other types")
@every_call
def test_other_objects_are_refused_by_name(call: Call) -> None:
    """None, strings, dictionaries, sets, functions, and objects of a class of their own."""
    for name in call.operands:
        if name in ("mask", "weight"):
            continue
        words = np.full(call.operands[name].shape, "a").tolist()
        for bad in (None, "abc", {"a": 1.0}, {1.0, 2.0}, np.exp, object(), words, slice(3)):
            with pytest.raises(TypeError, match=rf"\b{call.name}\b"):
                call.run(**{name: bad})


@situation("integers")
@every_call
def test_integers_are_converted_first(call: Call) -> None:
    """The smallest and the largest of each type, booleans too, give what the same floating-point numbers give."""
    rng = np.random.default_rng(4)
    for kind in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        limits = [0, 1] if kind == "bool" else [np.iinfo(kind).min, np.iinfo(kind).max, 0, 1]
        floats = {n: a for n, a in call.operands.items() if is_float(a)}
        integers = {n: rng.choice(np.array(limits, kind), a.shape) for n, a in floats.items()}
        if call.name.startswith("cross_entropy") and "weight" not in call.operands:
            # Integers of that shape are labels, and no probabilities.
            integers.pop("target", None)
        computed = "float32" if np.dtype(kind).itemsize <= 2 else "float64"
        same = {n: a.astype(computed) for n, a in integers.items()}
        rest = {n: a.astype(computed) for n, a in floats.items() if n not in integers}
        with np.errstate(all="raise"):
            got, wanted = call.run(**integers, **rest), call.run(**same, **rest)
        own = len(out_of(call, wanted))
        assert same_bits(got[:own], wanted[:own]), kind
        assert all(np.asarray(g).dtype == computed for g in got)


# ---- Values ---------------------------------------------------------------------------------------------------

NANS = {
    "float16": (np.uint16, [0x7E00, 0xFE00, 0x7E01, 0x7C01, 0xFC01, 0xFFFF]),
    "float32": (np.uint32, [0x7FC00000, 0xFFC00000, 0x7FC00001, 0x7F800001, 0xFF800001, 0xFFFFFFFF]),
    "float64": (np.uint64, [0x7FF8 << 48, 0xFFF8 << 48, (0x7FF8 << 48) + 1, (0x7FF0 << 48) + 1, 2**64 - 1]),
}


def places(call: Call, name: str) -> list[tuple[int, ...]]:
    """Of an operand: one in each of a few rows, not under a mask."""
    shape, rows = call.operands[name].shape, np.random.default_rng(2).permutation(len(call.operands[name]))[:3]
    found = [(int(row), *((np.array(shape[1:]) - 1) // 2)) for row in rows]
    if name == "weight":
        # A weight that counts: that of a label.
        found = [(int(np.ravel(call.operands["target"])[0]),)]
    mask = call.operands.get("mask")
    if mask is not None and len(shape) == 2:
        found = [(row, int(np.flatnonzero(mask[row])[0])) for row, _ in found]
    return found


@situation("nan")
@every_call
def test_nan_of_any_kind_comes_out_in_its_row(call: Call) -> None:
    """Wherever it comes in, without a warning, and without touching other rows."""
    call = by_rows(call)
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        clean = [np.asarray(w) for w in asked.run()]
        for name, operand in asked.operands.items():
            if not is_float(operand):
                continue
            bits, patterns = NANS[dtype]
            for place in places(asked, name):
                for pattern in patterns:
                    bad = operand.copy()
                    bad.view(bits)[place] = pattern
                    with np.errstate(all="raise"):
                        got = [np.asarray(g) for g in asked.run(**{name: bad})]
                    assert any(np.isnan(g).any() for g in got), (dtype, name, hex(pattern))
                    own = out_of(call, tuple(got))
                    if name not in ("weight", "window", "pos_weight") and own[0].ndim:
                        assert any(np.isnan(g[place[0]]).any() for g in own), (dtype, name, hex(pattern))
                        others = np.arange(len(own[0])) != place[0]
                        assert same_bits(tuple(g[others] for g in own), tuple(w[others] for w in clean[: len(own)]))


@situation("infinity")
@every_call
def test_infinities_warn_of_nothing(call: Call) -> None:
    """In any operand, and in all; rows without one stay as they are."""
    call = by_rows(call)
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        clean = [np.asarray(w) for w in asked.run()]
        floats = [n for n, a in asked.operands.items() if is_float(a)]
        for value in (np.inf, -np.inf):
            for names in (*([n] for n in floats), floats):
                bad = {n: asked.operands[n].copy() for n in names}
                for n in names:
                    bad[n][1] = value
                with np.errstate(all="raise"):
                    got = out_of(call, tuple(np.asarray(g) for g in asked.run(**bad)))
                if got[0].ndim and not {"weight", "window", "pos_weight"} & set(names):
                    others = np.arange(len(got[0])) != 1
                    assert same_bits(tuple(g[others] for g in got), tuple(w[others] for w in clean[: len(got)]))


@situation("infinity")
@pytest.mark.parametrize("value", [1e300, -1e300, 65536.0, 1e39])
@every_call
def test_numbers_beyond_a_dtype_are_infinite_in_it(call: Call, value: float) -> None:
    """A Python number follows the dtype of the arrays beside it, without a warning."""
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        for name in list(call.operands)[1:]:
            if name in ("mask", "weight", "window") or (name == "target" and call.kind == "row loss"):
                continue
            with np.errstate(all="raise"):
                got = asked.run(**{name: value})
            if call.kind == "elementwise":
                with np.errstate(over="ignore"):
                    same = asked.run(**{name: np.array(value).astype(dtype)})
                assert same_bits(out_of(call, got), out_of(call, same)), (dtype, name)


@situation("subnormal")
def test_what_only_selects_or_multiplies_keeps_subnormal_numbers(dtype: str) -> None:
    """Gates, units, pieces, windows, losses and rows."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([-9, -8, -3, 3, 8, 9, 40, -40], dtype) * tiny
    one, large = np.ones_like(x), np.full_like(x, 40)
    for name in ("swiglu", "reglu", "geglu"):
        gated = getattr(actfn, name)
        assert np.array_equal(gated(large, x), (large * x.astype(np.longdouble)).astype(dtype)), name
        assert np.array_equal(getattr(actfn, f"{name}_backward")(x, large, one)[1], 40 * x), name
    assert np.array_equal(actfn.crelu(x), np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)]))
    assert np.array_equal(actfn.crelu_backward(np.tile(x, 2), one), x)
    assert np.array_equal(actfn.maxout(x), x.reshape(-1, 2).max(-1))
    assert np.array_equal(actfn.maxout_backward(x[:4], np.tile([0.0, 1.0], 4).astype(dtype))[1::2], x[:4])
    image, window = x.reshape(1, 1, 2, 4), np.zeros((1, 3, 3))
    window[0, 1, 1] = 3
    assert np.array_equal(actfn.funnel_relu(image, window), np.maximum(image, 3 * image))
    rows = np.array([[0.0, np.log(float(tiny)) + 2.5]], dtype)
    assert 0 < actfn.softmax(rows)[0, 1] < np.finfo(dtype).tiny
    assert np.array_equal(actfn.standardize_backward(x, np.tile(x, 1), epsilon=1.0)[:1] != 0, [True])
    # Both terms of the gradient, and of the loss.
    far = np.array([rows[0, 1]], dtype)
    assert 0 < actfn.binary_cross_entropy(far, np.zeros(1, dtype)) < np.finfo(dtype).tiny
    assert 0 < actfn.binary_cross_entropy_backward(1.0, far, np.zeros(1, dtype))[0] < np.finfo(dtype).tiny
    assert 0 < actfn.cross_entropy_backward(1.0, rows, [0])[0, 1] < np.finfo(dtype).tiny


@cache
def results_here(dtype: str) -> dict[int, tuple[Any, ...]]:
    """Of the build that this processor takes."""
    return {id(call): of_dtype(call, dtype).run() for call in EVERY.values()}


@situation("builds")
@every_call
def test_every_build_gives_nearly_the_same(call: Call, build: str, request: pytest.FixtureRequest) -> None:
    """Within a few units in the last place, and of the same dtype."""
    here = {dtype: results_here(dtype)[id(call)] for dtype in FLOATS}
    request.getfixturevalue("with_build")
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        for got, wanted in zip(asked.run(), here[dtype], strict=True):
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(got, wanted, rtol=40 * eps, atol=40 * eps)


# ---- Shapes ---------------------------------------------------------------------------------------------------


@situation("empty")
@every_call
@pytest.mark.filterwarnings("error")
def test_nothing_at_all(call: Call) -> None:
    """No elements along an axis: no warning, the right dtype, and the shape that the other lengths ask for."""
    first = next(iter(call.operands.values()))
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        full = [np.asarray(w) for w in asked.run()]
        for axis in range(first.ndim):
            if axis == 1 and call.name.startswith(("cross_entropy", "funnel")):
                continue
            none: dict[str, Any] = {}
            for name, operand in asked.operands.items():
                # A weight belongs to the last axis, a window to the channels.
                at = axis - first.ndim + operand.ndim if name in ("weight", "pos_weight") else axis
                if name == "window" or not 0 <= at < operand.ndim:
                    continue
                none[name] = operand[(slice(None),) * at + (slice(0),)]
            with np.errstate(all="raise"):
                got = [np.asarray(g) for g in asked.run(**none)]
            for g, w in zip(out_of(call, tuple(got)), full, strict=False):
                assert g.dtype == w.dtype == dtype
                if w.ndim == first.ndim:
                    assert g.shape == tuple(0 if k == axis else n for k, n in enumerate(w.shape))


@situation("empty")
@pytest.mark.filterwarnings("error")
def test_no_classes_and_no_channels() -> None:
    """Rows without a class can only be ignored; images without channels have nothing."""
    nothing = np.zeros((3, 0), np.float32)
    with np.errstate(all="raise"):
        for reduction in ("mean", "sum", "none"):
            ignored = np.full(3, -100)
            loss = actfn.cross_entropy(nothing, ignored, reduction=reduction)
            assert loss.dtype == np.float32 and np.all(np.isnan(loss) if reduction == "mean" else loss == 0)
            grad = 1.0 if reduction != "none" else np.ones(3)
            assert actfn.cross_entropy_backward(grad, nothing, ignored, reduction=reduction).shape == (3, 0)
            with pytest.raises(ValueError, match=r"^cross_entropy: target must hold class labels"):
                actfn.cross_entropy(nothing, np.zeros(3, int), reduction=reduction)
        image, window = np.zeros((2, 0, 3, 3)), np.zeros((0, 3, 3))
        assert actfn.funnel_relu(image, window).shape == image.shape
        assert [g.shape for g in actfn.funnel_relu_backward(image, image, window)] == [image.shape, window.shape]


def number(value: float, kind: str) -> Any:
    """A number of NumPy's."""
    return np.array(value, kind)[()]


ELEMENTS = [call for call in EVERY.values() if not call.along_rows and call.kind not in ("spatial", "row loss")]


@situation("scalars")
@pytest.mark.parametrize("call", ELEMENTS, ids=lambda call: call.name)
def test_numbers_come_back_as_numbers(call: Call) -> None:
    """Of the dtype that an array would have, and with out=... as an array without axes."""
    numbers: list[tuple[Any, Any]] = [(0.75, np.float64), (-0.0, np.float64), (1, np.float64), (True, np.float32)]
    for kind, wanted in (("float16", "float16"), ("float32", "float32"), ("int8", "float32"), ("int64", "float64")):
        numbers += [(form(v, kind), np.dtype(wanted).type) for v in (0.75, -0.0) for form in (np.array, number)]
    for value, wanted in numbers:
        asked = replace(call, operands=dict.fromkeys(call.operands, value))
        results = asked.run()
        assert all(type(r) is wanted for r in results), (value, results)
        own = out_of(call, results)
        if call.kind != "pointwise loss":
            arrays = dict.fromkeys(call.operands, np.full(3, value))
            assert same_bits(own, tuple(r[0].astype(wanted) for r in out_of(call, call.run(**arrays)))), value
        if takes_out(call):
            kept = out_of(call, asked.run(out=...))
            assert all(type(k) is np.ndarray and k.shape == () for k in kept)
            assert same_bits(kept, own), value
            outs = tuple(np.zeros((), wanted) for _ in own)
            assert run_into(asked, outs)[0] is outs[0]
            assert same_bits(outs, own), value


# ---- More than arrays and numbers -----------------------------------------------------------------------------


class Own(np.ndarray):
    """A subclass that changes nothing."""


class Quantity(np.ndarray):
    """A subclass that has a say in every ufunc, as astropy's has."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return "asked", ufunc.__name__, method


class Refuses:
    """Wants nothing to do with ufuncs."""

    __array_ufunc__ = None


@situation("labels")
@pytest.mark.parametrize("library", ["pandas", "xarray", "dask.array"])
@every_call
def test_labelled_operands_give_the_right_values_or_one_error(call: Call, library: str) -> None:
    """Whichever operand it is, beside plain ones; an error names the function."""
    module = pytest.importorskip(library)
    wanted = call.run()
    for name, operand in call.operands.items():
        if library == "pandas" and operand.ndim > 2:
            continue
        if library == "pandas":
            labelled = (module.DataFrame if operand.ndim == 2 else module.Series)(operand)
        elif library == "xarray":
            labelled = module.DataArray(operand, dims=list("abcd")[: operand.ndim])
        else:
            labelled = module.from_array(operand)
        try:
            got = call.run(**{name: labelled})
        except (TypeError, ValueError) as error:
            assert call.name in str(error), name  # noqa: PT017
        else:
            for one, other in zip(got, wanted, strict=True):
                np.testing.assert_allclose(np.asarray(one), other, rtol=1e-13, atol=1e-13)


@situation("subclasses")
@every_call
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_subclasses_of_arrays(call: Call) -> None:
    """Element by element they come back as themselves; to functions of rows and images they are arrays."""
    wanted = call.run()
    for kind in (Own, np.matrix):
        if kind is np.matrix and any(a.ndim != 2 for a in call.operands.values()):
            continue
        got = call.run(**{n: a.view(kind) for n, a in call.operands.items()})
        plain = tuple(np.asarray(g) for g in got)
        assert_same(call, plain, wanted, kind)
        ufunc = getattr(actfn._ufuncs, call.name, None)
        if call.kind in ("elementwise", "gated") and ufunc is not None and not call.name.startswith("glu"):
            assert type(got[0]) is kind
        else:
            assert all(type(g) in (np.ndarray, np.float64) for g in out_of(call, got))
    if call.kind not in ("elementwise", "gated"):
        for name, operand in call.operands.items():
            assert_same(call, call.run(**{name: operand.view(Quantity)}), wanted, name)


@situation("subclasses")
@every_call
def test_those_who_have_a_say_in_ufuncs_are_asked(call: Call) -> None:
    """Or, where a class refuses ufuncs, there is a TypeError."""
    for name, operand in call.operands.items():
        if call.kind == "elementwise" and name != "y" and not oracle.ROWS[call.name.removesuffix("_backward")].trains:
            function = call.name
            assert call.run(**{name: operand.view(Quantity)}) == ("asked", function, "__call__")
        with pytest.raises(TypeError):
            call.run(**{name: Refuses()})


@situation("keywords")
@every_call
def test_misspelt_keywords_are_refused(call: Call) -> None:
    """A TypeError that names the keyword, with numbers, arrays and lists, and before anything is written."""
    wanted = out_of(call, call.run())
    for keyword in ("outs", "Out", "axes", "where_", "temp"):
        outs = tuple(np.full_like(w, 7) for w in wanted)
        with pytest.raises(TypeError, match=keyword):
            run_into(call, outs, **{keyword: 1}) if takes_out(call) else call.run(**{keyword: 1})
        assert all(np.all(out == 7) for out in outs)


@situation("keywords")
@every_call
def test_numpy_s_keywords_work_or_are_refused(call: Call) -> None:
    """where=, dtype= and casting= mean what they mean to NumPy, or the function has none of them."""
    asked = of_dtype(call, "float32")
    wanted = asked.run()
    own = out_of(call, wanted)
    by_element = call.kind in ("elementwise", "gated") and call.name != "glu_backward"
    for keywords in ({"where": True}, {"dtype": np.float32}, {"casting": "same_kind"}, {"order": "F"}, {"subok": True}):
        if by_element:
            assert_same(call, asked.run(**keywords), wanted, keywords)
        else:
            with pytest.raises(TypeError, match=call.name):
                asked.run(**keywords)
    if by_element:
        with pytest.raises(TypeError, match=call.name):
            asked.run(dtype=np.complex64)
        for casting, works in (("no", False), ("safe", False), ("same_kind", True), ("unsafe", True)):
            narrow = tuple(np.full_like(w, 7, np.float16) for w in own)
            if works:
                run_into(asked, narrow, casting=casting)
                assert not any(np.any(n == 7) for n in narrow)
            else:
                with pytest.raises(TypeError):
                    run_into(asked, narrow, casting=casting)
                assert all(np.all(n == 7) for n in narrow)


@situation("keywords")
@pytest.mark.parametrize("name", [n for n, row in oracle.ROWS.items() if row.kind == "elementwise" and row.trains])
def test_what_where_leaves_out_counts_in_no_sum(name: str) -> None:
    """The gradients of parameters are those of the elements that are wanted, whatever the others hold."""
    backward, row = getattr(actfn, f"{name}_backward"), oracle.ROWS[name]
    rng = np.random.default_rng(1)
    for shape, wanted_shape in (((12, 10), (12, 10)), ((12, 10), (10,)), ((300, 301), (300, 301))):
        x, grad = rng.normal(size=(2, *shape))
        wanted = rng.random(wanted_shape) < 0.5
        there = np.broadcast_to(wanted, shape)
        for param in (0.5, np.full(shape[-1], 0.5)):
            params = [param] * len(row.params)
            exact = backward(np.where(there, grad, 0.0), x, *params)
            out = np.full(shape, 7.0)
            got = backward(grad, np.where(there, x, np.nan), *params, where=wanted, out=out)
            assert got[0] is out and np.all(out[~there] == 7) and np.array_equal(out[there], exact[0][there])
            for found, other in zip(got[1:], exact[1:], strict=True):
                np.testing.assert_allclose(found, other, rtol=1e-9, atol=1e-9)


SHAPED = {n: c for n, c in EVERY.items() if c.kind in ("elementwise", "pointwise loss") and parameters_of(c)}


@situation("parameters")
@pytest.mark.parametrize("call", SHAPED.values(), ids=SHAPED)
def test_no_parameter_breaks_anything(call: Call) -> None:
    """0, negative, NaN, infinite, huge, tiny; numbers, arrays and integers give the same, in the dtype of x."""
    odd = (0.0, -0.0, -1.0, 1.0, 2.0, np.nan, np.inf, -np.inf, 1e308, 5e-324, -1e-40, 1e40)
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        shape = next(iter(asked.operands.values())).shape
        for name in parameters_of(call):
            for value in odd:
                with np.errstate(all="raise"):
                    got = asked.run(**{name: value})
                    own = out_of(call, got)
                    assert all(np.asarray(g).dtype == dtype for g in got), (name, value)
                    ways = [np.array(value), np.full((1, 1), value), np.full(shape, value), np.full(shape[1:], value)]
                    ways += [np.float64(value), [value]]
                    if value == np.rint(value) and abs(value) < 100 and not (value == 0 and np.signbit(value)):
                        ways += [int(value), np.int64(value), np.full(shape, int(value)), np.float16(value)]
                        ways += [np.float32(value), np.full(shape, value, np.float32), np.full(shape, value, "f2")]
                    for way in ways:
                        other = asked.run(**{name: way})
                        assert all(np.asarray(g).dtype == dtype for g in other), (name, way)
                        if "reduction" in call.options or call.kind == "elementwise":
                            assert same_bits(out_of(call, other), own), (dtype, name, value, way)


@situation("parameters")
@situation("misaligned")
@situation("byte order")
@pytest.mark.parametrize("call", SHAPED.values(), ids=SHAPED)
def test_arrays_of_parameters_in_any_form(call: Call) -> None:
    """Per element, per column and per row: the bits of contiguous float64, where that holds the same numbers."""
    for dtype in ("float32", "float64"):
        asked = of_dtype(call, dtype)
        rows, columns = next(iter(asked.operands.values())).shape
        for name in parameters_of(call):
            for shape in ((rows, columns), (columns,), (rows, 1)):
                values = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(np.float32)
                wanted = out_of(call, asked.run(**{name: values.astype(np.float64)}))
                for kind in (np.float32, np.float64):
                    param = values.astype(kind)
                    room = [np.zeros(9 * param.size + 16, np.uint8) for _ in range(2)]
                    forms = [param, carved(room[0], param, 1), carved(room[1], param, 3, 1), param[::-1].copy()[::-1]]
                    forms += [param.astype(param.dtype.newbyteorder()), np.repeat(param, 2, axis=0)[::2]]
                    for k, form in enumerate(forms):
                        got = out_of(call, asked.run(**{name: form}))
                        assert same_bits(got, wanted), (dtype, name, shape, kind, k)
            if "longdouble" in REFUSED:
                with pytest.raises(TypeError, match=rf"\b{call.name}\b"):
                    asked.run(**{name: np.ones(columns, np.longdouble)})


# ---- Rows and labels ------------------------------------------------------------------------------------------

ALONG = {name: call for name, call in EVERY.items() if call.along_rows}


@situation("rows")
@pytest.mark.parametrize(
    "name", ["softmax", "softmin", "softmax1", "sparsemax", "entmax15", "hardmax", "gumbel_softmax"]
)
def test_probabilities_of_a_row_of_a_million_sum_to_1(name: str) -> None:
    """Along the last axis, along the first, and in place."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    options = {"rng": 3} if name == "gumbel_softmax" else {}
    for dtype in ("float32", "float64"):
        x = np.random.default_rng(0).normal(size=1_000_000).astype(dtype)
        eps = float(np.finfo(dtype).eps)
        # A threshold that is rounded once is subtracted from each entry that has a share.
        slack = 1e-10 if name in ("sparsemax", "entmax15") else 2.0**-40
        for y in (function(x, **options), function(x[:, None], axis=0, **options), function(x[None], **options)):
            # softmax1 leaves a share to nobody.
            nobody = 1 / (1 + np.exp(x, dtype=np.longdouble).sum()) if name == "softmax1" else 0
            total = float(y.sum(dtype=np.longdouble) + nobody)
            assert y.shape.count(1) == y.ndim - 1 and np.all(y >= 0)
            assert abs(total - 1) <= eps + slack, (dtype, y.shape, total)
            axis = y.shape.index(1_000_000)
            assert np.isfinite(backward(np.ones_like(y), y, axis=axis)).all()
        again = x.copy()
        assert function(again, out=again, **options) is again
        assert same_bits((again,), (function(x, **options),))


@situation("rows")
@pytest.mark.parametrize("call", ALONG.values(), ids=ALONG)
def test_a_wrong_axis_is_an_axis_error(call: Call) -> None:
    """Or a TypeError where it is no integer; both name the function, and out stays as it is."""
    wanted = out_of(call, call.run())
    for axis, error in ((2, np.exceptions.AxisError), (-3, np.exceptions.AxisError), (2**70, np.exceptions.AxisError),
                        (0.0, TypeError), (None, TypeError), ("last", TypeError), ((0, 1), TypeError)):  # fmt: skip
        outs = tuple(np.full_like(w, 7) for w in wanted)
        with pytest.raises(error, match=call.name):
            run_into(call, outs, axis=axis) if takes_out(call) else call.run(axis=axis)
        assert all(np.all(out == 7) for out in outs)


@situation("rows")
@pytest.mark.parametrize("call", ALONG.values(), ids=ALONG)
def test_rows_along_any_axis_are_the_same_rows(call: Call) -> None:
    """The bits of the last axis, where the rows have no more than 47 entries."""
    if call.name == "gumbel_softmax":
        pytest.skip("the noise is drawn in the order of the array's elements")
    for dtype in FLOATS:
        asked = of_dtype(call, dtype)
        wanted = asked.run()
        turned = {n: np.ascontiguousarray(a.T) for n, a in asked.operands.items()}
        got = asked.run(**turned, axis=0)
        assert same_bits(tuple(np.asarray(g).T for g in got), wanted)
        assert same_bits(tuple(np.asarray(g).T for g in asked.run(**turned, axis=-2)), wanted)
        deep = {n: a[:, None] if a.shape[:1] == (ROWS,) else a for n, a in asked.operands.items()}
        last = asked.run(**deep, axis=2)
        assert same_bits(tuple(np.asarray(g).reshape(np.shape(w)) for g, w in zip(last, wanted, strict=True)), wanted)


LOSSES = {n: c for n, c in EVERY.items() if c.kind == "row loss" and "probabilities" not in n}


@situation("targets")
@pytest.mark.parametrize("call", LOSSES.values(), ids=LOSSES)
def test_wrong_labels_are_refused_before_anything_is_written(call: Call) -> None:
    """Out of range at any place, of any width; of other dtypes; of another shape."""
    target = call.operands["target"]
    wrong: list[tuple[Any, type[Exception]]] = []
    for kind in ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"):
        for label in (LENGTH, -1, -99, 127, np.iinfo(kind).max, np.iinfo(kind).min):
            if label == 0 or not np.iinfo(kind).min <= label <= np.iinfo(kind).max:
                continue
            for place in (0, ROWS - 1):
                bad = target.astype(kind)
                bad[place] = label
                wrong += [(bad, ValueError), (bad.astype(bad.dtype.newbyteorder()), ValueError)]
    wrong += [(target.astype(kind), ValueError) for kind in ("float64", "float32", "bool")]
    wrong += [(target.astype(kind), TypeError) for kind in ("c16", object, "U5", "m8[s]")]
    wrong += [(target[:-1], ValueError), (target[:, None], ValueError), (np.append(target, 0), ValueError)]
    wrong += [(target[:1], ValueError), (3, ValueError), (np.tile(target[:, None], LENGTH), ValueError)]
    wrong += [(None, TypeError), ("cat", TypeError), ([], ValueError)]
    for bad, error in wrong:
        for dtype in FLOATS:
            outs = (np.full((ROWS, LENGTH), 7, dtype),)
            asked = of_dtype(call, dtype)
            with pytest.raises(error, match=f"^{call.name}: target must"):
                run_into(asked, outs, target=bad) if takes_out(call) else asked.run(target=bad)
            assert np.all(outs[0] == 7)


@situation("targets")
@pytest.mark.parametrize("call", LOSSES.values(), ids=LOSSES)
def test_labels_of_any_integer_dtype_and_any_label_to_ignore(call: Call) -> None:
    """Also one that no int64 can hold."""
    target = call.operands["target"].copy()
    target[[0, 5]] = 3
    wanted = call.run(target=target, ignore_index=3)
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        assert same_bits(call.run(target=target.astype(kind), ignore_index=3), wanted), kind
    for largest in (2**63 - 1, 2**64 - 1):
        ignored = target.astype(np.uint64)
        ignored[ignored == 3] = largest
        assert same_bits(call.run(target=ignored, ignore_index=largest), wanted)
    assert same_bits(call.run(ignore_index=2**80), call.run())
    assert same_bits(call.run(ignore_index=-(2**63)), call.run())


@situation("targets")
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("way", ["labels", "probabilities"])
def test_classes_along_any_axis(way: str, axis: int) -> None:
    """Loss and gradient of each pixel are those of its row."""
    rng = np.random.default_rng(axis)
    for dtype in FLOATS:
        x = rng.normal(size=(3, 4, 5)).astype(dtype)
        rows = np.ascontiguousarray(np.moveaxis(x, axis, -1)).reshape(-1, x.shape[axis])
        shares = actfn.softmax(rng.normal(size=x.shape), axis).astype(dtype)
        target = np.argmax(shares, axis) if way == "labels" else shares
        flat = target.ravel() if way == "labels" else np.moveaxis(shares, axis, -1).reshape(rows.shape)
        loss = actfn.cross_entropy(x, target, axis, reduction="none")
        assert same_bits((loss.ravel(),), (actfn.cross_entropy(rows, flat, reduction="none"),))
        grad = rng.normal(size=loss.shape).astype(dtype)
        slope = actfn.cross_entropy_backward(grad, x, target, axis, reduction="none")
        wanted = actfn.cross_entropy_backward(grad.ravel(), rows, flat, reduction="none")
        assert same_bits((np.moveaxis(slope, axis, -1).reshape(rows.shape),), (wanted,))
