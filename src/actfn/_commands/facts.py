"""`list` and `show`: the rows of the catalog as text."""

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

import actfn

from ..catalog import FUNCTIONS, Activation, catalog
from . import UsageError
from .terminal import bold, can_show, entry, is_terminal, styled, width


def find(name: str) -> Activation:
    """The row for a name or an alias."""
    try:
        return catalog.find(name)
    except ValueError as error:
        raise UsageError(str(error).removeprefix("get: ")) from None


# ---- list -----------------------------------------------------------------------------------------------------


def _matches(row: Activation, words: Sequence[str]) -> bool:
    text = " ".join((row.name, row.title, row.family, row.kind, row.summary, *row.aliases)).casefold()
    return all(word.casefold() in text for word in words)


def list_activations(words: Sequence[str], family: str | None, kind: str | None) -> None:
    """A line per activation that fits; cut to the width of a terminal, whole in a pipe."""
    rows = [r for r in catalog.values() if family in (None, r.family) and kind in (None, r.kind) and _matches(r, words)]
    if not rows:
        raise UsageError("no activation fits; without arguments all are listed")
    cells = [("name", "title", "family", "kind", "aliases")]
    cells += [(r.name, r.title, r.family, r.kind, ", ".join(r.aliases)) for r in rows]
    widths = [max(len(line[k]) for line in cells) for k in range(4)]
    for number, line in enumerate(cells):
        text = "  ".join([*(cell.ljust(w) for cell, w in zip(line[:4], widths, strict=True)), line[4]]).rstrip()
        if is_terminal() and len(text) > width():
            text = text[: width() - 3] + "..."
        print(bold(text) if number == 0 else text)


# ---- show -----------------------------------------------------------------------------------------------------


def settings(row: Activation, given: Sequence[str]) -> dict[str, float]:
    """The values of all parameters: defaults, and what `--set` says."""
    values = {name: default for name, default in row.params.items() if default is not None}
    for item in given:
        name, _, value = item.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise UsageError(f"--set takes NAME=VALUE with a number, got {item!r}") from None
        if name in row.params:
            values[name] = number
    return values


def check_settings(rows: Sequence[Activation], given: Sequence[str]) -> None:
    """UsageError for a parameter that none of the activations has."""
    known = list(dict.fromkeys(name for row in rows for name in row.params))
    for item in given:
        if item.partition("=")[0] not in known:
            raise UsageError(f"--set: parameters here are {', '.join(known) or 'none'}, got {item!r}")


def missing(row: Activation, values: dict[str, float]) -> list[str]:
    """Parameters that have neither a default nor a given value."""
    return [name for name in row.params if name not in values]


def curve(row: Activation, x: NDArray[np.float64], values: dict[str, float]) -> NDArray[np.float64]:
    """The function at x."""
    y: NDArray[np.float64] = getattr(actfn, row.name)(x, **values)
    return y


def slope(row: Activation, x: NDArray[np.float64], values: dict[str, float]) -> NDArray[np.float64]:
    """The derivative at x; a learned parameter's gradient, which backward returns beside it, is left out."""
    y = getattr(actfn, f"{row.name}_backward")(1.0, x, **values)
    return y[0] if row.trains else y  # type: ignore[no-any-return]


def braille(columns: int, rows: int) -> tuple[int, int, Callable[[NDArray[np.bool]], list[str]]]:
    """Dots per column and row of a character, and what writes a raster of them; stars where there is no braille."""
    if not can_show("\u28ff"):
        return columns, rows, lambda dots: ["".join("*" if dot else " " for dot in line) for line in dots]
    # Unicode numbers the dots of a braille character so, in its 4 rows and 2 columns.
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])

    def write(dots: NDArray[np.bool]) -> list[str]:
        cells = dots.reshape(rows, 4, columns, 2).swapaxes(1, 2)
        codes = (cells * bits).sum(axis=(2, 3))
        return ["".join(chr(0x2800 + code) if code else " " for code in line) for line in codes]

    return 2 * columns, 4 * rows, write


def chart(title: str, f: Callable[[NDArray[np.float64]], NDArray[np.float64]], low: float, high: float, columns: int,
          rows: int = 10) -> list[str]:  # fmt: skip
    """A curve in characters, under its title and between its scales; every line is as wide as the others."""
    margin = 8
    across, down, write = braille(columns - margin, rows)
    y = f(np.linspace(low, high, across))
    # What a parameter makes NaN or infinite is a gap.
    there = np.flatnonzero(np.isfinite(y))
    bottom, top = (float(np.min(y[there])), float(np.max(y[there]))) if there.size else (np.nan, np.nan)
    # Of quotients, for the difference of two large numbers may overflow.
    unit = max(abs(top), abs(bottom)) or 1.0
    at = np.rint((top / unit - y[there] / unit) / ((top / unit - bottom / unit) or 1.0) * (down - 1)).astype(int)
    height = dict(zip(there.tolist(), at.tolist(), strict=True))
    dots = np.zeros((down, across), bool)
    for k, place in height.items():
        # Steep pieces are filled up to the point before, so that the curve has no gaps.
        before = height.get(k - 1, place)
        dots[min(place, before) : max(place, before) + 1, k] = True
    lines = write(dots)
    scales = [f"{top:.3g}", *[""] * (rows - 2), f"{bottom:.3g}"]
    axis, end = f"{low:g}", f"{high:g}"
    return [
        bold(title.center(columns)),
        *(f"{scale:>{margin - 1}} {styled(line, '36')}" for scale, line in zip(scales, lines, strict=True)),
        " " * margin + axis + end.rjust(columns - margin - len(axis)),
    ]


