"""What the race says: tables of plain text, and figures."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests import oracle

from .speed import CALLERS, CALLS, LARGEST, Record, best_peer, counted, duration, named, ratio, trusted

# One color per library in all figures, from Okabe and Ito's palette, which colour-blind readers can tell apart.
COLORS = {
    "actfn": "#000000", "torch": "#D55E00", "jax": "#0072B2", "onnxruntime": "#009E73", "numba": "#CC79A7",
    "numexpr": "#E69F00", "numpy": "#56B4E9", "scipy": "#A6761D", "thinc": "#999999", "copy": "#595959",
}  # fmt: skip


def text(state: dict[str, Any]) -> str:
    cells = state["cells"]
    tables = [f(cells) for f in (quiet, call_cost, real, callers, alone, means, worst, bandwidth)]
    return "\n\n".join([*heads(state["runs"]), *tables])


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, numbers to the right."""
    lines = [head, *rows]
    if len(lines) == 1:
        return f"{title}\n(not measured)"
    first, *others = ([len(line[k]) for line in lines] for k in range(len(head)))
    template = "  ".join([f"{{:<{max(first)}}}", *(f"{{:>{max(widths)}}}" for widths in others)])
    return "\n".join([title, *(template.format(*line) for line in lines)])


def heads(runs: dict[str, Any]) -> Iterator[str]:
    for threads, run in runs.items():
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        counts = ", ".join(f"{name} {count}" for name, count in run["threads"].items())
        yield (f"{counted(int(threads))} on {run['processor']}, {run['date']}\n{versions}\n"
               f"build {run['build']}, huge pages {run['huge pages']}\n"
               f"threads as counted by {counts}; {', '.join(run['pools'])}")  # fmt: skip


def quiet(cells: list[Record]) -> str:
    """Whether the figures can be trusted."""
    trustworthy = sum(map(trusted, cells))
    busy = float(np.median([r["disturbed"] for r in cells])) if cells else math.nan
    return (f"{len(cells)} cells, {trustworthy} of them trustworthy: the machine quiet, both medians known to 5 %; "
            f"others kept {busy:.2f} processors busy meanwhile (median)")  # fmt: skip


def geometric(ratios: Iterable[float]) -> float:
    logs = [math.log(r) for r in ratios if not math.isnan(r)]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def kind_of(record: Record) -> str:
    kinds = {
        "elementwise": "element-wise",
        "rows": "rows",
        "sampled rows": "rows",
        "pieces": "rows",
        "gated": "gated",
        "row loss": "loss",
        "pointwise loss": "loss",
    }
    return kinds[oracle.ROWS[record["name"]].kind] if record["name"] in oracle.ROWS else "whole epoch"


def means(cells: list[Record]) -> str:
    """By what is computed, into what and on how many threads."""
    groups: dict[tuple[str, ...], list[float]] = {}
    totals: dict[tuple[str, ...], list[float]] = {}
    for record in (r for r in cells if not math.isnan(ratio(r))):
        place = "into out" if record["into"] else "fresh"
        key = (kind_of(record), record["direction"], record["dtype"], place, str(record["threads"]))
        groups.setdefault(key, []).append(ratio(record))
        totals.setdefault(("all", "", record["dtype"], "", ""), []).append(ratio(record))
        if not math.isnan(same := ratio(record, saved=False)):
            totals.setdefault(("all, from the same operands", "", record["dtype"], "", ""), []).append(same)
        totals.setdefault(("all", "", "", "", ""), []).append(ratio(record))
    rows = [
        (*key, f"{len(ratios)}", f"{geometric(ratios):.2f}", f"{sum(r > 1 for r in ratios) / max(len(ratios), 1):.0%}")
        for key, ratios in [*sorted(groups.items()), *sorted(totals.items(), reverse=True)]
    ]
    head = ("function", "direction", "dtype", "result", "threads", "cells", "ratio", "faster")
    return table("Best other library's time over ours: geometric mean over cells", head, rows)


