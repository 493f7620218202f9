"""What the functions of rows and planes share: checking arguments, laying out memory, writing the result."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from ._ufuncs import array_of, float_dtype

Array = NDArray[Any]


def shown(value: Any) -> str:
    """A value as an error shows it: on one line, and not all of a long one."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def valid_flag(function: str, name: str, value: Any) -> None:
    if not isinstance(value, (bool, np.bool)):
        raise TypeError(f"{function}: {name} must be True or False, got {shown(value)}")


def blame(function: str, name: str, operand: ArrayLike) -> None:
    """After an error of another function's: say it in the name of this one where the operand is what is wrong."""
    try:
        real_arrays(function, {name: operand})
    except (TypeError, ValueError) as error:
        raise error from None


def real_arrays(function: str, operands: dict[str, ArrayLike]) -> tuple[list[Array], np.dtype[Any]]:
    """The operands as arrays, and the dtype of the result; TypeError for what is not real numbers."""
    # Views, which stay as they are if an operand changes another while it is asked for its values.
    arrays = [array_of(function, name, operand)[...] for name, operand in operands.items()]
    kinds = [
        (name, type(array.dtype))
        for (name, operand), array in zip(operands.items(), arrays, strict=True)
        if type(operand) not in (int, float)  # Python numbers follow the arrays.
    ]
    return arrays, float_dtype(function, kinds)


def shape_of(function: str, name: str, operand: Any) -> tuple[int, ...]:
    """The shape of what has one, which is not computed for it, and of lists."""
    return np.shape(operand if hasattr(operand, "shape") else array_of(function, name, operand))


def valid_axis(function: str, axis: int, ndim: int) -> int:
    try:
        return int(normalize_axis_index(operator.index(axis), ndim, function))
    except TypeError:
        raise TypeError(f"{function}: axis must be an integer, got {shown(axis)}") from None
    except OverflowError:
        raise np.exceptions.AxisError(axis, ndim, function) from None


def positive(function: str, name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} must be a number, got {shown(value)}") from None
    if not 0 < number < np.inf:
        raise ValueError(f"{function}: {name} must be positive and finite, got {shown(value)}")
    return number


def generator(function: str, rng: Any) -> np.random.Generator:
    """That of a seed, or what was given."""
    try:
        # NumPy would take a matrix apart for ever: its rows are matrices.
        return np.random.default_rng(np.asarray(rng) if isinstance(rng, np.ndarray) else rng)
    except (TypeError, ValueError):
        raise TypeError(f"{function}: rng must be a numpy.random.Generator or a seed, got {shown(rng)}") from None


def broadcastable(function: str, name: str, array: ArrayLike, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{function}: {name} must broadcast to shape {shape}, got {np.shape(array)}") from None


def wrong_out(function: str, out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], casting: Any) -> Exception | None:
    """What is wrong with an array to write into, if anything."""
    if not isinstance(out, np.ndarray):
        return TypeError(f"{function}: out must be an array, got {type(out).__name__}")
    # What the array is, not what a subclass says that it is.
    out = np.asarray(out)
    if out.shape != shape:
        return ValueError(f"{function}: out must have shape {shape}, got {out.shape}")
    if casting in ("no", "equiv", "safe", "same_kind") and not np.can_cast(dtype, out.dtype, casting):
        return TypeError(f"{function}: out must be able to hold {dtype}, got {out.dtype}")
    if not out.flags.writeable:
        return ValueError(f"{function}: out must be writable, got a read-only array")
    return None


