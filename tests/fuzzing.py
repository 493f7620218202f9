"""Calls of any function on operands of any layout, and what must hold of them: tests/test_fuzz.py, reliability/fuzz.py.

A call on arrays in any layout, misaligned, byte-swapped, overlapping, is compared bit by bit with the same call on
contiguous copies, with and without `out` and `where`, and in a few places with its twin.
"""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import actfn
from actfn import _functions

from . import oracle, twin
from .buffers import Memory, Source
from .calls import same_bits
from .test_values import PARAMETERS

NAMES = _functions.__all__
LENGTHS = [3, 1, 2, 5, 0, 16, 17, 33, 60, 300]
DTYPES = ["f4", "f8", "f2", ">f4", ">f8", ">f2", "i4", "u1", "?", "i8"]
HOSTILE = [0.0, -1.0, 1e300, -1e300, 5e-324, 1e-310, math.inf, -math.inf, math.nan]
REFUSALS = (TypeError, ValueError, MemoryError, OverflowError)
ALONG = 48  # rows of at least this length are summed in another order where they lie along


class Drawn:
    """Choices that hypothesis makes, and makes simpler where an example fails."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def number(self, below: int) -> int:
        return int(self.data.draw(st.integers(0, below - 1)))

    def of(self, options: Any) -> Any:
        return options[self.number(len(options))]


class Call:
    """A function, its operands where they lie, and what was chosen besides."""

    def __init__(self, name: str, source: Source) -> None:
        self.name, self.source = name, source
        self.row = oracle.ROWS[name.removesuffix("_backward")]
        self.function = getattr(actfn, name)
        self.backward = name != self.row.name
        self.memory = Memory(source)
        self.kind = self.row.kind
        self.ufunc = self.kind in ("elementwise", "gated") and self.row.name != "glu"
        self.shape = self.some_shape()
        self.dtype = source.of(DTYPES)
        self.operands: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.draw()

    def some_shape(self) -> tuple[int, ...]:
        spatial = self.kind == "spatial"
        shape = tuple(self.source.of(LENGTHS) for _ in range(4 if spatial else self.source.of([1, 2, 0, 3, 4])))
        if self.row.name == "glu" and shape:
            shape = (*shape[:-1], shape[-1] + shape[-1] % 2)
        # Strides of an array without elements reach as far.
        while math.prod(max(length, 1) for length in shape) > 6000:
            k = shape.index(max(shape))
            shape = (*shape[:k], shape[k] // 2, *shape[k + 1 :])
        return shape

    def array(self, shape: tuple[int, ...], dtype: Any = None) -> NDArray[Any]:
        return self.memory.array(shape, self.dtype if dtype is None else dtype)

    def smaller(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to it."""
        if self.source.number(3) == 0:
            return shape
        shape = tuple(1 if self.source.number(3) == 0 else length for length in shape)
        return shape[self.source.number(len(shape) + 1) :]

    def filled(self, values: Any) -> NDArray[Any]:
        """The values, in an array that can hold them."""
        values = np.asarray(values)
        made = self.array(values.shape, values.dtype)
        if made.flags.writeable:
            made[...] = values
        return made

    def draw(self) -> None:
        c = self.source
        getattr(self, "draw_" + self.kind.replace(" ", "_"))()
        if "axis" in inspect.signature(self.function).parameters and self.kind != "spatial":
            ndim = max(len(self.shape), 1)
            self.options["axis"] = c.of([-1, *range(-ndim, ndim), *range(-ndim, ndim), ndim, -ndim - 1, (0,)])

    def draw_elementwise(self) -> None:
        c = self.source
        if self.backward:
            self.operands["grad"] = 1.0 if c.number(4) == 3 else self.array(self.smaller(self.shape))
        self.operands["x"] = self.array(self.shape)
        chosen = c.of([oracle.default_params(self.row), *PARAMETERS.get(self.row.name, [])])
        for name in self.row.params:
            value: Any = chosen[name] if c.number(5) else c.of(HOSTILE)
            if c.number(4) == 3:
                value = np.full(self.smaller(self.shape), value)
                if c.number(2):
                    value = value.astype("f4") if abs(chosen[name]) < 1e38 and np.all(np.abs(value) < 1e38) else value
                    value.flat[::3] = chosen[name]
                value = self.filled(value)
            if type(value) is float and self.row.params[name] == value and c.number(2):
                continue
            self.operands[name] = value

    def draw_gated(self) -> None:
        if self.row.name == "glu":
            if self.backward:
                self.operands["grad"] = 1.0
            self.operands["x"] = self.array(self.shape)
            return
        for name in (["grad"] if self.backward else []) + ["gate", "value"]:
            self.operands[name] = self.array(self.smaller(self.shape) if self.source.number(3) == 2 else self.shape)

    def draw_rows(self) -> None:
        c, reduced = self.source, self.row.name in twin.REDUCED
        given = inspect.signature(self.function).parameters
        if c.number(4) == 3:
            self.options["mask"] = self.array(self.smaller(self.shape), "?")
        for name in ("temperature", "tau", "epsilon"):
            if name in given and c.number(3) == 2:
                self.options[name] = c.of([1.0, 0.3, 3, 1e-300, 1e300, 5e-324])
        if "keepdims" in given and c.number(2):
            self.options["keepdims"] = True
        if self.backward:
            shape = self.shape[:-1] if reduced else self.shape
            self.operands["grad"] = 0.5 if c.number(4) == 3 else self.array(self.smaller(shape))
        if "y" in given:
            with np.errstate(all="ignore"):
                x = np.random.default_rng(c.number(9)).normal(size=self.shape)
                dtype = self.dtype if np.dtype(self.dtype).kind == "f" else "f4"
                axis = () if not self.shape else (-3 if self.kind == "spatial" else -1,)
                y = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
                y = np.log(y) if "log" in self.name else y
            self.operands["y"] = self.filled(y.astype(dtype))
        else:
            self.operands["x"] = self.array(self.shape)

    def draw_sampled_rows(self) -> None:
        self.draw_rows()
        if not self.backward:
            self.options["rng"] = self.source.number(100)

    def draw_spatial(self) -> None:
        if self.row.name == "softmax2d":
            self.draw_rows()
            return
        if self.backward:
            self.operands["grad"] = self.array(self.smaller(self.shape))
        self.operands["x"] = self.array(self.shape)
        self.operands["window"] = self.array((self.shape[1], 3, 3))

    def draw_pieces(self) -> None:
        if self.row.params:
            self.options["pieces"] = self.source.of([2, 1, 3, 5])
        if self.backward:
            self.operands["grad"] = 0.5
        self.operands["x"] = self.array(self.shape)

    def draw_row_loss(self) -> None:
        c, classes = self.source, self.shape[-1] if self.shape else 1
        self.operands["logits"] = self.array(self.shape)
        if c.number(5) == 4:
            self.operands["target"] = self.array(self.shape, c.of(["f4", "f8", ">f4"]))
        else:
            labels = np.random.default_rng(c.number(9)).integers(0, max(classes, 1), self.shape[:-1])
            ignored = c.of([-100, 0, 1, 2**40, -(2**62)])
            labels = np.where(labels % 5 == 4, ignored if abs(ignored) < 100 else 0, labels)
            kind = c.of(["i8", "i4", ">i8", "u1" if ignored == 1 else "i2"])
            self.operands["target"] = self.filled(labels.astype(kind))
            self.options["ignore_index"] = ignored
        if c.number(3) == 2:
            weight = np.random.default_rng(c.number(9)).uniform(0, 3, classes)
            self.operands["weight"] = self.filled(weight.astype(c.of(["f8", "f4", "i4"])))
        self.options["label_smoothing"] = c.of([0.0, 0.1, 1.0, 0])
        self.options["reduction"] = c.of(["mean", "sum", "none"])
        if self.backward:
            per_row = self.options["reduction"] == "none" and c.number(3)
            self.operands["grad"] = self.array(self.shape[:-1], c.of(["f8", "f4"])) if per_row else 0.5

    def draw_pointwise_loss(self) -> None:
        c = self.source
        self.operands["logits"] = self.array(self.shape)
        self.operands["target"] = self.array(self.smaller(self.shape), c.of([None, "f4", "?"]))
        if c.number(3) == 2:
            self.operands["pos_weight"] = c.of([2.5, 0.0, self.array(self.smaller(self.shape), "f8")])
        self.options["reduction"] = c.of(["mean", "sum", "none"])
        if self.backward:
            per_row = self.options["reduction"] == "none" and c.number(3)
            self.operands["grad"] = self.array(self.smaller(self.shape)) if per_row else 0.5

    # ---- Running it ----

    def run(self, operands: dict[str, Any], **more: Any) -> tuple[Any, ...]:
        arguments = operands | self.options | more
        # With `where` NumPy converts what lies in `out` too.
        with warnings.catch_warnings(), np.errstate(all="ignore" if "where" in more else "warn"):
            warnings.simplefilter("error")
            if isinstance(self.function, np.ufunc):
                names = list(inspect.signature(self.function).parameters)[: self.function.nin]
                result = self.function(*[arguments.pop(n) for n in names], **arguments)
            else:
                result = self.function(**arguments)
        return result if isinstance(result, tuple) else (result,)

    @property
    def copies(self) -> dict[str, Any]:
        """The operands, contiguous and in the machine's byte order."""
        return {n: a if isinstance(a, float) else np.array(a, twin.native(a).dtype) for n, a in self.operands.items()}

    def summed(self, k: int) -> bool:
        """Whether a result is a sum, whose bits depend on the order in which its terms lie."""
        return (
            (self.kind in ("row loss", "pointwise loss") and not self.backward and self.options["reduction"] != "none")
            or (k > 0 and (self.kind == "elementwise" or self.row.name == "funnel_relu"))
            or (self.kind in ("rows", "sampled rows", "row loss", "spatial") and max(self.shape, default=0) >= ALONG)
        )

    def agree(self, got: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
        assert len(got) == len(wanted)
        for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
            a, b = np.asarray(a), np.asarray(b)
            assert a.dtype == b.dtype, f"{a.dtype}, not {b.dtype}"
            assert a.shape == b.shape, f"{a.shape}, not {b.shape}"
            if same_bits(a, b):
                continue
            assert self.summed(k), f"other bits: {a.tolist()!r:.300}, not {b.tolist()!r:.300}"
            largest = max([float(np.abs(np.nan_to_num(v.astype(float))).max(initial=1.0)) for v in self.arrays()])
            if largest < 1e3:
                eps = float(np.finfo(a.dtype).eps)
                np.testing.assert_allclose(a, b, rtol=64 * eps, atol=64 * eps * largest * (math.prod(self.shape) + 1))

    def arrays(self) -> list[NDArray[Any]]:
        return [np.asarray(v) for v in self.operands.values()]

    def examine(self) -> None:
        """All that must hold of the call."""
        copies = self.copies
        self.memory.remember()
        try:
            wanted = self.run(copies)
        except REFUSALS as error:
            self.refuses(type(error))
            return
        wanted = tuple(np.array(w) for w in wanted)
        self.agree(self.run(self.operands), wanted)
        assert not self.memory.stray([]), "an operand has changed"
        twin.compare(self.name, self.copies | self.options, wanted)
        if "out" in inspect.signature(self.function).parameters:
            self.fills(wanted)

    def refuses(self, error: type) -> None:
        """The same call on any layout has the same error, and changes nothing."""
        out = self.memory.array(self.shape, "f8", distinct=True)
        self.memory.remember()
        for more in ({}, {"out": out}):
            if more and "out" not in inspect.signature(self.function).parameters:
                continue
            try:
                self.run(self.operands, **more)
            except REFUSALS as second:
                assert more or type(second) is error, f"{type(second).__name__}, not {error.__name__}"  # noqa: PT017
            else:
                raise AssertionError(f"no {error.__name__}")
        assert not self.memory.stray([]), "something has changed in spite of the error"

    def fills(self, wanted: tuple[NDArray[Any], ...]) -> None:
        """`out` anywhere, also over operands, and `where`."""
        c = self.source
        several = isinstance(self.function, np.ufunc) and self.function.nout > 1
        count = len(wanted) if several else 1
        wide = c.number(4) == 3
        where: Any = None
        # NumPy converts all of an `out` that overlaps an operand to the ufunc's dtype and back, also with `where`.
        if self.ufunc and not wide and c.number(3) == 2:
            where = self.memory.array(self.smaller(wanted[0].shape), "?")
        outs = []
        for w in wanted[:count]:
            # Two results in one place are nobody's.
            dtype = "f8" if wide else w.dtype.newbyteorder(c.of(["=", "=", ">"]))
            outs.append(self.memory.array(w.shape, dtype, hostile=not outs, distinct=True))
        kept = [out.copy() for out in outs]
        mask = True if where is None else where.copy()
        more: dict[str, Any] = {"out": tuple(outs) if several else outs[0]}
        if where is not None:
            more["where"] = where
        self.memory.remember()
        if not all(out.flags.writeable for out in outs):
            self.frozen(more)
            return
        got = self.run(self.operands, **more)
        for k, out in enumerate(outs):
            assert got[k] is out, "another array than out came back"
            with np.errstate(all="ignore"):
                expected = np.where(mask, wanted[k].astype(out.dtype), kept[k])
            native = out.astype(out.dtype.newbyteorder("="))
            if where is None:
                expected = expected.reshape(native.shape)
            # A wider array may hold more digits than the result's own dtype has.
            wider = native.itemsize > wanted[k].itemsize and where is None
            if not same_bits(native, expected.astype(native.dtype)) and not (
                wider and same_bits(twin.cast(native, wanted[k].dtype), wanted[k])
            ):
                assert self.summed(k), f"out has other bits: {native.tolist()!r:.300}, not {expected.tolist()!r:.300}"
        assert not (stray := self.memory.stray(outs)), stray

    def frozen(self, more: dict[str, Any]) -> None:
        try:
            self.run(self.operands, **more)
        except REFUSALS:
            assert not self.memory.stray([]), "a read-only array has changed"
        else:
            raise AssertionError("a read-only out was taken")

    def __repr__(self) -> str:
        def one(value: Any) -> str:
            if isinstance(value, np.ndarray):
                return f"<{value.dtype.str} {value.shape} strides {value.strides}>"
            return repr(value)

        return f"{self.name}({', '.join(f'{n}={one(v)}' for n, v in (self.operands | self.options).items())})"


def examine(name: str, source: Source) -> None:
    """Draw a call and examine it; a failure says what the call was."""
    call = Call(name, source)
    try:
        call.examine()
    except BaseException as error:
        error.add_note(repr(call))
        raise