def alone(cells: list[Record]) -> str:
    """Cells that no ratio counts."""
    counts: dict[tuple[str, ...], int] = {}
    for r in (r for r in cells if math.isnan(ratio(r))):
        key = (f"{r['name']} {r['direction']}", r["dtype"], r["layout"])
        counts[key] = counts.get(key, 0) + 1
    head = ("function", "dtype", "layout", "cells")
    return table("Without another library, and in no mean", head, ((*key, str(count)) for key, count in counts.items()))


def callers(cells: list[Record]) -> str:
    """Whether calls from several Python threads get in each other's way."""
    rows = []
    for r in (r for r in cells if "one caller" in r["seconds"]):
        alone, ours, theirs = (r["seconds"].get(name, math.nan) for name in ("one caller", "actfn", "torch"))
        times = [duration(t / CALLERS / CALLS) for t in (alone, ours)]
        rows.append((r["name"], shape_of(r), *times, f"{alone / ours:.2f}", f"{theirs / ours:.2f}"))
    head = ("function", "shape", "one caller", f"{CALLERS} callers", "throughput", "torch / actfn")
    return table(f"Seconds per call, called from one Python thread and from {CALLERS} at once", head, rows)


def shape_of(record: Record) -> str:
    shape = record["shape"]
    return f"{shape[0]:,}" if len(shape) == 1 else f"{tuple(shape)} axis {record['axis']}"


def worst(cells: list[Record], count: int = 10) -> str:
    known = sorted((r for r in cells if not math.isnan(ratio(r))), key=ratio)[:count]
    rows = (
        (f"{r['name']} {r['direction']}", r["dtype"], shape_of(r), r["layout"], "into out" if r["into"] else "fresh",
         str(r["threads"]), duration(r["seconds"]["actfn"]), named(r, best_peer(r)[0]), f"{ratio(r):.2f}",
         f"{math.hypot(r['errors']['actfn'], r['errors'][best_peer(r)[0]]):.0%}")
        for r in known
    )  # fmt: skip
    head = ("function", "dtype", "shape", "layout", "result", "threads", "actfn", "best other", "ratio", "+-")
    return table(f"The {count} worst cells", head, rows)


def copy_of(record: Record) -> float:
    """The fastest way to move as many arrays through memory."""
    return min((s for name, s in record["seconds"].items() if name.startswith("copy")), default=math.nan)


def bandwidth(cells: list[Record]) -> str:
    """At the largest size every function should be as fast as memory."""
    found = [r for r in cells if math.prod(r["shape"]) == LARGEST and not math.isnan(copy_of(r))]
    threads = max((r["threads"] for r in found), default=0)
    by_name: dict[str, dict[str, str]] = {}
    for r in found:
        if r["threads"] == threads:
            share = f"{copy_of(r) / r['seconds']['actfn']:.0%}"
            by_name.setdefault(r["name"], {})[f"{r['direction']} {'into out' if r['into'] else 'fresh'}"] = share
    columns = [f"{d} {place}" for d in ("forward", "backward") for place in ("into out", "fresh")]
    rows = ((name, *(shares.get(column, "-") for column in columns)) for name, shares in by_name.items())
    title = f"Share of the copy bandwidth at {LARGEST:,} float32, {counted(threads)}, same number of arrays"
    return table(title, ("function", *columns), rows)


def call_cost(cells: list[Record]) -> str:
    """What a call costs when there is nothing to compute."""
    ones = [r for r in cells if r["shape"] == [1] and r["into"] and r["direction"] == "forward"]
    reference = next((r["seconds"]["numpy"] for r in ones if r["name"] == "tanh" and "numpy" in r["seconds"]), math.nan)
    times = [(r["name"], r["seconds"]["actfn"], r["seconds"].get("torch", math.nan)) for r in ones]
    rows = [(name, f"{own * 1e9:.0f}", f"{torch * 1e9:.0f}", f"{own / reference:.2f}", f"{torch / own:.1f}")
            for name, own, torch in times]  # fmt: skip
    title = "Nanoseconds per call at n = 1 into an existing array"
    title += "" if math.isnan(reference) else f"; numpy.tanh needs {reference * 1e9:.0f}"
    return table(title, ("function", "actfn", "torch", "of numpy.tanh", "torch / actfn"), rows)


