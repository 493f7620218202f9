"""Bytes as calls: every public function with arguments of every kind, and what must hold after any of them."""

from __future__ import annotations

import array
import ctypes
import inspect
import reprlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import actfn
from actfn import _functions

from .buffers import Choices, Memory

NAMES = _functions.__all__
# The first choice is the plainest: bytes that have run out make an ordinary call.
SHAPES = [(4, 6), (2, 4, 3, 2), (6,), (), (0,), (4, 0), (1, 1), (3, 70), (17, 300), (16, 40), (40, 1), (2, 3, 4, 6),
          (20_000,), (300, 301)]  # fmt: skip
PLAIN = ["f4", "f8", "f2"]
DTYPES = [*PLAIN, ">f4", ">f8", "g", "c8", "c16", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i8", "S3",
          "U2", "M8[s]", "m8[s]", "V4", "f4,i2", "3f4"]  # fmt: skip
# What may be refused with. AxisError and NumPy's UFuncTypeError are kinds of these.
REFUSALS = (TypeError, ValueError, OverflowError, MemoryError, BufferError)


class PlantedError(Exception):
    """Raised by an argument; it may come through."""


class FaultError(AssertionError):
    """What must not happen."""


# ---- Arguments that misbehave ---------------------------------------------------------------------------------


class Raises:
    """Raises where NumPy asks for an array."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise PlantedError


class Lies:
    """Is another array every time."""

    def __init__(self, *arrays: Any) -> None:
        self.arrays, self.calls = arrays, 0

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.calls += 1
        return self.arrays[self.calls % len(self.arrays)]


class Reenters:
    """Calls the library while it is called."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        actfn.softmax(np.ones((3, 4)))
        actfn.prelu_backward(1.0, np.ones((3, 4), np.float32), np.ones(4))
        return actfn.relu(self.array)


class Reshapes:
    """Changes the shape or the dtype of the other arguments while it is asked for an array."""

    def __init__(self, memory: Memory, how: int) -> None:
        self.memory, self.how = memory, how

    def change(self) -> None:
        for _, _, made in self.memory.arrays:
            try:
                if self.how == 0:
                    made.shape = (made.size,)
                elif self.how == 1:
                    made.dtype = np.dtype("V1")
                elif self.how == 2:
                    made.dtype = np.dtype(f"V{made.itemsize * made.shape[-1]}")
                elif self.how == 3:
                    made.dtype = np.dtype(np.complex128)
                else:
                    made.flags.writeable = False
            except (ValueError, TypeError, AttributeError, IndexError):
                pass

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.change()
        return np.ones(())

    def __float__(self) -> float:
        self.change()
        return 1.0

    def __index__(self) -> int:
        self.change()
        return 0


class RaisesAsNumber:
    """Raises wherever it is taken for a number."""

    def refuse(self, *_: Any) -> Any:
        raise PlantedError

    __float__ = __index__ = __int__ = __eq__ = __len__ = __bool__ = __iter__ = refuse  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class Index(int):
    """An integer that says it is another."""

    def __index__(self) -> int:
        return 5

    def __float__(self) -> float:
        return float("nan")


class Real(float):
    """A number that says it is another."""

    def __float__(self) -> float:
        return -1.0


