r"""
How fast is an activation, next to a copy?
==========================================

Nothing that reads one array and writes another is faster than a copy.
On this page every activation is timed next to that line, on the machine that builds the page, so the numbers are those
of this machine and of today.

For everybody who wonders whether the activation is what makes a network slow.
"""

# sphinx_gallery_tags = ["advanced", "speed"]
# sphinx_gallery_thumbnail_panel = 1

import timeit

import matplotlib.pyplot as plt
import numpy as np

import actfn

actfn.show_config()

# %%
# Two kinds of slow
# -----------------
#
# A small array stays in the processor's cache, and then the arithmetic decides how long a call takes.
# A large one has to come from memory and go back there, and then memory decides: every activation that calculates
# faster than the memory delivers takes as long as a copy.
#
# Each function writes into the same array, by ``out=``, so that no time goes into new memory.
# The time is the shortest of several calls, on one thread.
#
# >>> x = np.array([-1.0, 2.0], dtype=np.float32)
# >>> out = np.empty_like(x)
# >>> actfn.relu(x, out=out) is out
# True


def nanoseconds(call, size):
    """The shortest of several calls, per number."""
    call()
    number = max(1, 100_000 // size)
    return min(timeit.repeat(call, number=number, repeat=7)) / number / size * 1e9


def race(size):
    """Nanoseconds per number: of a copy, and of every activation, forward and backward."""
    x = np.random.default_rng(0).normal(0, 2, size).astype(np.float32)
    grad, out = np.ones_like(x), np.empty_like(x)
    times = {"a copy": (nanoseconds(lambda: np.copyto(out, x), size), np.nan)}
    for row in actfn.catalog.values():
        if row.kind == "elementwise" and not row.trains:
            params = {name: 0.25 if default is None else default for name, default in row.params.items()}
            forward, backward = getattr(actfn, row.name), getattr(actfn, f"{row.name}_backward")
            times[row.name] = (
                nanoseconds(lambda f=forward, p=params: f(x, **p, out=out), size),
                nanoseconds(lambda b=backward, p=params: b(grad, x, **p, out=out), size),
            )
    return times


with actfn.threads(1):
    small, large = race(10_000), race(4_000_000)

# %%
# The race
# --------
#
# Left: 10,000 numbers, which fit into the cache.
# Right: 4 million, which mostly do not.
# The dashed line is the copy.

names = [name for name in large if name != "a copy"]
figure, panels = plt.subplots(1, 2, figsize=(10, 1.2 + 0.27 * len(names)), layout="constrained", sharey=True)
places = np.arange(len(names))
for axes, times, title in zip(panels, (small, large), ("10,000 numbers", "4,000,000 numbers"), strict=True):
    forward, backward = np.array([times[name] for name in names]).T
    axes.barh(places - 0.2, forward, 0.4, color="C0", label="forward")
    axes.barh(places + 0.2, backward, 0.4, color="C1", label="backward")
    axes.axvline(times["a copy"][0], color="0.5", linestyle="--", label="copy")
    axes.set(title=title, xlabel="nanoseconds per number")
panels[0].set_yticks(places, names, family="monospace")
panels[0].set_ylim(len(names) - 0.4, -0.6)
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)

# %%
# In numbers:

for times, title in ((small, "10,000 numbers"), (large, "4,000,000 numbers")):
    copy = times["a copy"][0]
    forward, backward = np.array([times[name] for name in names]).T
    print(
        f"{title}: copy {copy:.2f} ns; forward {np.median(forward):.2f} ns, {np.median(forward) / copy:.1f} copies; "
        f"backward {np.median(backward):.2f} ns, {np.median(backward) / copy:.1f} copies (medians)"
    )

# %%
# A backward call reads two arrays where a copy reads one, so half as much again is the least it can take from memory.

# %%
# What NumPy alone takes
# ----------------------
#
# The textbook formula of SiLU, :math:`x / (1 + e^{-x})`, is four calls of NumPy, and each goes through the whole array.

x = np.random.default_rng(0).normal(0, 2, 4_000_000).astype(np.float32)
out = np.empty_like(x)
with actfn.threads(1):
    by_numpy = nanoseconds(lambda: x / (1 + np.exp(-x)), x.size)
    by_actfn = nanoseconds(lambda: actfn.silu(x), x.size)
    into_out = nanoseconds(lambda: actfn.silu(x, out=out), x.size)
threaded = nanoseconds(lambda: actfn.silu(x, out=out), x.size)
print(f"NumPy's operators           {by_numpy:.2f} ns per number")
print(f"actfn, a new array          {by_actfn:.2f} ns")
print(f"actfn, into out=            {into_out:.2f} ns")
print(f"the same, threads: {actfn.get_num_threads()}        {threaded:.2f} ns")

# The threads change the time, not a bit of the result.
with actfn.threads(1):
    alone = actfn.silu(x)
assert np.array_equal(alone, actfn.silu(x))
assert np.allclose(alone, x / (1 + np.exp(-x)), rtol=1e-5)
plt.show()