def real(cells: list[Record]) -> str:
    """Sizes from networks."""
    rows = (
        (f"{r['name']} {r['direction']}", shape_of(r), "into out" if r["into"] else "fresh", str(r["threads"]),
         duration(r["seconds"]["actfn"]), named(r, best_peer(r)[0]), f"{ratio(r):.2f}")
        for r in cells if r["name"] == "digits" or (len(r["shape"]) > 2 and r["layout"] == "contiguous")
    )  # fmt: skip
    return table("End to end", ("function", "shape", "result", "threads", "actfn", "best other", "ratio"), rows)


# ---- Figures --------------------------------------------------------------------------------------------------


def plots(cells: list[Record], directory: Path) -> Iterator[Path]:
    """A figure per function, and maps of all ratios; yields the files."""
    directory.mkdir(parents=True, exist_ok=True)
    threads = max((r["threads"] for r in cells), default=1)
    lines = [r for r in cells if r["threads"] == threads and r["dtype"] == "float32" and len(r["shape"]) == 1]
    for name in dict.fromkeys(r["name"] for r in lines):
        yield time_against_size([r for r in lines if r["name"] == name], directory / f"{name}.png")
    maps: dict[str, list[Record]] = {}
    for r in (r for r in cells if not math.isnan(ratio(r))):
        maps.setdefault(f"{'sizes' if len(r['shape']) == 1 else 'shapes'}-{r['threads']}", []).append(r)
    for what, found in maps.items():
        yield heat_map(found, directory / f"ratios-{what}.png")


def time_against_size(cells: list[Record], path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 2, figsize=(11, 9), sharex=True, sharey=True, layout="constrained")
    panels = [(d, into) for d in ("forward", "backward") for into in (True, False)]
    for axes, (direction, into) in zip(grid.flat, panels, strict=True):
        found = sorted(
            (r for r in cells if r["direction"] == direction and r["into"] == into), key=lambda r: r["shape"]
        )
        for name in [n for n in COLORS if n != "copy" and any(n in r["seconds"] for r in found)]:
            points = [(r["shape"][0], r["seconds"][name]) for r in found if name in r["seconds"]]
            width, order = (2.5, 3) if name == "actfn" else (1.2, 2)
            label = named(next(r for r in found if name in r["seconds"]), name)
            axes.plot(*zip(*points, strict=True), "o-", color=COLORS[name], lw=width, ms=3, label=label, zorder=order)
        axes.plot([r["shape"][0] for r in found], [copy_of(r) for r in found], "--", color=COLORS["copy"], label="copy")
        axes.set(
            xscale="log", yscale="log", title=f"{direction}, {'into an existing array' if into else 'fresh result'}"
        )
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.suptitle(f"{cells[0]['name']}, float32, {counted(cells[0]['threads'])}")
    figure.supxlabel("elements")
    figure.supylabel("seconds per call")
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def heat_map(cells: list[Record], path: Path) -> Path:
    import matplotlib.pyplot as plt
    from matplotlib.colors import TwoSlopeNorm

    def column(r: Record) -> str:
        layout = "" if r["layout"] == "contiguous" else f" {r['layout']}"
        return f"{r['direction']} {r['dtype']} {shape_of(r)}{layout} {'out' if r['into'] else 'fresh'}"

    rows, columns = (list(dict.fromkeys(key(r) for r in cells)) for key in (lambda r: r["name"], column))
    ratios = np.full((len(rows), len(columns)), np.nan)
    for r in cells:
        ratios[rows.index(r["name"]), columns.index(column(r))] = ratio(r)
    size = (3 + 0.36 * len(columns), 4 + 0.28 * len(rows))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    axes.set_facecolor("#EEEEEE")
    image = axes.imshow(np.log2(ratios), cmap="RdBu", norm=TwoSlopeNorm(0, -2, 4), aspect="auto")
    for (i, k), value in np.ndenumerate(ratios):
        if not math.isnan(value):
            dark = not -1.2 < math.log2(value) < 2.4
            axes.text(k, i, f"{value:.1f}", ha="center", va="center", fontsize=6, color="white" if dark else "black")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_title(f"Best other library's time over ours, {counted(cells[0]['threads'])}")
    figure.colorbar(image, label="log2 of the ratio", fraction=0.02)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
