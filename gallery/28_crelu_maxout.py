r"""
Units that change the width: CReLU and maxout
=============================================

Most activations give back as many numbers as they get.
CReLU gives twice as many and loses nothing; maxout gives half as many and can take any convex shape.
On this page you see what each of them does to a layer, and fit a curve with maxout units alone.

You should know what :doc:`a layer <10_one_neuron>` is.
"""

# sphinx_gallery_tags = ["intermediate", "functions", "training", "loss"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# CReLU: both halves
# ------------------
#
# A ReLU throws the negative half of its input away.
# CReLU keeps both halves, one behind the other along an axis:
#
# .. math::
#
#    \mathrm{CReLU}(x) = \bigl(\max(x, 0),\ \max(-x, 0)\bigr)
#
# >>> x = np.array([[-1.0, 2.0, 0.0], [3.0, -4.0, 0.5]])
# >>> actfn.crelu(x, axis=1)
# array([[0. , 2. , 0. , 1. , 0. , 0. ],
#        [3. , 0. , 0.5, 0. , 4. , 0. ]])
#
# Nothing is lost: the first half minus the second is the input again.
# A gradient, too, finds its way back through one of the halves, so no unit dies.
#
# >>> y = actfn.crelu(x, axis=1)
# >>> bool(np.array_equal(y[:, :3] - y[:, 3:], x))
# True
# >>> actfn.crelu_backward(np.ones(2), np.array([-3.0]))
# array([-1.])
# >>> actfn.relu_backward(1.0, np.array([-3.0]))
# array([0.])
#
# The price is width: the next layer has twice as many inputs.

# %%
# Maxout: the largest of several lines
# ------------------------------------
#
# A maxout unit computes several weighted sums and passes on the largest.
#
# >>> sums = np.array([1.0, 3.0, -2.0, -5.0])
# >>> actfn.maxout(sums)
# array([ 3., -2.])
# >>> actfn.maxout(np.arange(6.0), pieces=3)
# array([2., 5.])
#
# Two pieces can be a ReLU, a leaky ReLU or the absolute value, depending on the weights: of :math:`(x, 0)`,
# :math:`(x, 0.1 x)` or :math:`(x, -x)` the larger.

line = np.linspace(-2, 2, 401)
shapes = {"(x, 0)": 0 * line, "(x, x / 10)": line / 10, "(x, −x)": -line}
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
for k, (text, other) in enumerate(shapes.items()):
    units = actfn.maxout(np.stack([line, other], axis=-1))[:, 0]
    axes.plot(line, units, f"C{k}", linestyle=("-", "--", "-.")[k], linewidth=2, label=f"maxout of {text}")
axes.set(xlabel="x", ylabel="output", title="One maxout unit, three choices of weights")
axes.legend()

pairs = np.stack([line, 0 * line], axis=-1)
assert np.array_equal(actfn.maxout(pairs)[:, 0], actfn.relu(line))
assert np.array_equal(actfn.maxout(np.stack([line, -line], axis=-1))[:, 0], np.abs(line))

# %%
# A unit that learns its shape
# ----------------------------
#
# With eight pieces one unit is a polyline of up to eight strokes, bent upwards.
# Its gradient goes to the piece that won, and to no other.
# Here a single unit learns the parabola :math:`x^2` from its values, by gradient descent.

rng = np.random.default_rng(0)
PIECES, STEPS, RATE = 8, 1500, 0.05
weight, bias = rng.normal(0, 1, PIECES), rng.normal(0, 0.1, PIECES)
wanted = line**2
losses, lengths = [], []
for _ in range(STEPS):
    sums = line[:, None] * weight + bias
    error = actfn.maxout(sums, pieces=PIECES)[:, 0] - wanted
    losses.append(np.mean(error**2))
    grad_sums = actfn.maxout_backward(2 * error[:, None] / len(line), sums, pieces=PIECES)
    grad_weight, grad_bias = line @ grad_sums, grad_sums.sum(axis=0)
    lengths.append(np.sqrt(grad_weight @ grad_weight + grad_bias @ grad_bias))
    weight, bias = weight - RATE * grad_weight, bias - RATE * grad_bias
used = len(set(sums.argmax(axis=1).tolist()))
print(f"mean squared error {losses[0]:.3f} before, {losses[-1]:.4f} after; {used} of {PIECES} pieces are in use")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.plot(line, wanted, color="0.5", linewidth=6, alpha=0.5, label="the parabola")
left.plot(line, actfn.maxout(sums, pieces=PIECES)[:, 0], "C0", linewidth=2, label="one maxout unit")
left.set(xlabel="x", ylabel="output", title="What the unit has become")
left.legend(loc="upper center")
right.plot(losses, "C1", linewidth=2, label="loss")
right.plot(lengths, "C2--", linewidth=1.5, label="length of the gradient")
right.set(xlabel="step", yscale="log", title="How it got there")
right.legend()

# %%
# A piece that never wins gets no gradient and is never used: maxout has dead pieces as ReLU has dead units.
# What it cannot do is bend downwards; that takes a second unit with a negative weight in the next layer.

assert losses[-1] < 0.02 < 0.5 < losses[0]
assert 3 <= used <= PIECES
assert np.all(np.diff(actfn.maxout(sums, pieces=PIECES)[:, 0], 2) > -1e-12)
plt.show()
