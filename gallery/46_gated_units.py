r"""
Gated units: one half decides what the other half may say
=========================================================

The feed-forward blocks of large language models have no plain activation any more: they multiply.
On this page you meet the five gates of actfn, check their gradients, and let a gated and a plain network learn
something that is itself a product.

You should have :doc:`trained a small network <31_multiclass_classification>` before.
"""

# sphinx_gallery_tags = ["advanced", "functions", "training", "loss", "attention"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# Gate times value
# ----------------
#
# A layer has two weight matrices instead of one.
# What the first makes is the gate, what the second makes is the value:
#
# .. math::
#
#    y = h(x W)\; (x V)
#
# The activation :math:`h` of the gate gives the unit its name.
#
# >>> gate, value = np.array([-2.0, 0.0, 2.0]), np.array([3.0, 3.0, 3.0])
# >>> for unit in (actfn.bilinear, actfn.reglu, actfn.geglu, actfn.swiglu):
# ...     print(f"{unit.__name__:8} {unit(gate, value).round(4)}")
# bilinear [-6.  0.  6.]
# reglu    [0. 0. 6.]
# geglu    [-0.1365  0.      5.8635]
# swiglu   [-0.7152  0.      5.2848]
#
# GLU, the oldest, takes one array and cuts it in halves: the first is the value, the second the gate, and
# :math:`h` is the sigmoid.
#
# >>> actfn.glu(np.concatenate([value, gate])).round(4)
# array([0.3576, 1.5   , 2.6424])
#
# Other libraries order the two halves in other ways, so a model that somebody else trained needs a look at its code.

x = np.linspace(-4, 4, 401)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for k, unit in enumerate((actfn.bilinear, actfn.reglu, actfn.geglu, actfn.swiglu)):
    backward = getattr(actfn, f"{unit.__name__}_backward")
    style = {"linestyle": ("-", "--", "-.", ":")[k], "linewidth": 2}
    left.plot(x, unit(x, np.ones_like(x)), f"C{k}", label=unit.__name__, **style)
    right.plot(x, backward(1.0, x, np.ones_like(x))[0], f"C{k}", **style)
halves = np.stack([np.ones_like(x), x], axis=-1)
left.plot(x, actfn.glu(halves)[:, 0], "C4", label="glu")
right.plot(x, actfn.glu_backward(np.ones((len(x), 1)), halves)[:, 1], "C4")
left.set(xlabel="gate", ylabel="output", title="The output, for a value of 1")
right.set(xlabel="gate", ylabel="derivative by the gate", title="Its derivative")
left.legend()

# %%
# Two gradients
# -------------
#
# Each backward function returns the gradient of the gate and that of the value.
# Move each a little to see that they are right:

little = 1e-6
for unit in (actfn.bilinear, actfn.reglu, actfn.geglu, actfn.swiglu):
    grad_gate, grad_value = getattr(actfn, f"{unit.__name__}_backward")(1.0, 0.7, -1.3)
    by_gate = (unit(0.7 + little, -1.3) - unit(0.7 - little, -1.3)) / (2 * little)
    by_value = (unit(0.7, -1.3 + little) - unit(0.7, -1.3 - little)) / (2 * little)
    print(f"{unit.__name__:8}  by the gate {grad_gate:7.4f}   by the value {grad_value:7.4f}")
    assert np.allclose([grad_gate, grad_value], [by_gate, by_value], atol=1e-8)

# %%
# Something that is a product
# ---------------------------
#
# Multiplying two inputs is easy for a gate and hard for a sum of ReLUs.
# Both networks have one hidden layer and nearly the same number of weights: 24 gated units with two matrices, or 42
# plain ones with one.
# They learn :math:`x_1 x_2` from 500 points.

rng = np.random.default_rng(0)
points = rng.uniform(-2, 2, (500, 2))
held_back = rng.uniform(-2, 2, (500, 2))
inputs, test_inputs = (np.column_stack([p, np.ones(500)]) for p in (points, held_back))
product, test_product = points.prod(axis=1), held_back.prod(axis=1)


def train(gated, units, steps=600, rate=0.02):
    """The losses, the lengths of the gradient, and the error on points that were held back."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(0, 0.6, (3, units)) for _ in range(2 if gated else 1)] + [rng.normal(0, 0.3, units)]
    means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]

    def forward(x):
        sums = [x @ w for w in weights[:-1]]
        return (actfn.swiglu if gated else actfn.relu)(*sums), sums

    losses, lengths = [], []
    for step in range(1, steps + 1):
        hidden, sums = forward(inputs)
        error = hidden @ weights[-1] - product
        losses.append(np.mean(error**2))
        grad = 2 * error / len(error)
        grad_hidden = np.outer(grad, weights[-1])
        grad_sums = (actfn.swiglu_backward if gated else actfn.relu_backward)(grad_hidden, *sums)
        gradients = [inputs.T @ g for g in (grad_sums if gated else [grad_sums])] + [hidden.T @ grad]
        lengths.append(np.sqrt(sum((g**2).sum() for g in gradients)))
        for k, g in enumerate(gradients):
            means[k] = 0.9 * means[k] + 0.1 * g
            squares[k] = 0.999 * squares[k] + 0.001 * g**2
            typical = np.sqrt(squares[k] / (1 - 0.999**step)) + 1e-8
            weights[k] = weights[k] - rate * (means[k] / (1 - 0.9**step)) / typical
    test_error = np.mean((forward(test_inputs)[0] @ weights[-1] - test_product) ** 2)
    return losses, lengths, test_error, sum(w.size for w in weights)


runs = {"SwiGLU": train(gated=True, units=24), "ReLU": train(gated=False, units=42)}
for name, (losses, _, test_error, size) in runs.items():
    print(f"{name:6}  {size} weights   error {losses[-1]:.5f}, on points that were held back {test_error:.5f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharex=True)
for k, (name, (losses, lengths, *_)) in enumerate(runs.items()):
    left.plot(losses, f"C{k}", linestyle=("-", "--")[k], linewidth=2, label=name)
    right.plot(lengths, f"C{k}", linestyle=("-", "--")[k], linewidth=1.2)
left.set(xlabel="step", ylabel="mean squared error", yscale="log", title="Learning a product")
right.set(xlabel="step", ylabel="length of the gradient", yscale="log")
left.legend()

# %%
# The gated network ends far below the plain one.
# That is a task made for gates; on others they help less, and they always cost a second matrix.

assert abs(runs["SwiGLU"][3] - runs["ReLU"][3]) < 10
assert runs["SwiGLU"][2] < runs["ReLU"][2] / 5
plt.show()
