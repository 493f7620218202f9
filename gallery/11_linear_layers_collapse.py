r"""
Why a network needs something that is not linear
================================================

Ten linear layers can do exactly as much as one.
On this page you stack them, watch them collapse into a single matrix, and then put an activation function in between,
which stops the collapse.

You should know what a matrix product is, and how :doc:`a layer <10_one_neuron>` uses one.
"""

# sphinx_gallery_tags = ["beginner", "neuron", "depth"]
# sphinx_gallery_thumbnail_number = 2

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# One number
# ----------
#
# Let the activation be :math:`h(x) = c\,x`, a straight line, and apply it three times:
#
# .. math::
#
#    h(h(h(x))) = c \cdot c \cdot c \cdot x = c^3 x
#
# That is again a straight line.
# A network with one layer and the slope :math:`c^3` does the same.


def h(x):
    """A linear activation."""
    return 0.5 * x


# %%
# >>> h(h(h(3.0)))
# 0.375
# >>> 0.5**3 * 3.0
# 0.375

# %%
# Whole layers
# ------------
#
# With matrices it is no different.
# Two layers with biases are
#
# .. math::
#
#    (x W_1 + b_1) W_2 + b_2 = x\,(W_1 W_2) + (b_1 W_2 + b_2)
#
# and the right side is a single layer, with the weights :math:`W_1 W_2` and the bias :math:`b_1 W_2 + b_2`.
# Here are five layers from one input to one output, with 8 units between each two.
# ``actfn.identity`` stands where an activation would be.

rng = np.random.default_rng(8)
sizes = [1, 8, 8, 8, 8, 1]
weights = [rng.normal(0, np.sqrt(2 / n), (n, m)) for n, m in pairwise(sizes)]
biases = [rng.normal(0, 0.5, m) for m in sizes[1:]]


def network(x, activation):
    """Five layers; the activation works between them."""
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        x = x @ w + b
        if k < 4:
            x = activation(x)
    return x


single_weight, single_bias = np.eye(1), np.zeros(1)
for w, b in zip(weights, biases, strict=True):
    single_weight, single_bias = single_weight @ w, single_bias @ w + b

# %%
# Five matrices have become one number and one bias.
# Both networks agree at every input:

x = np.linspace(-3, 3, 601)[:, None]
five_layers = network(x, actfn.identity)
one_layer = x @ single_weight + single_bias
print(f"largest difference: {np.abs(five_layers - one_layer).max():.0e}")
assert np.allclose(five_layers, one_layer)

# %%
# With an activation function
# ---------------------------
#
# Now the same weights with ReLU in between.
# ReLU is a line too, but with a bend at 0.
# A bend is enough: no single layer can do what this network does.
# A simple proof is an equation that holds for every straight line and not for this network:
# :math:`f(-2) + f(2) = 2 f(0)`.

at = np.array([[-2.0], [0.0], [2.0]])
for activation in (actfn.identity, actfn.relu):
    left, middle, right = network(at, activation)[:, 0]
    print(f"{activation.__name__:8}  f(-2) + f(2) = {left + right:7.4f}    2 f(0) = {2 * middle:7.4f}")

left, middle, right = network(at, actfn.identity)[:, 0]
assert np.isclose(left + right, 2 * middle)
left, middle, right = network(at, actfn.relu)[:, 0]
assert not np.isclose(left + right, 2 * middle)

# %%
# A smooth activation such as tanh bends the line everywhere instead of at a few points.

figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharex=True)
for axes, activation in zip(panels, (actfn.identity, actfn.relu, actfn.tanh), strict=True):
    axes.plot(x, network(x, activation), "C0", linewidth=2)
    axes.set(title=f"with {activation.__name__}", xlabel="input")
panels[0].set_ylabel("output of five layers")

# %%
# What the bends are good for
# ---------------------------
#
# Many bends together follow any curve.
# Take a sine, give each model 30 units with random weights, and let least squares choose how to add their outputs up.

wave = np.sin(2 * x[:, 0])
unit_weights, unit_biases = rng.normal(0, 1, (1, 30)), rng.uniform(-3, 3, 30)

fits = {}
for activation in (actfn.identity, actfn.relu):
    units = np.column_stack([activation(x @ unit_weights + unit_biases), np.ones(len(x))])
    fits[activation.__name__] = units @ np.linalg.lstsq(units, wave)[0]
errors = {name: np.sqrt(np.mean((fit - wave) ** 2)) for name, fit in fits.items()}
print({name: f"{error:.3f}" for name, error in errors.items()})

figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
axes.plot(x, wave, color="0.5", linewidth=6, alpha=0.5, label="the sine")
axes.plot(x, fits["identity"], "C1--", linewidth=2, label="30 linear units")
axes.plot(x, fits["relu"], "C0", linewidth=2, label="30 ReLU units")
axes.set(xlabel="input", ylabel="output", ylim=(-1.2, 1.6))
axes.legend(loc="upper center", ncols=3)

# %%
# Thirty linear units are still one line, and a line is a poor sine.
# Thirty ReLU units come close.

assert errors["identity"] > 0.5
assert errors["relu"] < 0.1
plt.show()

# %%
# Next: :doc:`12_perceptron`.
