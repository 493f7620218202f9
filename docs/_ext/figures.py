"""The look of every figure of the site, each in a light and a dark variant on a transparent ground."""

import colorsys
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import facts
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure

import actfn
from actfn.catalog import Activation, catalog
from tools.readme_figure import SHOWN

MODES = ("light", "dark")
INK = {"light": "#24292f", "dark": "#e6edf3"}
QUIET = {"light": "#6e7781", "dark": "#9da7b3"}
# Okabe and Ito's colours, which colour-blind readers can tell apart, darkened on white and lightened on black.
COLORS = {
    "light": ("#0072b2", "#c44f00", "#008060", "#a9428a", "#8a6a00", "#2b6fd6", "#7a4b2a", "#5b5bd6"),
    "dark": ("#56b4e9", "#ff8c42", "#2fcf9f", "#e58fc8", "#f0c420", "#8db8ff", "#d9a57c", "#a9a9ff"),
}
FAMILIES = list(dict.fromkeys(row.family for row in catalog.values()))


def style(mode: str) -> dict[str, Any]:
    """Settings of matplotlib."""
    ink, quiet = INK[mode], QUIET[mode]
    return {
        "figure.figsize": (6.4, 3.6), "figure.dpi": 100, "savefig.dpi": 200, "figure.constrained_layout.use": True,
        "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none", "legend.frameon": False,
        "axes.prop_cycle": mpl.cycler(color=COLORS[mode]), "lines.linewidth": 2, "image.cmap": "viridis",
        "text.color": ink, "axes.titlecolor": ink, "axes.labelcolor": quiet, "axes.edgecolor": quiet,
        "xtick.color": quiet, "ytick.color": quiet, "grid.color": quiet, "grid.alpha": 0.25,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left", "font.size": 11,
        "svg.hashsalt": "actfn", "svg.fonttype": "path",
    }  # fmt: skip


def color_of(row: Activation, mode: str) -> str:
    """One per family, in the catalog's order."""
    return COLORS[mode][FAMILIES.index(row.family) % len(COLORS[mode])]


# ---- The figure of a page -------------------------------------------------------------------------------------


def draw(row: Activation, directory: Path) -> str:
    """Write <name>-light.svg and <name>-dark.svg; the text for those who do not see them, "" for no figure."""
    painter = PAINTERS.get(row.kind)
    if painter is None:
        return ""
    for mode in MODES:
        with mpl.rc_context(style(mode)):
            figure, axes = plt.subplots()
            axes.axhline(0, color=QUIET[mode], linewidth=0.8, zorder=0)
            axes.axvline(0, color=QUIET[mode], linewidth=0.8, zorder=0)
            text = painter(row, axes, mode)
            axes.legend(loc="best")
            save(figure, directory / f"{row.name}-{mode}.svg")
    return text


def save(figure: Figure, path: Path) -> None:
    """Nothing in the file depends on the day it was made."""
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def between(low: float, high: float, kinks: list[float]) -> np.ndarray:
    """Numbers to draw a curve at, and NaN at every kink, where a line would hide the jump."""
    ends = [low, *(k for k in kinks if low < k < high), high]
    pieces = [np.linspace(a + 1e-9, b - 1e-9, 401) for a, b in itertools.pairwise(ends)]
    return np.concatenate([part for piece in pieces for part in (piece, [np.nan])][:-1])


def curve(row: Activation, axes: Any, mode: str) -> str:
    x = between(*row.plot, facts.kinks(row))
    axes.plot(x, facts.forward(row, x), color=color_of(row, mode), linewidth=2.4, label="$f(x)$")
    axes.plot(x, facts.backward(row, x), "--", color=INK[mode], linewidth=1.4, label="$f'(x)$")
    axes.set(xlabel="x", xlim=row.plot)
    return f"{row.title} and its derivative, for x from {row.plot[0]:g} to {row.plot[1]:g}."


