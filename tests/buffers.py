"""Arrays in any layout, lying in buffers that are looked at again after a call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MARGIN = 64


class Source(Protocol):
    """Where choices come from: bytes, or hypothesis."""

    def number(self, below: int) -> int: ...

    def of(self, options: Sequence[Any]) -> Any: ...


class Choices:
    """Bytes as choices; after the last one every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, below: int) -> int:
        self.at += 1
        return self.data[self.at - 1] % below if self.at <= len(self.data) else 0

    def of(self, options: Sequence[Any]) -> Any:
        return options[self.number(len(options))]


class Memory:
    """Arrays in buffers that are looked at again after the call."""

    def __init__(self, choices: Source) -> None:
        self.choices = choices
        self.buffers: list[NDArray[np.uint8]] = []
        self.before: list[NDArray[np.uint8]] = []
        self.arrays: list[tuple[int, int, NDArray[Any]]] = []

    def strides(self, shape: tuple[int, ...], itemsize: int, distinct: bool) -> tuple[list[int], int, int]:
        """Strides in any layout, the offset of the first element, and the bytes that they span."""
        order = list(range(len(shape)))
        layout = self.choices.number(6 if distinct else 8)
        if layout == 1:
            order.reverse()
        elif layout == 2 and len(order) > 1:
            order[-1], order[-2] = order[-2], order[-1]
        steps, low, high, reach = [0] * len(shape), 0, 0, itemsize
        for k in reversed(order):
            factor = {3: -1, 4: 2, 5: -3}.get(layout, 1)
            steps[k] = reach * factor
            if layout == 6 and self.choices.number(2):
                steps[k] = 0
            if layout == 7:
                steps[k] = itemsize
            reach *= max(shape[k], 1) * abs(factor)
            span = max(shape[k] - 1, 0) * steps[k]
            low, high = low + min(span, 0), high + max(span, 0)
        return steps, -low, high - low + itemsize

    def array(self, shape: tuple[int, ...], dtype: Any, hostile: bool = True, distinct: bool = False) -> NDArray[Any]:
        """An array in a buffer of its own or in that of another; `distinct` entries do not share memory."""
        dtype = np.dtype(dtype)
        steps, first, span = self.strides(shape, dtype.itemsize, distinct)
        where = self.choices.number(4) if hostile else 0
        first += MARGIN + (self.choices.number(8) if where == 1 else 0)
        # Bytes that are neither 0 nor 1 are no bool.
        chosen = self.choices.number(len(self.buffers)) if where == 2 and self.buffers and dtype.kind != "b" else -1
        if chosen >= 0:
            first += self.choices.number(9) * 4 - 16
        fresh = chosen < 0 or self.buffers[chosen].size < first + span or first < 0
        if fresh:
            chosen, first = len(self.buffers), max(first, 0)
            self.buffers.append(np.full(first + span + 2 * MARGIN, 0xA5, np.uint8))
        made = np.ndarray(shape, dtype, self.buffers[chosen], first, steps)
        if fresh:
            self.fill(made)
        self.arrays.append((chosen, first, made))
        if where == 3 and self.choices.number(2):
            made.flags.writeable = False
        return made

    def fill(self, made: NDArray[Any]) -> None:
        """Ordinary numbers, or some that are not; small integers; bytes."""
        rng, kind = np.random.default_rng(self.choices.number(256)), made.dtype.kind
        special = self.choices.number(8)
        if kind in "iu":
            made[...] = rng.integers(-1 if special == 7 and kind == "i" else 0, 7, made.shape)
        elif kind in "fcb":
            values = rng.normal(size=made.shape) * 3
            if special > 3:
                values.flat[:: special - 2] = [math.nan, math.inf, -math.inf, 1e300][special - 4]
            with np.errstate(all="ignore"):
                made[...] = values > 0 if kind == "b" else values
        elif not made.dtype.hasobject:
            made[...] = np.frombuffer(rng.bytes(made.size * made.itemsize), made.dtype).reshape(made.shape)

    def remember(self) -> None:
        self.before = [buffer.copy() for buffer in self.buffers]

    def stray(self, outs: list[Any]) -> str:
        """Where bytes have changed that belong to none of the outs, or ""."""
        for k, (buffer, before) in enumerate(zip(self.buffers, self.before, strict=True)):
            changed = buffer != before
            if not changed.any():
                continue
            for chosen, first, made in self.arrays:
                if chosen == k and any(made is out for out in outs) and type(made) is np.ndarray:
                    marks = np.zeros(buffer.size, np.uint8)
                    places = np.ndarray(made.shape, f"V{made.itemsize}", marks, first, made.strides)
                    places[...] = np.void(b"\1" * made.itemsize)
                    changed &= marks == 0
            if changed.any():
                return f"{changed.sum()} bytes of buffer {k} changed, the first at {changed.argmax() - MARGIN}"
        return ""
