"""Losses on logits: the softmax or sigmoid inside is fused with the logarithm outside."""

import math
import operator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from . import _ufuncs
from ._arrays import (
    Array,
    Layout,
    broadcastable,
    cast,
    computing_dtype,
    contiguous,
    delivered,
    real_arrays,
    shape_of,
    shown,
    target_of,
    valid_axis,
    valid_out,
)
from ._build import kernels
from ._containers import adds_up, apply, library_of, named, over, sum_of
from ._mistakes import together
from .elementwise import summed

Reduction = Literal["mean", "sum", "none"]
_REDUCTIONS = get_args(Reduction)
_PLAIN = (np.dtype(np.float32), np.dtype(np.float64))


def _valid_reduction(function: str, reduction: Any) -> None:
    if not isinstance(reduction, str) or reduction not in _REDUCTIONS:
        raise ValueError(f"{function}: reduction must be 'mean', 'sum' or 'none', got {shown(reduction)}")


class _Problem:
    """The checked arguments of cross-entropy, laid out for the kernels."""

    def __init__(
        self,
        function: str,
        logits: ArrayLike,
        target: ArrayLike,
        axis: int,
        weight: ArrayLike | None,
        ignore_index: int,
        label_smoothing: float,
        reduction: Reduction,
    ) -> None:
        _valid_reduction(function, reduction)
        (array,), self.dtype = real_arrays(function, {"logits": logits})
        axis = valid_axis(function, axis, array.ndim)
        classes = array.shape[axis]
        self.rows_shape = array.shape[:axis] + array.shape[axis + 1 :]
        self.layout = Layout.of(array, axis)
        self.computed = computing_dtype(self.dtype)
        self.logits = self.layout.contiguous(array, self.computed)
        try:
            smoothing, ignore_index = float(label_smoothing), operator.index(ignore_index)
        except (TypeError, ValueError):
            raise TypeError(
                f"{function}: label_smoothing must be a number and ignore_index an integer, "
                f"got {shown(label_smoothing)} and {ignore_index!r}"
            ) from None
        if not 0 <= smoothing <= 1:
            raise ValueError(f"{function}: label_smoothing must lie in [0, 1], got {shown(label_smoothing)}")
        self.weight = self._valid_weight(function, weight, classes)
        self.labels = self.probabilities = None
        (wanted,), _ = real_arrays(function, {"target": target})
        if wanted.dtype.kind in "iu" and wanted.shape == self.rows_shape:
            # Another thread may change them as soon as they have been checked.
            wanted = wanted.copy()
            ignored = wanted == ignore_index
            bad = ~ignored & ((wanted < 0) | (wanted >= classes))
            if bad.any():
                raise ValueError(
                    f"{function}: target must hold class labels from 0 to {classes - 1}, "
                    f"or {ignore_index} to ignore a row, got {wanted[bad].flat[0]}"
                )
            # The label to ignore may be one that no int64 holds.
            labels = wanted.astype(np.int64)
            labels[ignored] = -1
            self.labels = self.layout.without_axis(labels, np.dtype(np.int64))
            self.denominator = kernels.weight_of(self.labels, -1, self.weight)
        elif wanted.dtype.kind not in "biu" and wanted.shape == array.shape:
            self.probabilities = self.layout.contiguous(wanted, self.computed)
            self.denominator = float(np.prod(self.rows_shape, dtype=np.intp))
        else:
            raise ValueError(
                f"{function}: target must hold integer labels of shape {self.rows_shape} or probabilities of shape "
                f"{array.shape}, got {wanted.dtype} of shape {wanted.shape}"
            )
        self.options = {
            "labels": self.labels,
            "ignore": -1,
            "weight": self.weight,
            "smoothing": smoothing,
        }

    @staticmethod
    def _valid_weight(function: str, weight: ArrayLike | None, classes: int) -> Array | None:
        if weight is None:
            return None
        (array,), _ = real_arrays(function, {"weight": weight})
        if array.shape != (classes,):
            raise ValueError(f"{function}: weight must have shape ({classes},), got {array.shape}")
        return contiguous(array, np.dtype(np.float64))


