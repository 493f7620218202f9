"""The look of every figure of the site, each in a light and a dark variant on a transparent ground."""

import colorsys
import hashlib
import html
import itertools
import json
import pickle
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import facts
import labels
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes
from languages import _, messages, of, spoken
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from sphinx.application import Sphinx
from sphinx.util import logging

import actfn
from actfn._build import kernels
from actfn.catalog import Activation, catalog
from tools.readme_figure import SHOWN

log = logging.getLogger(__name__)
MODES = ("light", "dark")
INK = {"light": "#24292f", "dark": "#e6edf3"}
QUIET = {"light": "#6e7781", "dark": "#9da7b3"}
# Okabe and Ito's colours, which colour-blind readers can tell apart, darkened on white and lightened on black.
COLORS = {
    "light": ("#0072b2", "#c44f00", "#008060", "#a9428a", "#8a6a00", "#2b6fd6", "#7a4b2a", "#5b5bd6",
              "#b3234b", "#4d7c0f"),
    "dark": ("#56b4e9", "#ff8c42", "#2fcf9f", "#e58fc8", "#f0c420", "#8db8ff", "#d9a57c", "#a9a9ff",
             "#ff8aa5", "#a8d860"),
}  # fmt: skip
FAMILIES = list(dict.fromkeys(row.family for row in catalog.values()))
# Those whose functions are one curve have a colour each.
COLORED = list(dict.fromkeys(row.family for row in catalog.values() if row.kind in ("elementwise", "gated")))


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
        "svg.hashsalt": "actfn", "svg.fonttype": "path", "font.family": ["sans-serif", labels.FONT],
    }  # fmt: skip


def color_of(row: Activation, mode: str) -> str:
    """One per family, in the catalog's order."""
    return COLORS[mode][COLORED.index(row.family) % len(COLORS[mode])]


# ---- The figure of a page -------------------------------------------------------------------------------------


@cache
def code() -> bytes:
    """What figures are made by."""
    return b"".join(
        Path(str(file)).read_bytes() for file in (__file__, facts.__file__, labels.__file__, kernels.__file__)
    )


def draw(row: Activation, directory: Path) -> str:
    """Write <name>-light.svg and <name>-dark.svg; the text for those who do not see them.

    Not again, where neither the row nor what draws it has changed: figures are most of the time that pages take.
    """
    said = () if spoken() == "en" else [messages(spoken(), domain) for domain in ("pages", "figures")]
    key = hashlib.sha256(repr((row, COLORED, said)).encode() + code()).hexdigest()
    made = directory / f"{row.name}.figure"
    known = json.loads(made.read_text(encoding="utf-8")) if made.exists() else {}
    if known.get("key") == key:
        labels.note(known["words"])
        return str(known["text"])
    with labels.noted() as words:
        text = painted(row, directory)
    made.write_text(json.dumps({"key": key, "text": text, "words": words}), encoding="utf-8")
    return text


def painted(row: Activation, directory: Path) -> str:
    for mode in MODES:
        with mpl.rc_context(style(mode)):
            if row.kind == "spatial":
                figure, text = planes(row)
            else:
                figure, axes = plt.subplots()
                axes.axhline(0, color=QUIET[mode], linewidth=0.8, zorder=0)
                axes.axvline(0, color=QUIET[mode], linewidth=0.8, zorder=0)
                text = PAINTERS[row.kind](row, axes, mode)
                axes.legend(loc="best")
            save(figure, directory / f"{row.name}-{mode}.svg")
    return text


def save(figure: Figure, path: Path) -> None:
    """Nothing in the file depends on the day it was made."""
    labels.translate(figure)
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
    low, high = (f"{end:g}" for end in row.plot)
    return _("{title} and its derivative, for x from {low} to {high}.", title=of(row, "title"), low=low, high=high)


