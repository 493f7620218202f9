"""`plot`: curves in a file."""

import argparse
import io
import os
from importlib import import_module
from typing import Any

import numpy as np

from . import UsageError
from .facts import check_settings, curve, find, missing, settings, slope


def _figure() -> Any:
    try:
        # By name: type checkers of users follow our imports, and need not have it either.
        figure = import_module("matplotlib.figure").Figure
    except ImportError:
        raise UsageError("needs matplotlib, which is not installed: pip install 'actfn[cli]'") from None
    return figure(figsize=(7, 4.5), layout="constrained")


def draw(options: argparse.Namespace) -> None:
    """Draw what the options ask for; everything is checked before the file is touched."""
    rows = [find(name) for name in options.names]
    check_settings(rows, options.parameters)
    for row in rows:
        if row.kind != "elementwise":
            raise UsageError(f"{row.name} is no function of one number: there is no curve to draw")
        absent = missing(row, settings(row, options.parameters))
        if absent:
            raise UsageError(f"{row.name} needs a value: {' '.join(f'--set {name}=VALUE' for name in absent)}")
    low, high = options.range or (min(row.plot[0] for row in rows), max(row.plot[1] for row in rows))
    # Matplotlib multiplies them by small numbers.
    if not -1e300 <= low < high <= 1e300:
        raise UsageError(f"--range must be two numbers up to 1e300, the smaller one first, got {low:g} and {high:g}")
    figure = _figure()
    known = sorted(figure.canvas.get_supported_filetypes())
    target = options.output
    if target.suffix.removeprefix(".").lower() not in known:
        raise UsageError(f"the name of the file must end in one of {', '.join(known)}, got {str(target)!r}")
    try:
        if not target.parent.is_dir():
            raise UsageError(f"there is no directory {str(target.parent)!r}")
        if target.exists() and not options.force:
            raise UsageError(f"{str(target)!r} exists; --force overwrites it")
    except OSError as error:
        raise UsageError(f"cannot write {str(target)!r}: {error.strerror}") from None

    axes = figure.add_subplot(xlabel="x")
    axes.grid(alpha=0.3)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.axvline(0, color="grey", linewidth=0.8)
    x = np.linspace(low, high, 1001)
    for row in rows:
        values = settings(row, options.parameters)
        shown = ", ".join(f"{name}={value:g}" for name, value in values.items())
        label = f"{row.name}({shown})" if shown else row.name
        (line,) = axes.plot(x, curve(row, x, values), label=label)
        if options.derivative:
            axes.plot(x, slope(row, x, values), "--", color=line.get_color(), label=f"derivative of {row.name}")
    # A long legend may cover curves, but must not squeeze the axes.
    axes.legend(ncols=1 + len(axes.lines) // 16, fontsize="small").set_in_layout(False)
    # Into memory first: nothing that matplotlib stumbles over leaves half a file.
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=150, format=target.suffix.removeprefix(".").lower())
    new = not os.path.lexists(target)
    try:
        target.write_bytes(drawn.getvalue())
    except OSError as error:
        if new:
            target.unlink(missing_ok=True)
        raise UsageError(f"cannot write {str(target)!r}: {error.strerror}") from None
    print(target)
