r"""
Swish: a dip below zero, and a gradient on both sides
=====================================================

Swish looks like a ReLU with a soft corner, but it goes down before it goes up.
On this page you find the lowest point, see what the gradient does to the left of it, and watch a unit leave the flat
side of a ReLU behind.
"""

# sphinx_gallery_tags = ["intermediate", "functions"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# The input, times its own sigmoid
# --------------------------------
#
# .. math::
#
#    \mathrm{swish}(x) = x\,\sigma(\beta x), \qquad
#    \mathrm{swish}'(x) = \sigma(\beta x)\,\bigl(1 + \beta x\,(1 - \sigma(\beta x))\bigr)
#
# The sigmoid is a gate: open on the right, closed on the left, half open at 0.
# For :math:`\beta = 1` the function is also called SiLU, which is ``actfn.silu``.
#
# >>> x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
# >>> actfn.swish(x).round(4)
# array([-0.1423, -0.2689,  0.    ,  0.7311,  2.8577])
# >>> bool((actfn.swish(x) == actfn.silu(x)).all())
# True
#
# A small :math:`\beta` makes it a straight line, a large one a ReLU.
# Networks can learn it: the backward function returns the gradient of :math:`\beta` too.

x = np.linspace(-6, 4, 1001)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for k, beta in enumerate((0.3, 1.0, 4.0)):
    slope, _ = actfn.swish_backward(1.0, x, beta)
    left.plot(x, actfn.swish(x, beta), f"C{k}", linewidth=2, label=f"β = {beta:g}")
    right.plot(x, slope, f"C{k}", linewidth=2)
left.plot(x, actfn.relu(x), color="0.5", linestyle="--", label="ReLU")
right.plot(x, actfn.relu_backward(1.0, x), color="0.5", linestyle="--")
left.set(xlabel="x", ylabel="swish", ylim=(-1.1, 4))
right.set(xlabel="x", ylabel="derivative")
right.axhline(0, color="0.5", linewidth=0.6)
left.legend()

assert np.allclose(actfn.swish(x, 1e-9), x / 2)
assert np.allclose(actfn.swish(x, 1e4), actfn.relu(x), atol=1e-4)

# %%
# The lowest point
# ----------------
#
# At the bottom of the dip the derivative is 0.
# It is negative to the left and positive to the right, so halving an interval finds the place.

low, high = -2.0, -1.0
for _ in range(60):
    middle = (low + high) / 2
    if actfn.silu_backward(1.0, middle) < 0:
        low = middle
    else:
        high = middle

# %%
# >>> print(f"lowest at {high:.6f}, where swish is {actfn.silu(high):.6f}")
# lowest at -1.278465, where swish is -0.278465
#
# The two numbers differ by exactly 1, and that is no accident.
# Where the derivative is 0, :math:`1 - \sigma = -1/x`, so :math:`\sigma = 1 + 1/x`, and
# :math:`x\,\sigma` is :math:`x + 1`.
#
# The catalog knows the same lowest value as the end of the range:
#
# >>> actfn.catalog["silu"].range
# '[-0.27846, oo)'

assert np.isclose(actfn.silu(high), high + 1)

# %%
# The gradient below zero
# -----------------------
#
# ReLU passes no gradient on its left side at all.
# Swish passes some, and its sign changes at the dip.

print("    x     ReLU'    swish'")
for value in (-4.0, -2.0, -1.0, -0.5):
    print(f"{value:5.1f}  {actfn.relu_backward(1.0, value):8.4f}  {actfn.silu_backward(1.0, value):8.4f}")

# %%
# >>> actfn.silu_backward(1.0, np.array([-2.0, -1.0, -0.5])).round(4)
# array([-0.0908,  0.0723,  0.26  ])
#
# A unit on the wrong side
# ------------------------
#
# Suppose a unit has ended up at the sum :math:`a = -1`, and should say 1.
# Gradient descent on the loss :math:`\tfrac12 (h(a) - 1)^2` can move it only where the derivative is not 0.


def descend(name, start, steps=60, rate=0.5):
    """The sum at each step."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    path = [start]
    for _ in range(steps):
        a = path[-1]
        path.append(a - rate * backward(function(a) - 1, a))
    return np.array(path)


paths = {(name, start): descend(name, start) for name, start in (("relu", -1.0), ("silu", -1.0), ("silu", -2.0))}

figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
for k, ((name, start), path) in enumerate(paths.items()):
    axes.plot(path, f"C{k}", linewidth=2, label=f"{'ReLU' if name == 'relu' else 'swish'} from {start:g}")
axes.axhline(high, color="0.5", linestyle="--", linewidth=1)
axes.annotate("bottom of the dip", (60, high), (0, -4), textcoords="offset points", ha="right", va="top")
axes.set(xlabel="step", ylabel="sum a")
axes.legend()

# %%
# The ReLU does not move.
# From -1, swish climbs and reaches its goal.
# From -2, to the left of the dip, it moves too, but the other way: there the function grows to the left.
# So swish is no promise that a unit comes back.
# It is a promise that the unit keeps moving, while other inputs, in a network, pull it to other places.

assert np.all(paths["relu", -1.0] == -1)
assert abs(actfn.silu(paths["silu", -1.0][-1]) - 1) < 0.01
assert paths["silu", -2.0][-1] < -2

plt.show()