def valid_out(function: str, out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    wrong = None if out is None else wrong_out(function, out, shape, dtype, "same_kind")
    if wrong:
        raise wrong


def _inverse(order: Sequence[int]) -> list[int]:
    # Not argsort: where memory has run out, an array of two numbers is too much, and `out` is written by now.
    return sorted(range(len(order)), key=order.__getitem__)


@dataclass(frozen=True)
class Layout:
    """How arrays of one shape lie in memory: `order` sorts the axes so that they become C-contiguous."""

    order: tuple[int, ...]
    axis: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: Array, axis: int) -> "Layout":
        # Transposed arrays are worked on in their own order; anything with gaps is copied by `contiguous`.
        order = tuple(sorted(range(array.ndim), key=lambda k: -abs(array.strides[k])))
        if array.flags.c_contiguous or not array.transpose(order).flags.c_contiguous:
            order = tuple(range(array.ndim))
        return cls(order, order.index(axis), array.shape)

    @property
    def geometry(self) -> tuple[int, int, int]:
        lengths = [self.shape[k] for k in self.order]
        outer, inner = lengths[: self.axis], lengths[self.axis + 1 :]
        return int(np.prod(outer, dtype=np.intp)), lengths[self.axis], int(np.prod(inner, dtype=np.intp))

    def contiguous(self, array: Array, dtype: np.dtype[Any]) -> Array:
        """The array in this layout, without a copy where it already is."""
        return contiguous(array.transpose(self.order), dtype)

    def without_axis(self, array: Array, dtype: np.dtype[Any]) -> Array:
        """An array that has a value per row, in the order in which the kernels meet the rows."""
        order = [k - (k > self.order[self.axis]) for k in self.order if k != self.order[self.axis]]
        return contiguous(array.transpose(order), dtype)

    def back(self, rows: Array) -> Array:
        """The opposite of `without_axis`, for an array of one value per row in the kernels' order."""
        order = [k - (k > self.order[self.axis]) for k in self.order if k != self.order[self.axis]]
        kept = [k for k in self.order if k != self.order[self.axis]]
        return rows.reshape([self.shape[k] for k in kept]).transpose(_inverse(order))

    def empty(self, dtype: np.dtype[Any]) -> Array:
        return np.empty([self.shape[k] for k in self.order], dtype)

    def restored(self, array: Array) -> Array:
        return array.transpose(_inverse(self.order))


def valid_mask(function: str, mask: ArrayLike | None, layout: Layout) -> Array | None:
    """The mask as the kernels read it, beside arrays of the same layout."""
    if mask is None:
        return None
    array = array_of(function, "mask", mask)
    if array.dtype != np.bool:
        raise TypeError(f"{function}: mask must hold bool, True to take part, got {array.dtype}")
    return layout.contiguous(broadcastable(function, "mask", array, layout.shape), np.dtype(np.bool))


def target_of(
    layout: Layout,
    out: Array | None,
    computed: np.dtype[Any],
    inputs: Sequence[Array],
    beside: Sequence[Array | None] = (),
) -> Array:
    """Where the kernel writes: straight into `out` if it lies like the input and no operand overlaps it by half.

    What lies beside the rows, an entry per row or per class, must not overlap it at all.
    """
    if out is not None and out.dtype == computed:
        view = np.asarray(out).transpose(layout.order)
        if (
            view.flags.c_contiguous
            and view.flags.aligned
            and not any(_half_overlap(view, a) for a in inputs)
            and not any(np.may_share_memory(view, a) for a in beside if a is not None)
        ):
            return view
    return layout.empty(computed)


def _half_overlap(out: Array, operand: Array) -> bool:
    same = out.ctypes.data == operand.ctypes.data and out.nbytes == operand.nbytes
    return not same and bool(np.may_share_memory(out, operand))


def delivered(layout: Layout, written: Array, out: Array | None, dtype: np.dtype[Any]) -> Array:
    """The result in the caller's dtype, or in his array."""
    result = layout.restored(written)
    if out is None:
        return cast(result, dtype)
    if not (written.ctypes.data == out.ctypes.data and written.dtype == out.dtype):
        with np.errstate(all="ignore"):
            np.copyto(out, result, casting="same_kind")
    return out


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """Rounded to a narrower dtype without a word: overflow to infinity is the right answer."""
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def contiguous(array: ArrayLike, dtype: np.dtype[Any]) -> Array:
    """C-contiguous and of the dtype, without a copy where it already is, and without a word as in `cast`."""
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, dtype)


def computing_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float16 and bfloat16 are computed in float32 and rounded once at the end."""
    return np.dtype(np.float32) if dtype.itemsize == 2 else dtype