def gated(row: Activation, axes: Any, mode: str) -> str:
    gate = between(-4, 4, facts.kinks(row))
    ones = np.ones_like(gate)
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    if "axis" in facts.signature(function):  # one input, the value before the gate
        both = np.stack([ones, gate], axis=-1)
        y, slope = function(both)[:, 0], back(np.ones((len(gate), 1)), both)[:, 1]
    else:
        y, slope = function(gate, ones), back(ones, gate, ones)[0]
    axes.plot(gate, y, color=color_of(row, mode), linewidth=2.4, label="value = 1")
    axes.plot(gate, slope, "--", color=INK[mode], linewidth=1.4, label="slope")
    axes.set(xlabel="gate")
    return f"{row.title} of a gate from -4 to 4 and a value of 1, and the derivative by the gate."


# The row in figures of functions of rows: its first entry runs, the others stay.
OTHERS = (0.0, -1.0)


def rows_of(t: np.ndarray) -> np.ndarray:
    return np.stack([t, *(np.full_like(t, other) for other in OTHERS)], axis=-1)


def entries(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    y = np.atleast_2d(np.asarray(getattr(actfn, row.name)(rows_of(t))).T)
    for k, (line, color) in enumerate(zip(y, COLORS[mode], strict=False)):
        axes.plot(t, line, color=color, linewidth=2.4, label=f"$y_{k + 1}$" if len(y) > 1 else "$y$")
    axes.set(xlabel="$x_1$")
    return f"{row.title} of the row (x, {', '.join(f'{o:g}' for o in OTHERS)}), for x from -4 to 4."


def row_loss(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    for label, color in zip(range(1 + len(OTHERS)), COLORS[mode], strict=False):
        losses = getattr(actfn, row.name)(rows_of(t), np.full(t.shape, label), reduction="none")
        axes.plot(t, losses, color=color, linewidth=2.4, label=f"class {label} is correct")
    axes.set(xlabel="score of class 0")
    return f"{row.title} of the scores (x, {', '.join(f'{o:g}' for o in OTHERS)}), for each correct class."


def pointwise_loss(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    for target, color in zip((0.0, 1.0), COLORS[mode], strict=False):
        losses = getattr(actfn, row.name)(t, np.full_like(t, target), reduction="none")
        axes.plot(t, losses, color=color, linewidth=2.4, label=f"target {target:g}")
    axes.set(xlabel="x")
    return f"{row.title} for x from -4 to 4, where the target is 0 and where it is 1."


PAINTERS = {
    "elementwise": curve,
    "gated": gated,
    "rows": entries,
    "row loss": row_loss,
    "pointwise loss": pointwise_loss,
}


def draw_home(directory: Path) -> None:
    """The picture of the README, in the site's style."""
    for mode in MODES:
        with mpl.rc_context(style(mode)):
            figure, grid = plt.subplots(2, 4, figsize=(7.2, 4.2), sharex=True, sharey=True)
            for axes, name in zip(grid.flat, SHOWN, strict=True):
                row = catalog[name]
                x = between(-4, 4, facts.kinks(row))
                axes.axhline(0, color=QUIET[mode], linewidth=0.6)
                axes.axvline(0, color=QUIET[mode], linewidth=0.6)
                axes.plot(x, facts.forward(row, x), color=color_of(row, mode))
                axes.plot(x, facts.backward(row, x), "--", color=INK[mode], linewidth=1)
                axes.set(title=row.title, ylim=(-1.3, 2.4), xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            save(figure, directory / f"home-{mode}.svg")


def spark(row: Activation) -> str:
    """A curve as small as a word, in the colour of the text around it; "" for what has no curve."""
    if row.kind != "elementwise":
        return ""
    x = np.linspace(*row.plot, 33)
    y = np.clip(facts.forward(row, x), *row.plot)
    low, high = min(float(y.min()), -0.5), max(float(y.max()), 1.0)
    points = " ".join(
        f"{(a - x[0]) / (x[-1] - x[0]) * 56 + 2:.1f},{(high - b) / (high - low) * 24 + 2:.1f}"
        for a, b in zip(x, y, strict=True)
    )
    return f'<svg class="spark" viewBox="0 0 60 28" aria-hidden="true"><polyline points="{points}"/></svg>'


# ---- Figures of gallery scripts -------------------------------------------------------------------------------


def reset(_config: dict[str, Any], _file: str) -> None:
    """The light style before every script: sphinx-gallery has just gone back to matplotlib's."""
    mpl.rcParams.update(style("light"))


def scrape(_block: Any, variables: dict[str, Any], config: dict[str, Any]) -> str:
    """Save both variants of the figures of a block; a script knows nothing of them."""
    lines = []
    for number, path in zip(plt.get_fignums(), variables["image_path_iterator"], strict=False):
        figure, light = plt.figure(number), Path(path)
        alt = (
            alternative(figure) or f"Figure of {Path(variables['src_file']).stem.strip('0123456789').replace('_', ' ')}"
        )
        width = round(figure.get_figwidth() * 100)
        for mode in MODES:
            target = light if mode == "light" else light.with_name(f"{light.stem}_dark{light.suffix}")
            if mode == "dark":
                darken(figure)
            figure.savefig(target, dpi=200)
            place = Path("/") / target.relative_to(config["src_dir"])
            lines += [f".. image:: {place}", f"   :class: only-{mode}", f"   :alt: {alt}", f"   :width: {width}px", ""]
    plt.close("all")
    return "\n".join(["", *lines, ""])


def alternative(figure: Figure) -> str:
    """Titles, from the large to the small; without any, what is drawn against what."""
    all_axes = figure.axes
    titles = [figure.get_suptitle(), *(axes.get_title(at) for axes in all_axes for at in ("left", "center", "right"))]
    labels = [f"{axes.get_ylabel()} against {axes.get_xlabel()}" for axes in all_axes if axes.get_ylabel()]
    found = [t for t in titles if t] or [label.removesuffix(" against ") for label in labels]
    return ". ".join(dict.fromkeys(" ".join(text.split()) for text in found))


def darken(figure: Figure) -> None:
    """Every colour as it should be on black. Pictures and maps of numbers to colours stay as they are."""
    artists = figure.findobj()
    # An annotation keeps its arrow to itself.
    for artist in [*artists, *(a.arrow_patch for a in artists if getattr(a, "arrow_patch", None))]:
        if getattr(artist, "get_array", lambda: None)() is not None:
            continue
        for setter, color in colors_of(artist):
            setter([on_black(c) for c in color] if isinstance(color, np.ndarray) else on_black(color))


def colors_of(artist: Any) -> Iterator[tuple[Any, Any]]:
    """What sets a colour of an artist, and the colour."""
    names = ("facecolor", "edgecolor", "color", "markerfacecolor", "markeredgecolor")
    # A patch's `color` is its face and its edge.
    both = hasattr(artist, "get_facecolor")
    for name in names if not both else names[:2]:
        color = getattr(artist, f"get_{name}", lambda: None)()
        if color is not None and not (isinstance(color, str) and color in ("none", "auto")):
            yield getattr(artist, f"set_{name}"), np.array(color) if np.ndim(color) == 2 else color


def on_black(color: Any) -> Any:
    """Greys change sides; colours become so light that they stand out."""
    red, green, blue, alpha = to_rgba(color)
    if alpha == 0:
        return color
    known = dict(zip(COLORS["light"], COLORS["dark"], strict=True)) | {INK["light"]: INK["dark"]}
    known |= {QUIET["light"]: QUIET["dark"]}
    if (same := known.get(to_hex(color))) is not None:
        return to_rgba(same, alpha)
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    lightness = 0.08 + 0.87 * (1 - lightness) if saturation < 0.15 else max(lightness, 0.62)
    return (*colorsys.hls_to_rgb(hue, lightness, saturation), alpha)
