r"""
Layers: objects that remember what the way back needs
=====================================================

``actfn.layers`` has an object for each activation, under the class name that PyTorch uses.
On this page you write the one layer that actfn leaves to you, the matrix product, put a network together, and train it
to tell three kinds of wine apart.

You should have written :doc:`forward and backward by hand <13_xor_hidden_layer>` once.
"""

# sphinx_gallery_tags = ["beginner", "classification", "training", "layers", "loss"]

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import actfn
from actfn.layers import PReLU, Sequential, Softmax

# %%
# Call it, then ask for the gradient
# ----------------------------------
#
# A layer is called like a function.
# It remembers its input, so the way back needs only the gradient from above.
# Settings go into the constructor, with PyTorch's names and defaults.
#
# >>> layer = actfn.layers.LeakyReLU(negative_slope=0.5)
# >>> layer
# LeakyReLU(negative_slope=0.5)
# >>> layer(np.array([-2.0, 3.0]))
# array([-1.,  3.])
# >>> layer.backward(np.array([1.0, 1.0]))
# array([0.5, 1. ])

# %%
# A linear layer
# --------------
#
# actfn computes what is not linear; the matrix product is NumPy's.
# An object with ``forward`` and ``backward`` is all that a network asks for.


class Linear:
    """A matrix and a bias."""

    def __init__(self, inputs, outputs, rng):
        self.weight = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
        self.bias = np.zeros(outputs)
        self.grad = {}

    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, grad):
        self.grad = {"weight": self.x.T @ grad, "bias": grad.sum(axis=0)}
        return grad @ self.weight.T

    def __repr__(self):
        return f"Linear({self.weight.shape[0]}, {self.weight.shape[1]})"


rng = np.random.default_rng(0)
network = Sequential(Linear(13, 16, rng), PReLU(16), Linear(16, 3, rng))
print(network)

# %%
# PReLU has 16 slopes here, one for each hidden unit, and learns them.
#
# The data
# --------
#
# 178 wines from three growers, with 13 chemical measurements each.
# A third of them is held back.

measurements, growers = load_wine(return_X_y=True)
x_train, x_test, t_train, t_test = train_test_split(
    measurements, growers, test_size=1 / 3, stratify=growers, random_state=0
)
mean, scale = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = (x_train - mean) / scale, (x_test - mean) / scale

# %%
# Training
# --------
#
# One call forward, one call backward, then each layer moves what it has learned a gradient for.
# A layer of actfn adds its gradients up until they are cleared, so that several batches can share a step.

losses, lengths, slopes = [], [], []
for _ in range(200):
    scores = network(x_train)
    losses.append(actfn.cross_entropy(scores, t_train))
    network.backward(actfn.cross_entropy_backward(1.0, scores, t_train))
    lengths.append(np.sqrt(sum(np.sum(g**2) for layer in network for g in layer.grad.values())))
    for layer in network:
        for name, gradient in layer.grad.items():
            setattr(layer, name, getattr(layer, name) - 0.1 * gradient)
        layer.grad.clear()
    slopes.append(network[1].weight)

accuracy = np.mean(network(x_test).argmax(axis=1) == t_test)
print(f"{accuracy:.1%} of {len(t_test)} held-back wines are given to the right grower")
assert accuracy > 0.9 and losses[-1] < 0.1

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.plot(losses, "C0", linewidth=2, label="cross-entropy")
left.plot(lengths, "C2--", linewidth=2, label="length of the gradient")
left.set(xlabel="step", yscale="log")
left.legend()
right.plot(slopes, "C1", linewidth=1, alpha=0.7)
right.set(xlabel="step", ylabel="slopes of PReLU below zero")

# %%
# All slopes start at 0.25, as in PyTorch, and each unit finds its own.
#
# Probabilities
# -------------
#
# Cross-entropy took the scores.
# For an answer in probabilities, softmax comes last; it is a layer as well.

probabilities = Softmax(axis=-1)(network(x_test))
assert np.allclose(probabilities.sum(axis=1), 1)
print("the first three wines:")
print(probabilities[:3].round(3))
assert np.ptp(slopes[0]) < 0.1 < np.ptp(slopes[-1])

plt.show()