def _operands(
    function: str, logits: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> dict[str, tuple[Any, str]]:
    """For containers: labels are one per row, probabilities are as many as logits."""
    core = "n" if _ndim(function, "target", target) == _ndim(function, "logits", logits) else ""
    return {"logits": (logits, "n"), "target": (target, core), "weight": (weight, "k")}


def _ndim(function: str, name: str, array: Any) -> int:
    if isinstance(array, (list, tuple)):
        return len(shape_of(function, name, array))
    return array.ndim if hasattr(array, "ndim") else 0


def _weights(logits: Array, target: Array, axis: int, weight: Array | None = None, *, ignore_index: int) -> Array:
    """What each row counts in a mean."""
    if target.ndim == logits.ndim:
        return np.ones(np.delete(logits.shape, axis))
    # A label out of range is an error of the loss, which is not computed here.
    weights = 1.0 if weight is None else np.take(np.asarray(weight, np.float64), target, mode="clip")
    return np.where(target != ignore_index, weights, 0.0)


def _count(function: str, operands: dict[str, tuple[Any, str]], axis: int, ignore_index: int) -> Any:
    return sum_of(apply(named(function, _weights), operands, "", axis, ignore_index=ignore_index))


def _valid_number(function: str, grad: Any) -> None:
    if _ndim(function, "grad", grad) != 0:
        raise ValueError(f"{function}: grad must broadcast to shape (), got {np.shape(grad)}")


def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    axis: int = -1,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> Any:
    plain = kernels.run_plain_cross_entropy(logits, target, axis, weight, ignore_index, label_smoothing, reduction)
    if plain is not None:
        return plain
    if library_of(logits, target, weight):
        _valid_reduction("cross_entropy", reduction)
        operands = _operands("cross_entropy", logits, target, weight)
        options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
        if reduction == "none" or not adds_up(logits, target, weight):
            return apply(cross_entropy, operands, "", axis, reduction=reduction, **options)
        losses = apply(cross_entropy, operands, "", axis, reduction="none", **options)
        count = _count("cross_entropy", operands, axis, ignore_index) if reduction == "mean" else 1.0
        return over(sum_of(losses), count).astype(losses.dtype)
    p = _Problem("cross_entropy", logits, target, axis, weight, ignore_index, label_smoothing, reduction)
    losses = np.empty(int(np.prod(p.rows_shape, dtype=np.intp))) if reduction == "none" else None
    total = kernels.run_rows("cross_entropy", p.layout.geometry, (p.logits, p.probabilities, losses), **p.options)
    if losses is not None:
        return cast(p.layout.back(losses), p.dtype)[()]
    with np.errstate(all="ignore"):
        # As in PyTorch the mean is weighted, and NaN where no row counts.
        return p.dtype.type(total if reduction == "sum" else np.divide(total, p.denominator))


def cross_entropy_backward(
    grad: ArrayLike,
    logits: ArrayLike,
    target: ArrayLike,
    axis: int = -1,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Array:
    name = "cross_entropy_backward"
    plain = kernels.run_plain_cross_entropy_backward(
        grad, logits, target, axis, weight, ignore_index, label_smoothing, reduction, out
    )
    if plain is not None:
        return plain  # type: ignore[no-any-return]
    if library_of(grad, logits, target, weight):
        _valid_reduction(name, reduction)
        operands = _operands(name, logits, target, weight)
        if reduction != "none" and adds_up(grad, logits, target, weight):
            _valid_number(name, grad)
            grad = over(grad, _count(name, operands, axis, ignore_index)) if reduction == "mean" else grad
            reduction = "none"
        return apply(  # type: ignore[no-any-return]
            cross_entropy_backward, operands | {"grad": (grad, "")}, "n", axis, out,
            ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
        )  # fmt: skip
    p = _Problem(name, logits, target, axis, weight, ignore_index, label_smoothing, reduction)
    valid_out(name, out, p.layout.shape, p.dtype)
    (g,), _ = real_arrays(name, {"grad": grad})
    g = broadcastable(name, "grad", g, p.rows_shape if reduction == "none" else ())
    with np.errstate(all="ignore"):
        scale = np.divide(1.0, p.denominator) if reduction == "mean" else 1.0
        per_row = np.broadcast_to(np.multiply(g, scale, dtype=np.float64), p.rows_shape)
    rows = [a for a in (p.logits, p.probabilities) if a is not None]
    target_array = target_of(p.layout, out, p.computed, rows, [p.weight])
    kernels.run_rows(
        name, p.layout.geometry, (p.logits, p.probabilities, target_array), **p.options,
        grad=p.layout.without_axis(per_row, np.dtype(np.float64)),
    )  # fmt: skip
    return delivered(p.layout, target_array, out, p.dtype)


def _binary_operands(
    function: str, logits: Any, target: Any, pos_weight: Any, reduction: Reduction
) -> tuple[list[Array], tuple[int, ...], np.dtype[Any]]:
    _valid_reduction(function, reduction)
    if (
        type(logits) is type(target) is np.ndarray
        and logits.dtype == target.dtype
        and logits.dtype in _PLAIN
        and logits.shape == target.shape
        and type(pos_weight) is float
    ):
        # What training passes needs no more checks; they take 15 us.
        return [logits, target, np.asarray(pos_weight)], logits.shape, logits.dtype
    operands = {"logits": logits, "target": target, "pos_weight": pos_weight}
    arrays, _ = real_arrays(function, operands)
    dtype = real_arrays(function, {"logits": logits})[1]
    shape = together(function, {name: a.shape for name, a in zip(operands, arrays, strict=True)})
    return [cast(arrays[0], dtype), cast(arrays[1], dtype), arrays[2]], shape, dtype


def binary_cross_entropy(
    logits: ArrayLike, target: ArrayLike, pos_weight: ArrayLike = 1.0, *, reduction: Reduction = "mean"
) -> Any:
    if library_of(logits, target, pos_weight):
        _valid_reduction("binary_cross_entropy", reduction)
        operands = {"logits": (logits, ""), "target": (target, ""), "pos_weight": (pos_weight, "")}
        if reduction == "none" or not adds_up(logits, target, pos_weight):
            return apply(binary_cross_entropy, operands, "", None, reduction=reduction)
        losses = apply(binary_cross_entropy, operands, "", None, reduction="none")
        return over(sum_of(losses), losses.size if reduction == "mean" else 1.0).astype(losses.dtype)
    arrays, shape, dtype = _binary_operands("binary_cross_entropy", logits, target, pos_weight, reduction)
    if reduction == "none":
        return _ufuncs.binary_cross_entropy(*arrays)
    term = _ufuncs.binary_cross_entropy if dtype == np.float64 else _ufuncs.binary_cross_entropy_term
    total = summed(term, tuple(arrays), tuple(range(len(shape)))).reshape(())
    with np.errstate(all="ignore"):
        return dtype.type(np.divide(total, math.prod(shape) if reduction == "mean" else 1))


def binary_cross_entropy_backward(
    grad: ArrayLike,
    logits: ArrayLike,
    target: ArrayLike,
    pos_weight: ArrayLike = 1.0,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    name = "binary_cross_entropy_backward"
    if library_of(grad, logits, target, pos_weight):
        _valid_reduction(name, reduction)
        operands = {"logits": (logits, ""), "target": (target, ""), "pos_weight": (pos_weight, "")}
        if reduction != "none" and adds_up(grad, logits, target, pos_weight):
            _valid_number(name, grad)
            if reduction == "mean":
                one = operands | {"grad": (1.0, "")}
                grad = over(grad, apply(binary_cross_entropy_backward, one, "", None, reduction="none").size)
            reduction = "none"
        return apply(binary_cross_entropy_backward, operands | {"grad": (grad, "")}, "", None, out, reduction=reduction)
    arrays, shape, dtype = _binary_operands(name, logits, target, pos_weight, reduction)
    g = _ufuncs.array_of(name, "grad", grad)
    if g.shape != (shape if reduction == "none" else ()) or g.dtype not in _PLAIN:
        (g,), _ = real_arrays(name, {"grad": grad})
        g = broadcastable(name, "grad", g, shape if reduction == "none" else ())
    # The share of one of n elements has more digits than 16 bits hold.
    computed = computing_dtype(dtype)
    with np.errstate(all="ignore"):
        if reduction == "mean":
            g = np.divide(g, math.prod(shape), dtype=np.float64)
        gradient = _ufuncs.binary_cross_entropy_backward(cast(g, computed), *arrays, dtype=computed, out=out)
    # out=... is none: it asks for an array where a number would come back.
    return gradient if isinstance(out, (np.ndarray, tuple)) else cast(gradient, dtype)