def of_gate(row: Activation, gate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A gated unit of a value of 1, and its derivative by the gate."""
    ones = np.ones_like(gate)
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    if "axis" in facts.signature(function):  # one input, the value before the gate
        both = np.stack([ones, gate], axis=-1)
        return function(both)[:, 0], back(np.ones((len(gate), 1)), both)[:, 1]
    return function(gate, ones), back(ones, gate, ones)[0]


def gated(row: Activation, axes: Any, mode: str) -> str:
    gate = between(-4, 4, facts.kinks(row))
    y, slope = of_gate(row, gate)
    axes.plot(gate, y, color=color_of(row, mode), linewidth=2.4, label="value = 1")
    axes.plot(gate, slope, "--", color=INK[mode], linewidth=1.4, label="derivative by the gate")
    axes.set(xlabel="gate")
    return _("{title} of a gate from -4 to 4 and a value of 1, and the derivative by the gate.", title=of(row, "title"))


# The row in figures of functions of rows: its first entry runs, the others stay.
OTHERS = (0.0, -1.0)
STYLES = ("-", "--", "-.", ":")


def rows_of(t: np.ndarray, others: tuple[float, ...] = OTHERS) -> np.ndarray:
    return np.stack([t, *(np.full_like(t, other) for other in others)], axis=-1)


def lines(axes: Any, t: np.ndarray, curves: dict[str, np.ndarray], slope: str, slopes: np.ndarray, mode: str) -> None:
    """Curves in the colours of the style and in a pattern each, and a derivative in ink."""
    for k, (label, y) in enumerate(curves.items()):
        axes.plot(t, y, STYLES[k % 4], color=COLORS[mode][k % len(COLORS[mode])], linewidth=2.4, label=label)
    axes.plot(t, slopes, "--", color=INK[mode], linewidth=1.4, label=slope)


def entries(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    # Noise, where there is any, is the same at each x.
    x = rows_of(t)
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    drawn = "rng" in facts.signature(function)
    y = np.stack([function(one, rng=6) for one in x]) if drawn else np.asarray(function(x))
    reduced = y.ndim == 1
    first = np.ones_like(t) if reduced else np.eye(1, x.shape[1]) * np.ones_like(x)
    slopes = back(first, x if reduced else y)[:, 0]
    curves = {"$y$": y} if reduced else {f"$y_{k + 1}$": line for k, line in enumerate(y.T)}
    lines(axes, t, curves, rf"$\partial y{'' if reduced else '_1'} / \partial x_1$", slopes, mode)
    axes.set(xlabel="$x_1$")
    others = ", ".join(f"{other:g}" for other in OTHERS)
    if reduced:
        text = _("{title} of the row (x, {others}), for x from -4 to 4, and its derivative by x.")
    elif drawn:
        text = _("{title}, one draw, of the row (x, {others}), for x from -4 to 4, and the derivative of the first "
                 "entry by x.")  # fmt: skip
    else:
        text = _("{title} of the row (x, {others}), for x from -4 to 4, and the derivative of the first entry by x.")
    return text.format(title=of(row, "title"), others=others)


def pieces(row: Activation, axes: Any, mode: str) -> str:
    """A unit of as few inputs as it takes: the first runs, the others are 0."""
    t = between(-4, 4, [0.0])
    x = rows_of(t, (0.0,) * (int(row.params.get("pieces") or 1) - 1))
    y = getattr(actfn, row.name)(x)
    slopes = getattr(actfn, f"{row.name}_backward")(np.ones_like(y), x)[:, 0]
    curves = {f"$y_{k + 1}$" if y.shape[1] > 1 else "$y$": line for k, line in enumerate(y.T)}
    slope = "gradient of $x_1$, for a gradient of 1" if y.shape[1] > 1 else r"$\partial y / \partial x_1$"
    lines(axes, t, curves, slope, slopes, mode)
    axes.set(xlabel="$x_1$")
    unit = f"({', '.join(['x', *['0'] * (x.shape[1] - 1)])})" if x.shape[1] > 1 else "x"
    return _("{title} of {unit} and its gradient, for x from -4 to 4.", title=of(row, "title"), unit=unit)


def row_loss(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    curves = {
        f"class {label} is correct": function(rows_of(t), np.full(t.shape, label), reduction="none")
        for label in range(1 + len(OTHERS))
    }
    slopes = back(np.ones_like(t), rows_of(t), np.zeros(t.shape, int), reduction="none")[:, 0]
    lines(axes, t, curves, "derivative, class 0 is correct", slopes, mode)
    axes.set(xlabel="score of class 0")
    others = ", ".join(f"{other:g}" for other in OTHERS)
    text = _("{title} of the scores (x, {others}), for each correct class, and its derivative by x.")
    return text.format(title=of(row, "title"), others=others)


def pointwise_loss(row: Activation, axes: Any, mode: str) -> str:
    t = np.linspace(-4, 4, 401)
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    curves = {f"target {target:g}": function(t, np.full_like(t, target), reduction="none") for target in (0.0, 1.0)}
    slopes = back(1.0, t, np.ones_like(t), reduction="none")
    lines(axes, t, curves, "derivative, target 1", slopes, mode)
    axes.set(xlabel="x")
    text = _("{title} for x from -4 to 4, where the target is 0 and where it is 1, and its derivative.")
    return text.format(title=of(row, "title"))


def planes(row: Activation) -> tuple[Figure, str]:
    """An image of hills, what becomes of it, and where a gradient goes; a row of panels per channel."""
    down, across = np.mgrid[-2:2:24j, -3:3:36j]
    texture = 0.5 * np.cos(4 * across) * np.cos(4 * down)
    hills = [3 * np.exp(-((across - side) ** 2) - down**2) - 2 * np.exp(-((across + side) ** 2) - down**2) + texture
             for side in (-1, 1)]  # fmt: skip
    learned = [np.full((1, 3, 3), 1 / 9)] if "window" in row.params else []
    x = np.array(hills[: 1 if learned else 2])[None]
    function, back = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
    y, grad = function(x, *learned), np.zeros_like(x)
    grad[:, 0] = 1
    gradient = back(grad, x if learned else y, *learned)
    gradient = gradient[0] if learned else gradient
    panels = {"x": x, "f(x)": y, "gradient of x": gradient}
    figure, grid = plt.subplots(x.shape[1], 3, figsize=(7.2, 1 + 1.6 * x.shape[1]), squeeze=False)
    for column, (title, images) in zip(grid.T, panels.items(), strict=True):
        limit = float(np.abs(images).max())
        for k, axes in enumerate(column):
            shown = axes.imshow(images[0, k], cmap="RdBu_r", vmin=-limit, vmax=limit)
            axes.set(xticks=[], yticks=[], title=title if k == 0 else "")
        figure.colorbar(shown, ax=list(column), location="bottom", shrink=0.8)
    for k, axes in enumerate(grid[:, 0]):
        axes.set_ylabel(f"channel {k}")
    if learned:
        text = _("{title} with a window of ninths: an image, the result, and the gradient for a gradient of 1 in "
                 "channel 0.")  # fmt: skip
    else:
        text = _("{title} of two channels: an image, the result, and the gradient for a gradient of 1 in channel 0.")
    return figure, text.format(title=of(row, "title"))


PAINTERS = {
    "elementwise": curve,
    "gated": gated,
    "rows": entries,
    "sampled rows": entries,
    "pieces": pieces,
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


def outline(row: Activation) -> tuple[np.ndarray, np.ndarray] | None:
    """What the figure of a page shows, in few points and without what stands beside the first curve."""
    t = np.linspace(-4, 4, 33)
    function = getattr(actfn, row.name)
    if row.kind == "elementwise":
        return np.linspace(*row.plot, 33), np.clip(facts.forward(row, np.linspace(*row.plot, 33)), *row.plot)
    if row.kind == "gated":
        return t, of_gate(row, t)[0]
    if row.kind == "rows":
        return t, np.reshape(function(rows_of(t)), (len(t), -1))[:, 0]
    if row.kind == "pieces":
        return t, function(rows_of(t, (0.0,) * (int(row.params.get("pieces") or 1) - 1)))[:, 0]
    if row.kind == "row loss":
        return t, function(rows_of(t), np.zeros(t.shape, int), reduction="none")
    if row.kind == "pointwise loss":
        return t, function(t, np.ones_like(t), reduction="none")
    return None


def spark(row: Activation) -> str:
    """A curve as small as a word, in the colour of the text around it; "" for what has no curve."""
    found = outline(row)
    if found is None:
        return ""
    x, y = found
    low, high = min(float(np.nanmin(y)), -0.5), max(float(np.nanmax(y)), 1.0)
    points = " ".join(
        f"{(a - x[0]) / (x[-1] - x[0]) * 56 + 2:.1f},{(high - b) / (high - low) * 24 + 2:.1f}"
        for a, b in zip(x, y, strict=True)
        if np.isfinite(b)
    )
    return f'<svg class="spark" viewBox="0 0 60 28" aria-hidden="true"><polyline points="{points}"/></svg>'


# ---- Figures of gallery scripts -------------------------------------------------------------------------------


def reset(_config: dict[str, Any], _file: str) -> None:
    """The light style before every script: sphinx-gallery has just gone back to matplotlib's."""
    mpl.rcParams.update(style("light"))


def scrape(_block: Any, variables: dict[str, Any], config: dict[str, Any]) -> str:
    """Save both variants of the figures of a block; a script knows nothing of them."""
    lines = []
    source = Path(variables["src_file"])
    chosen = dict(re.findall(r"^# sphinx_gallery_thumbnail_(\w+) = (\d+)$", source.read_text("utf-8"), re.MULTILINE))
    for number, path in zip(plt.get_fignums(), variables["image_path_iterator"], strict=False):
        figure, light = plt.figure(number), Path(path)
        alt = alternative(figure)
        width = round(figure.get_figwidth() * 100)
        # The panel that is its thumbnail, 0 for all of it; None where it is none.
        first = light.stem.endswith(f"_{int(chosen.get('number', 1)):03}")
        panel = int(chosen.get("panel", 0)) if first else None
        labels.keep(figure, light, panel)
        save_both(figure, light, panel)
        lines += [".. container:: figure-scroll" + (" wide" if width > 640 else ""), ""]
        for mode in MODES:
            place = Path("/") / in_mode(light, mode).relative_to(config["src_dir"])
            lines += [f"   .. image:: {place}", f"      :class: only-{mode}", f"      :alt: {alt}",
                      f"      :width: {width}px", "      :loading: lazy", ""]  # fmt: skip
    plt.close("all")
    return "\n".join(["", *lines, ""])


def in_mode(light: Path, mode: str) -> Path:
    return light if mode == "light" else light.with_name(f"{light.stem}_dark{light.suffix}")


def save_both(figure: Figure, light: Path, panel: int | None) -> None:
    """A figure of the gallery, light and dark, and its thumbnail, of one panel or of all; it is dark afterwards."""
    for mode in MODES:
        target = in_mode(light, mode)
        if mode == "dark":
            darken(figure)
        figure.savefig(target, dpi=200)
        if cut_off(target):
            log.warning("%s is cut off at its edge", target.name)
        if panel is not None:
            shrink(figure, thumbnail_of(light, mode), panel)


def cut_off(image: Path) -> bool:
    """Whether ink touches the edge: a label that found no room."""
    alpha = plt.imread(image)[..., 3]
    return bool(max(edge.max() for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])) > 0.5)