class Text(str):
    """Equal to every word."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class Refuses(np.ndarray):
    """Wants no ufuncs."""

    __array_ufunc__ = None


class Wider(np.ndarray):
    """Says that it is larger than it is."""

    shape = property(lambda self: (300, 301))  # type: ignore[assignment]
    size = property(lambda self: 90_300)  # type: ignore[assignment]
    ndim = property(lambda self: 2)  # type: ignore[assignment]


class Another(np.ndarray):
    """Says that it holds other numbers, elsewhere."""

    dtype = property(lambda self: np.dtype("f8"))  # type: ignore[assignment]
    strides = property(lambda self: (8,) * 4)  # type: ignore[assignment]

    def transpose(self, *axes: Any) -> Any:
        return np.zeros(3)


def nested(depth: int) -> Any:
    found: Any = 1.0
    for _ in range(depth):
        found = [found]
    return found


def released() -> memoryview:
    view = memoryview(bytearray(48)).cast("d")
    view.release()
    return view


def view_as(kind: type) -> Callable[[Choices, Memory], Any]:
    return lambda c, m: m.array(c.of(SHAPES), c.of(PLAIN)).view(kind)


def masked(c: Choices, m: Memory) -> Any:
    x = m.array(c.of(SHAPES), c.of(PLAIN))
    return np.ma.MaskedArray(x, x > 0)


def scaled(c: Choices, m: Memory) -> Any:
    """A dtype of the kind that users make, which has no number."""
    from numpy._core import _multiarray_umath

    return np.ones(c.of(SHAPES)).view(_multiarray_umath._get_sfloat_dtype()(1.0))


def small_float(c: Choices, m: Memory) -> Any:
    import ml_dtypes

    return m.array(c.of(SHAPES), c.of([ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4]))


NUMBERS = [0, 1, -1, 2, True, 0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), float("-inf"), 5e-324, 1e308, 2**31,
           -(2**31), 2**63, 2**64, -(2**63) - 1, 10**400, 1j]  # fmt: skip
WORDS = ["mean", "sum", "none", "", "K", "same_kind", "no", "unsafe", "\0", "é" * 40, b"mean", "index"]

OBJECTS: list[Callable[[Choices, Memory], Any]] = [
    lambda c, m: None,
    lambda c, m: m.array(c.of(SHAPES), c.of(PLAIN)),
    lambda c, m: m.array(c.of(SHAPES), c.of(DTYPES)),
    lambda c, m: m.arrays[c.number(len(m.arrays))][2] if m.arrays else None,
    lambda c, m: c.of(NUMBERS),
    lambda c, m: c.of(WORDS),
    lambda c, m: np.dtype(c.of(DTYPES[:18])).type(1),
    lambda c, m: c.of([Index(1), Real(1.0), Text("mean"), RaisesAsNumber(), Raises()]),
    lambda c, m: Reenters(m.array(c.of(SHAPES), c.of(PLAIN))),
    lambda c, m: Lies(m.array(c.of(SHAPES), c.of(PLAIN)), m.array(c.of(SHAPES), c.of(DTYPES))),
    lambda c, m: Lies(c.of([None, 3, "x", [1.0]])),
    lambda c, m: Reshapes(m, c.number(5)),
    lambda c, m: c.of([[[1.0, 2.0], [3.0]], [], [[]], [None], ["a"], [[1, 2], [3, 4]], {}, {1, 2}, object(), int, ...,
                       NotImplemented, slice(None), range(4), (1.0, 2.0), nested(70), iter([1.0]), lambda: 0, actfn,
                       np.nan, np.float32(1), np.bool(True), np.str_("mean")]),
    view_as(Refuses),
    view_as(Wider),
    view_as(Another),
    view_as(np.recarray),
    lambda c, m: np.matrix(np.ones((2, 3))),
    masked,
    scaled,
    small_float,
    lambda c, m: c.of([bytearray(48), memoryview(bytearray(48)).cast("d"), released(), array.array("d", [1, 2, 3]),
                       (ctypes.c_float * 6)(), memoryview(b"abcdef")]),
    lambda c, m: np.full(c.of(SHAPES), c.of([None, 1.0, 10**400, RaisesAsNumber()]), object),
    lambda c, m: np.full(c.of(SHAPES), "a", np.dtypes.StringDType()),
    # More than there is memory for.
    lambda c, m: np.broadcast_to(np.float32(1), c.of([(2**40,), (2**30, 2**20), (0, 2**60), (2**60, 0), (2**60, 1)])),
    lambda c, m: (m.array(c.of(SHAPES), c.of(PLAIN)), m.array(c.of(SHAPES), c.of(PLAIN))),
    lambda c, m: (c.of([None, ...]),),
]  # fmt: skip
# Sums over what is larger than memory need none, and take for ever.
ENDLESS = {row.name for row in actfn.catalog.values() if row.trains or row.kind == "pointwise loss"}


# ---- Calls ----------------------------------------------------------------------------------------------------


def parameters_of(function: Any) -> list[str]:
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]


def ordinary(name: str, parameter: str, shape: tuple[int, ...], dtype: str, memory: Memory) -> Any:
    """A value with which the call succeeds, mostly; None leaves the argument out."""
    c, row = memory.choices, actfn.catalog[name.removesuffix("_backward")]
    if row.kind == "spatial" and len(shape) != 4:
        shape = (2, 4, 3, 2)
    if parameter in row.inputs or parameter in ("logits", "grad", "y", "gate", "value"):
        per_row = parameter == "grad" and (row.kind == "row loss" or row.name in ("logsumexp", "logmeanexp"))
        if per_row and c.number(2):
            return 1.0
        if parameter == "grad" and row.name in ("crelu", "glu", "maxout"):
            return 1.0
        if parameter == "target":
            return memory.array(shape, dtype, hostile=False)
        return memory.array(shape[:-1] if per_row else shape, dtype)
    if parameter == "target":
        return memory.array(shape[:-1] if c.number(4) < 3 else shape, c.of(["i8", "i4", dtype]))
    if parameter == "mask":
        return memory.array(shape, "?") if c.number(3) == 2 else None
    if parameter == "window":
        return memory.array((shape[1], 3, 3), dtype)
    if parameter == "weight" and row.kind == "row loss":
        return memory.array(shape[-1:], "f8") if c.number(3) == 2 else None
    if parameter in row.params and c.number(4) == 3:
        return memory.array(c.of([shape[-1:], (), (*shape[-2:-1], 1)]), c.of(["f8", "f4"]))
    if parameter in row.params and row.params[parameter] is None:
        return 0.5
    if parameter == "rng":
        return 7
    if parameter == "where":
        return memory.array(shape, "?") if c.number(4) == 3 else None
    return None


def a_call(data: bytes) -> tuple[str, list[Any], dict[str, Any], Memory]:
    """The call that the bytes stand for: an ordinary one in which some arguments have been replaced."""
    c = Choices(data)
    memory = Memory(c)
    name = NAMES[(c.number(256) * 256 + c.number(256)) % len(NAMES)]
    function = getattr(actfn, name)
    shape, dtype = c.of(SHAPES), c.of(PLAIN)
    names = parameters_of(function)
    values = {p: ordinary(name, p, shape, dtype, memory) for p in names}
    values = {p: value for p, value in values.items() if value is not None}
    if "out" in names and c.number(3):
        try:
            copies = {p: v.copy() if isinstance(v, np.ndarray) else v for p, v in values.items() if p != "where"}
            results = run(function, *split(function, copies))
        except REFUSALS:
            results = ()
        results = results if isinstance(results, tuple) else (results,)
        outs = tuple(memory.array(np.shape(r), np.asarray(r).dtype) for r in results)
        values["out"] = outs if isinstance(function, np.ufunc) and function.nout > 1 else outs[0] if outs else None
    for _ in range(c.number(4)):
        parameter = c.of([*names, "where", "dtype", "casting", "order", "subok", "signature", "extra", "reduction"])
        values[parameter] = c.of(OBJECTS)(c, memory)
    positional, keywords = split(function, values)
    if c.number(16) == 15:
        positional.append(c.of(OBJECTS)(c, memory))
    return name, positional, keywords, memory


def split(function: Any, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Ufuncs take their operands by position only."""
    values = dict(values)
    if not isinstance(function, np.ufunc):
        return [], values
    names = parameters_of(function)[: function.nin]
    return [values.pop(name) for name in names if name in values], values