def _charts(row: Activation, values: dict[str, float]) -> list[str]:
    low, high = row.plot
    room = min(max(width(), 24), 120)
    beside = room >= 72
    columns = (room - 2) // 2 if beside else room
    f = chart(row.name, lambda x: curve(row, x, values), low, high, columns)
    d = chart(f"derivative of {row.name}", lambda x: slope(row, x, values), low, high, columns)
    return [f"{a}  {b}".rstrip() for a, b in zip(f, d, strict=True)] if beside else [*f, "", *d]


def _defined(*formulas: str) -> list[str]:
    """The named functions that the formulas use."""
    return [
        f"where {name}(x) = {body}"
        for name, body in FUNCTIONS.items()
        if any(re.search(rf"\b{name}\(", formula) for formula in formulas)
    ]


def signature(name: str) -> str:
    """How a function is called, without what every function of its kind takes besides."""
    plain = ("casting", "order", "subok", "kwargs")
    shown = []
    keywords = False
    for parameter in inspect.signature(getattr(actfn, name)).parameters.values():
        if parameter.name in plain:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            shown.append("*")
            keywords = True
        default = parameter.default
        if isinstance(default, float):
            default = f"{default:.6g}" if math.isfinite(default) else default
        elif default is not parameter.empty:
            default = repr(default)
        shown.append(parameter.name if default is parameter.empty else f"{parameter.name}={default}")
    return f"{name}({', '.join(shown)})"


def _entries(row: Activation) -> list[tuple[str, str]]:
    words = {
        "monotonic": row.monotonic, "zero-centred": row.zero_centered, "smooth": row.smooth, "odd": row.odd,
        "the same bits in every build": row.same_bits,
    }  # fmt: skip
    properties = [word for word, holds in words.items() if holds]
    if row.saturates:
        properties.append("saturates on both sides" if row.saturates == "both" else f"saturates on the {row.saturates}")
    names = (f"{row.name}", f"{row.name}_backward")
    parameters = [
        f"{name}{'' if default is None else f' = {default:g}'}: {row.param_docs[name]}"
        + (" Networks learn it." if name in row.trains else "")
        for name, default in row.params.items()
    ]
    return [
        ("Formula", "\n".join([row.formula, *_defined(row.formula)])),
        ("Derivative", "\n".join([row.derivative, *_defined(row.derivative)])),
        ("Functions", "\n".join(map(signature, names))),
        ("Parameters", "\n".join(parameters)),
        ("Also called", ", ".join(row.aliases)),
        ("Family", f"{row.family} ({row.kind})" if row.kind != row.family else row.family),
        ("Range", row.range),
        ("Limits", ", ".join(map(" at ".join, zip(row.limits, row.ends, strict=True))) if row.limits else ""),
        ("Slopes", ", ".join(map(" at ".join, zip(row.slopes, row.ends, strict=True))) if row.slopes else ""),
        ("Kinks", "\n".join(f"at {at} the derivative is taken as {value}" for at, value in row.kinks.items())),
        ("Properties", ", ".join(properties)),
        ("Error in ULP", "\n".join(f"{t}: {f:g} forward, {b:g} backward" for t, (f, b) in row.ulp.items())),
        ("Source", row.source),
    ]


def show(names: Sequence[str], given: Sequence[str]) -> None:
    """Everything that the catalog says of some activations, with an example and a picture."""
    rows = [find(name) for name in names]
    check_settings(rows, given)
    for number, row in enumerate(rows):
        if number:
            print()
        values = settings(row, given)
        print(bold(row.title if row.title == row.name else f"{row.title} ({row.name})"))
        print(textwrap.fill(row.summary, width()) + "\n")
        for label, text in _entries(row):
            if text:
                print(entry(label, text, 14))
        print(f"\n{bold('Example')}")
        print("\n".join(f"  {line}" for line in row.example.splitlines()))
        if row.kind == "elementwise":
            absent = missing(row, values)
            print()
            if absent:
                print(f"With {' and '.join(f'--set {name}=...' for name in absent)} the curves are drawn here.")
            else:
                print("\n".join(_charts(row, values)))
