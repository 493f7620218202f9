r"""
Fitting a curve: the activation shapes what a network can draw
==============================================================

A network can predict a number instead of a class: no sigmoid and no softmax at the end, just the sum.
On this page a hidden layer learns a wave from noisy points, and you see that ReLU draws with straight strokes and tanh
with round ones.

You should know :doc:`gradient descent <13_xor_hidden_layer>`.
"""

# sphinx_gallery_tags = ["beginner", "training", "regression", "loss"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# The points
# ----------
#
# 60 points on a wave, with noise of standard deviation 0.1.

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, (60, 1)), axis=0)
wave = np.sin(1.5 * x) + 0.3 * x
t = wave + rng.normal(0, 0.1, x.shape)

# %%
# The network
# -----------
#
# .. math::
#
#    y = h(x w_1 + b_1)\, w_2 + b_2, \qquad L = \frac1n \sum (y - t)^2
#
# The output neuron has no activation, or the identity, which is the same.
# So its output can be any number.
#
# >>> actfn.identity(np.array([-2.5, 0.0, 7.0]))
# array([-2.5,  0. ,  7. ])
#
# The gradient of the mean squared error is :math:`2 (y - t) / n`.
#
# Adam moves the weights: each by its average gradient, divided by the gradient's typical size.
# The rate falls to 0 in a straight line.


def train(name, hidden=20, steps=1500, rate=0.02):
    """The losses, the lengths of the gradient, and the trained network as a function."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    rng = np.random.default_rng(1)
    weights = [rng.normal(0, 1, (1, hidden)), rng.uniform(-3, 3, hidden), rng.normal(0, 0.3, (hidden, 1)), np.zeros(1)]
    means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    losses, lengths = [], []
    for step in range(1, steps + 1):
        w1, b1, w2, b2 = weights
        before = x @ w1 + b1
        after = function(before)
        error = after @ w2 + b2 - t
        losses.append(np.mean(error**2))

        grad = 2 * error / len(x)
        grad_before = backward(grad @ w2.T, before)
        gradients = [x.T @ grad_before, grad_before.sum(axis=0), after.T @ grad, grad.sum(axis=0)]
        lengths.append(np.sqrt(sum((g**2).sum() for g in gradients)))
        for k, g in enumerate(gradients):
            means[k] = 0.9 * means[k] + 0.1 * g
            squares[k] = 0.999 * squares[k] + 0.001 * g**2
            typical = np.sqrt(squares[k] / (1 - 0.999**step)) + 1e-8
            weights[k] = weights[k] - rate * (1 - step / steps) * (means[k] / (1 - 0.9**step)) / typical
    w1, b1, w2, b2 = weights
    return losses, lengths, lambda at: function(at @ w1 + b1) @ w2 + b2


names = ("identity", "relu", "tanh")
trained = {name: train(name) for name in names}
for name, (losses, _, _) in trained.items():
    print(f"{name:8}  mean squared error {losses[0]:6.2f} before, {losses[-1]:.4f} after")

# %%
# The curves
# ----------
#
# Without an activation the network stays a straight line.
# ReLU draws strokes between kinks, one kink for each hidden unit.
# Tanh draws a smooth curve.

at = np.linspace(-3.5, 3.5, 701)[:, None]
figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharey=True)
for k, (axes, name) in enumerate(zip(panels, names, strict=True)):
    axes.plot(x, t, ".", color="0.5", markersize=5)
    axes.plot(at, trained[name][2](at), f"C{k}", linewidth=2)
    axes.set(title=name, xlabel="input", ylim=(-2.6, 2.6))
panels[0].set_ylabel("output")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", sharex=True)
for k, name in enumerate(names):
    losses, lengths, _ = trained[name]
    left.plot(losses, f"C{k}", linewidth=1.5, label=name)
    right.plot(lengths, f"C{k}", linewidth=0.8)
left.axhline(0.01, color="0.5", linestyle="--", linewidth=1)
left.annotate("variance of the noise", (1500, 0.01), (0, 5), textcoords="offset points", ha="right")
left.set(xlabel="step", ylabel="mean squared error", yscale="log")
right.set(xlabel="step", ylabel="length of the gradient", yscale="log", ylim=(1e-6, None))
left.legend()

# %%
# The noise has a variance of 0.01.
# An error near that is as good as it gets; much less would mean that the network has learned the noise.

assert trained["identity"][0][-1] > 0.2
assert 0.004 < trained["relu"][0][-1] < 0.03
assert 0.004 < trained["tanh"][0][-1] < 0.03
plt.show()
