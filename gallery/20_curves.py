r"""
Every activation at a glance
============================

All activations of one variable, family by family, each with its derivative.
Nothing on this page is typed in: the curves, the ranges and the names come from ``actfn.catalog``.

For everybody who wants to see what there is.
"""

# sphinx_gallery_tags = ["beginner", "functions"]
# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# The families
# ------------
#
# A row of the catalog holds what is known about a function.
# Those of kind "elementwise" are functions of one number, so they have a curve.
# Parameters have the default that the function has; the few that every user must choose are 0.25 here.
#
# >>> row = actfn.catalog["leaky_relu"]
# >>> row.family, dict(row.params), row.range
# ('piecewise linear', {'negative_slope': 0.01}, '(-oo, oo)')

families = {}
for row in actfn.catalog.values():
    if row.kind == "elementwise":
        families.setdefault(row.family, []).append(row)
for family, rows in families.items():
    print(f"{family}: {', '.join(row.name for row in rows)}")


def curve(row, x):
    """The function and its derivative at x."""
    params = {name: 0.25 if default is None else default for name, default in row.params.items()}
    y = getattr(actfn, row.name)(x, **params)
    slope = getattr(actfn, f"{row.name}_backward")(1.0, x, **params)
    # Of functions with learned parameters, the gradient of the input comes first.
    return y, slope[0] if row.trains else slope


# %%
# The curves
# ----------
#
# Solid: the function.
# Dashed: its derivative, which is what the backward function multiplies the gradient by.
# Where the derivative jumps, the dashed line is cut.

COLUMNS = 4

for family, rows in families.items():
    lines = -(-len(rows) // COLUMNS)
    figure, grid = plt.subplots(lines, COLUMNS, figsize=(10, 0.5 + 2.3 * lines), layout="constrained", squeeze=False)
    figure.suptitle(family)
    for axes in grid.flat[len(rows) :]:
        axes.set_axis_off()
    for axes, row in zip(grid.flat, rows, strict=False):
        x = np.linspace(*row.plot, 801)
        y, slope = curve(row, x)
        for values, style, label in ((y, "C0-", "f"), (slope, "C1--", "f ′")):
            jumps = np.flatnonzero(np.abs(np.diff(values)) > 0.03 * np.ptp(values[np.isfinite(values)]))
            axes.plot(np.insert(x, jumps + 1, np.nan), np.insert(values, jumps + 1, np.nan), style, label=label)
        axes.axhline(0, color="0.5", linewidth=0.6)
        axes.set_title(row.name, fontsize="medium", family="monospace")
    grid[0, 0].legend()

# %%
# The backward functions against differences
# ------------------------------------------
#
# A derivative is the slope between two near points.
# So every dashed line can be checked: the difference of the function at two points next to each other, divided by
# their distance.
# Steps that contain a kink or a jump are left out, because there is no single slope there.

half = 1e-5
checked = 0
for rows in families.values():
    for row in rows:
        x = np.linspace(*row.plot, 998)
        left, right = curve(row, x - half), curve(row, x + half)
        difference = (right[0] - left[0]) / (2 * half)
        smooth = np.abs(right[1] - left[1]) < 1e-3 * np.maximum(1, np.abs(left[1]))
        assert smooth.mean() > 0.95
        assert np.allclose(difference[smooth], curve(row, x)[1][smooth], atol=1e-8), row.name
        checked += 1
print(f"{checked} derivatives are the slopes of their functions")
assert checked == sum(row.kind == "elementwise" for row in actfn.catalog.values())

# %%
# Not on this page
# ----------------
#
# Some activations look at more than one number, and have no curve:

for row in actfn.catalog.values():
    if row.kind != "elementwise":
        print(f"{row.name:21} {row.kind}")

plt.show()