def thumbnail_of(image: Path, mode: str) -> Path:
    """Beside the one that sphinx-gallery makes, which is for light pages only."""
    return image.parent / "thumb" / f"{image.stem[:-4]}_thumb_{mode}.png"


def shrink(figure: Figure, path: Path, panel: int) -> None:
    """The figure, or one panel of it, drawn anew for a small frame, where its letters stay as large as they are."""
    small = pickle.loads(pickle.dumps(figure))
    width = max(4.8, 0.62 * figure.get_figwidth())
    if panel:
        width, kept = 4.8, small.axes[panel - 1]
        for other in [*small.legends, *(axes for axes in small.axes if axes is not kept)]:
            other.remove()
        kept.set_subplotspec(GridSpec(1, 1, figure=small)[0])
        kept.set_anchor("C")
    for axes in small.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if len(axis.get_majorticklocs()) > 20:
                axis.set_ticks([])
    path.parent.mkdir(exist_ok=True)
    small.set_size_inches(width, 0.7 * width)
    small.savefig(path, dpi=600 / width)
    plt.close(small)


def thumbnails(app: Sphinx, document: nodes.document) -> None:
    """The thumbnails of the gallery in both modes, with a text; before Sphinx copies the images of a page."""
    for image in list(document.findall(nodes.image)):
        if not image["uri"].endswith("_thumb.png"):
            continue
        after = image.next_node(nodes.raw, ascend=True)
        title = re.search(r'sphx-glr-thumbnail-title">(.*?)<', after.astext() if after else "")
        image["loading"] = "lazy"
        image["alt"] = _("Figure of the page: {title}", title=html.unescape(title[1]) if title else "example")
        variants = []
        for mode in MODES:
            uri = image["uri"].removesuffix(".png") + f"_{mode}.png"
            if (Path(app.srcdir) / uri.lstrip("/")).exists():
                variants.append(image.deepcopy())
                variants[-1].attributes |= {"uri": uri, "classes": [f"only-{mode}"]}
        image.replace_self(variants or [image])


def alternative(figure: Figure) -> str:
    """Titles, from the large to the small; without any, what is drawn against what; in a diagram, its words."""
    all_axes = figure.axes
    titles = [figure.get_suptitle(), *(axes.get_title(at) for axes in all_axes for at in ("left", "center", "right"))]
    pairs = [(axes.get_ylabel(), axes.get_xlabel()) for axes in all_axes if axes.get_ylabel()]
    found = [t for t in titles if t] or [_("{y} against {x}", y=y, x=x) if x else y for y, x in pairs]
    found = found or [t.get_text() for axes in all_axes for t in axes.texts if re.search(r"[^\W\d_]{2}", t.get_text())]
    return ". ".join(dict.fromkeys(" ".join(text.replace("$", "").split()) for text in found))


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