def run(function: Any, positional: list[Any], keywords: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What floating-point operations warn of is theirs to keep to themselves.
        warnings.simplefilter("error", RuntimeWarning)
        return function(*positional, **keywords)


def described(name: str, positional: list[Any], keywords: dict[str, Any]) -> str:
    def one(value: Any) -> str:
        if isinstance(value, np.ndarray):
            base = np.asarray(value)
            return f"<{type(value).__name__} {base.dtype} {base.shape} strides {base.strides}>"
        if isinstance(value, tuple):
            return f"({', '.join(map(one, value))})"
        return reprlib.repr(value) if type(value).__module__ in ("builtins", "numpy") else f"<{type(value).__name__}>"

    given = [one(v) for v in positional] + [f"{k}={one(v)}" for k, v in keywords.items()]
    return f"{name}({', '.join(given)})"


_PROBE = np.linspace(-5, 5, 40, dtype=np.float32).reshape(4, 10)
_EXPECTED = [actfn.softmax(_PROBE), actfn.gelu(_PROBE), actfn.swish(_PROBE.T), actfn.entmax15(_PROBE, axis=0)]
_STATE = np.geterr()


def state_is_fine() -> bool:
    got = [actfn.softmax(_PROBE), actfn.gelu(_PROBE), actfn.swish(_PROBE.T), actfn.entmax15(_PROBE, axis=0)]
    same = all(a.tobytes() == b.tobytes() for a, b in zip(got, _EXPECTED, strict=True))
    handler = np._core.multiarray.get_handler_name()
    return same and np.geterr() == _STATE and handler == "default_allocator"


def outs_of(name: str, positional: list[Any], keywords: dict[str, Any]) -> list[Any]:
    function, found = getattr(actfn, name), []
    if isinstance(function, np.ufunc):
        found += positional[function.nin :]
    found.append(keywords.get("out"))
    return [o for out in found for o in (out if isinstance(out, tuple) else (out,))]


def signals(value: Any) -> bool:
    """Whether an array holds a signalling NaN, of which NumPy's own conversions warn."""
    array = np.asarray(value) if isinstance(value, np.ndarray) else np.ones(0)
    if array.dtype not in (np.float16, np.float32, np.float64) or array.size > 10**8:
        return False
    bits = np.array(array).view(f"u{array.itemsize}")
    return bool((np.isnan(array) & (bits >> np.finfo(array.dtype).nmant - 1 & 1 == 0)).any())


def converted(arguments: list[Any]) -> bool:
    """Whether NumPy has to convert between floating-point types, of which it warns where a number does not fit."""
    values = [v for a in arguments for v in (a if isinstance(a, tuple) else (a,))]
    kinds = {v.dtype.newbyteorder("=") for v in values if isinstance(v, np.ndarray) and v.dtype.kind in "fV"}
    return len(kinds) > 1 or any(isinstance(v, float) and abs(v) > 3e38 for v in values)


def larger_than_memory(values: list[Any]) -> bool:
    return any(isinstance(v, np.ndarray) and np.asarray(v).size > 10**8 for v in values)


def check(data: bytes) -> tuple[str, str]:
    """Make the call that the bytes stand for. What came of it, and the call; FaultError where something is wrong."""
    name, positional, keywords, memory = a_call(data)
    text = described(name, positional, keywords)
    arguments = [*positional, *keywords.values()]
    if larger_than_memory(arguments) and actfn.catalog[name.removesuffix("_backward")].name in ENDLESS:
        return "left out", text
    misleads = any(isinstance(v, Reshapes | Wider | Another | np.recarray) for v in arguments)
    outs = outs_of(name, positional, keywords)
    # A view of an array that is a MaskedArray is another object.
    misleads |= any(isinstance(out, np.ndarray) and type(out) is not np.ndarray for out in outs)
    memory.remember()
    outcome = "done"
    try:
        run(getattr(actfn, name), positional, keywords)
    except PlantedError:
        outcome = "PlantedError"
    except REFUSALS as error:
        outcome = type(error).__name__
        if not str(error) and not isinstance(error, MemoryError):
            raise FaultError(f"{outcome} without a word: {text}") from error
    except RuntimeWarning as error:
        if not any(map(signals, arguments)) and not converted(arguments):
            raise FaultError(f"RuntimeWarning: {error}: {text}") from error
        outcome = "done"
    except Exception as error:
        if any(isinstance(v, Wider | Another) for v in arguments) and not isinstance(error, SystemError):
            # Even their repr fails, which a message needs.
            return type(error).__name__, text
        raise FaultError(f"{type(error).__name__}: {error}: {text}") from error
    # Where an argument says it is what it is not, nobody knows what belongs to `out`.
    stray = "" if misleads and outcome == "done" else memory.stray(outs if outcome == "done" else [])
    if stray:
        raise FaultError(f"{stray} ({outcome}): {text}")
    if not state_is_fine():
        raise FaultError(f"the state of the process is another: {text}")
    return outcome, text
