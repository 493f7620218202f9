r"""
A table of all activations, made of facts and measurements
==========================================================

Range, largest slope, what is left of a gradient far out, and what a call costs.
On this page no entry is typed in: each comes from the catalog or is measured when the page is built.

For everybody who has to choose.
"""

# sphinx_gallery_tags = ["intermediate", "functions", "speed"]

import timeit

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# What is asked
# -------------
#
# - **range**: which outputs are possible, from the catalog.
# - **largest slope**: the most by which a gradient can grow in one layer; a value below 1 means that it always shrinks.
# - **left and right**: the derivative at -10 and 10; 0 means that a gradient is lost there.
# - **centred**: whether the outputs have both signs around 0.
# - **time**: nanoseconds per number for 200,000 float32 numbers on one processor, forward and backward.
#
# Parameters that have no default are 0.25.
#
# >>> row = actfn.catalog["sigmoid"]
# >>> row.range, row.saturates, row.zero_centered
# ('(0, 1)', 'both', False)

far = np.array([-10.0, 10.0])
near = np.linspace(-10, 10, 20_001)
numbers = np.random.default_rng(0).normal(0, 2, 200_000).astype(np.float32)
above = np.ones_like(numbers)
target = np.empty_like(numbers)


def nanoseconds(call):
    """The shortest of several runs, per number."""
    call()
    return min(timeit.repeat(call, number=1, repeat=7)) / numbers.size * 1e9


def measure(row):
    """What the table says about a function."""
    params = {name: 0.25 if default is None else default for name, default in row.params.items()}
    function, backward = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")

    def slope(x):
        result = backward(1.0, x, **params)
        return result[0] if row.trains else result

    left, right = slope(far)
    forward_time = nanoseconds(lambda: function(numbers, **params, out=target))
    backward_time = nanoseconds(lambda: backward(above, numbers, **params))
    return np.abs(slope(near)).max(), left, right, forward_time, backward_time, *slope(1e5 * far)


with actfn.threads(1):
    facts = [(row, *measure(row)) for row in actfn.catalog.values() if row.kind == "elementwise"]

# %%
# The table
# ---------

print(f"{'':15} {'range':15} largest slope   at -10     at 10   centred   forward ns   backward ns")
for row, largest, left, right, forward_time, backward_time, *_ in facts:
    centred = "yes" if row.zero_centered else "no"
    print(
        f"{row.name:15} {row.range:15} {largest:13.3f} {left:8.1e} {right:9.1e}   {centred:7} "
        f"{forward_time:12.2f} {backward_time:13.2f}"
    )

# %%
# What each is used for
# ---------------------

for row, *_ in facts:
    print(f"{row.name}: {row.summary}")

# %%
# Where a gradient gets through
# -----------------------------
#
# The same question as a picture: a line per activation, and the derivative along it.
# The darkest is where nothing gets through.

rows = [row for row, *_ in facts]
x = np.linspace(-6, 6, 481)
picture = []
for row in rows:
    params = {name: 0.25 if default is None else default for name, default in row.params.items()}
    slope = getattr(actfn, f"{row.name}_backward")(1.0, x, **params)
    picture.append(np.abs(slope[0] if row.trains else slope))

figure, axes = plt.subplots(figsize=(8, 1 + 0.26 * len(rows)), layout="constrained")
image = axes.imshow(
    picture, extent=(-6, 6, len(rows), 0), aspect="auto", interpolation="nearest", vmin=0, vmax=1.2, cmap="viridis"
)
axes.set_yticks(np.arange(len(rows)) + 0.5, [row.name for row in rows], family="monospace")
axes.set_xlabel("x")
axes.tick_params(axis="y", length=0)
figure.colorbar(image, ax=axes, label="size of the derivative", extend="max")

# %%
# What the catalog says must agree with what was measured: a function that is said to saturate on a side has a
# derivative near 0 there, if one goes far enough, and every other one has not.

for row, *_, left, right in facts:
    assert (abs(left) < 0.01) == (row.saturates in ("left", "both")), row.name
    assert (abs(right) < 0.01) == (row.saturates in ("right", "both")), row.name

plt.show()
