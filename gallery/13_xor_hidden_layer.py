r"""
XOR learned by a hidden layer
=============================

No single neuron can compute XOR.
On this page a network with two hidden neurons learns it by gradient descent, and you see what the hidden layer does:
it moves the four points until a straight line can separate them.

You should know the chain rule, and have seen :doc:`where a single neuron fails <12_perceptron>`.
"""

# sphinx_gallery_tags = ["beginner", "training", "loss"]
# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_thumbnail_panel = 1

import matplotlib.pyplot as plt
import numpy as np

import actfn

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
target = np.array([[0.0], [1.0], [1.0], [0.0]])

# %%
# Forward
# -------
#
# Two inputs, two hidden units with tanh, one output:
#
# .. math::
#
#    h = \tanh(x W_1 + b_1), \qquad z = h W_2 + b_2, \qquad p = \sigma(z)
#
# :math:`z` is a score, any number; the sigmoid makes a probability :math:`p` of it.
# The loss, which is the number that training makes small, compares that probability with the truth :math:`t`:
#
# .. math::
#
#    L = -t \log p - (1 - t) \log(1 - p)
#
# ``actfn.binary_cross_entropy`` takes the score and puts the sigmoid and the logarithm together, so that neither
# can overflow: no number on the way becomes too large for its type.

rng = np.random.default_rng(0)
network = {
    "w1": rng.normal(0, 1, (2, 2)),
    "b1": np.zeros(2),
    "w2": rng.normal(0, 1, (2, 1)),
    "b2": np.zeros(1),
}


def forward(x):
    """The scores, and what the way back needs."""
    before = x @ network["w1"] + network["b1"]
    hidden = actfn.tanh(before)
    return hidden @ network["w2"] + network["b2"], hidden, before


# %%
# Backward
# --------
#
# The gradient, which is the derivatives of the loss with respect to all weights, starts at the loss and walks back, one
# factor of the chain rule at a time.
# At each activation, its backward function takes the gradient that arrives and the input that the forward had.


def gradients():
    """The loss, and its derivative with respect to every weight and bias."""
    scores, hidden, before = forward(x)
    loss = actfn.binary_cross_entropy(scores, target)

    grad_scores = actfn.binary_cross_entropy_backward(1.0, scores, target)
    grad_hidden = grad_scores @ network["w2"].T
    grad_before = actfn.tanh_backward(grad_hidden, before)
    return loss, {
        "w1": x.T @ grad_before,
        "b1": grad_before.sum(axis=0),
        "w2": hidden.T @ grad_scores,
        "b2": grad_scores.sum(axis=0),
    }


# %%
# A gradient that is wrong still looks like a gradient.
# So move each weight a little, both ways, and compare the slope of the loss with what ``gradients`` says.

loss, gradient = gradients()
for name, weight in network.items():
    for place in np.ndindex(weight.shape):
        kept = weight[place]
        losses = []
        for moved in (kept + 1e-6, kept - 1e-6):
            weight[place] = moved
            losses.append(gradients()[0])
        weight[place] = kept
        assert abs((losses[0] - losses[1]) / 2e-6 - gradient[name][place]) < 1e-8, name
print("all nine derivatives are right")

# %%
# Training
# --------
#
# Gradient descent is one line: every weight takes a step against its gradient.
# How long the step is for a gradient of 1 is the learning rate, ``RATE``.
# The first loss is near :math:`\log 2`, which is what a network has that always answers one half, a score of 0:
#
# >>> print(f"{actfn.binary_cross_entropy(np.zeros((4, 1)), target):.4f}")
# 0.6931

STEPS, RATE = 1500, 0.5

losses, norms = [], []
for _ in range(STEPS):
    loss, gradient = gradients()
    losses.append(loss)
    norms.append(np.sqrt(sum((g**2).sum() for g in gradient.values())))
    for name, g in gradient.items():
        network[name] -= RATE * g

probabilities = actfn.sigmoid(forward(x)[0])[:, 0]
for inputs, probability in zip(x, probabilities, strict=True):
    print(f"{inputs[0]:g} xor {inputs[1]:g}: probability of 1 is {probability:.3f}")
assert np.array_equal(probabilities > 0.5, target[:, 0] == 1)
assert losses[-1] < 0.02 < 0.5 < losses[0]

# %%
# The loss falls slowly at first, then quickly, then slowly again.
# The length of the gradient shows why: it is what moves the weights.

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 5), layout="constrained", sharex=True)
top.plot(losses, "C0", linewidth=2)
top.axhline(np.log(2), color="0.5", linestyle="--", linewidth=1)
top.annotate("log 2: always one half", (STEPS, np.log(2)), (0, -6), textcoords="offset points", ha="right", va="top")
top.set_ylabel("loss")
bottom.plot(norms, "C1", linewidth=2)
bottom.set(xlabel="step", ylabel="length of the gradient", yscale="log")

# %%
# What it learned
# ---------------
#
# Left: the probability over the whole plane, with the line where it is one half.
# It takes two bends to separate the diagonals, one from each hidden unit.
# Right: the same four points as the output neuron sees them, after the hidden layer.
# There a straight line is enough.

side = np.linspace(-0.5, 1.5, 201)
plane = np.stack(np.meshgrid(side, side), axis=-1)
surface = actfn.sigmoid(forward(plane.reshape(-1, 2))[0]).reshape(len(side), len(side))
hidden_points = forward(x)[1]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
picture = left.contourf(side, side, surface, levels=np.linspace(0, 1, 11), cmap="coolwarm", alpha=0.6)
left.contour(side, side, surface, levels=[0.5], colors="0.5", linewidths=2)
figure.colorbar(picture, ax=left, label="probability of 1")
left.set(xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1], aspect="equal")
for value, marker, color in ((0, "o", "C0"), (1, "s", "C3")):
    chosen = target[:, 0] == value
    left.plot(*x[chosen].T, marker, color=color, markersize=12)
    right.plot(*hidden_points[chosen].T, marker, color=color, markersize=12, label=f"should be {value}")

first = np.linspace(-1.2, 1.2, 2)
(v1, v2), bias = network["w2"][:, 0], network["b2"][0]
right.plot(first, -(bias + v1 * first) / v2, color="0.5", linewidth=2, label="output neuron says one half")
right.set(xlabel="first hidden unit", ylabel="second hidden unit", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal")
right.legend(loc="best")

plt.show()

# %%
# Next: :doc:`21_sigmoid_tanh_relu`.
