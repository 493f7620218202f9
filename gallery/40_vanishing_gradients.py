r"""
Vanishing gradients, measured layer by layer
============================================

In a deep network with sigmoids the first layers hardly learn, because hardly any gradient reaches them.
On this page you measure how much arrives at each of 20 layers, with sigmoid, tanh and ReLU.

You should know :doc:`how a gradient walks back through a network <13_xor_hidden_layer>`.
"""

# sphinx_gallery_tags = ["intermediate", "depth", "training"]

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

# %%
# A factor per layer
# ------------------
#
# On the way back each layer multiplies the gradient by its weights and by the derivative of its activation:
#
# .. math::
#
#    g_{k-1} = \bigl(g_k \odot h'(a_k)\bigr)\, W_k^\mathsf{T}
#
# The derivative of the sigmoid is at most 0.25.
# So if the weights neither stretch nor shrink, after 20 layers no more is left than
#
# >>> print(f"{0.25**20:.1e}")
# 9.1e-13
#
# That is the best case, with every sum at 0.
# Further out the derivative is smaller still:
#
# >>> actfn.sigmoid_backward(1.0, np.array([0.0, 2.0, 5.0])).round(4)
# array([0.25  , 0.105 , 0.0066])

# %%
# A deep network
# --------------
#
# 20 hidden layers with 64 units, and ten scores for the ten digits.
# The weights are random, with a variance of :math:`g^2 / 64`.
# For tanh and the sigmoid the gain :math:`g` is 1, which keeps the strength of a signal that passes a linear layer.
# ReLU throws half of the signal away, so its :math:`g` is :math:`\sqrt 2`.

images, labels = load_digits(return_X_y=True)
x = ((images - images.mean()) / images.std())[:500]
labels = labels[:500]
LAYERS, WIDTH = 20, 64


def gradient_norms(name, gain, bias=0.0):
    """Length of the gradient of the loss with respect to the weights of each layer, first layer first."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, gain / np.sqrt(WIDTH), (WIDTH, WIDTH)) for _ in range(LAYERS)]
    last = rng.normal(0, 1 / np.sqrt(WIDTH), (WIDTH, 10))

    signals, sums = [x], []
    for w in weights:
        sums.append(signals[-1] @ w + bias)
        signals.append(function(sums[-1]))

    grad = actfn.cross_entropy_backward(1.0, signals[-1] @ last, labels) @ last.T
    norms = []
    for k in reversed(range(LAYERS)):
        grad = backward(grad, sums[k])
        norms.append(np.linalg.norm(signals[k].T @ grad))
        grad = grad @ weights[k].T
    return np.array(norms[::-1])


measured = {
    "sigmoid": gradient_norms("sigmoid", 1),
    "tanh": gradient_norms("tanh", 1),
    "tanh, bias 1": gradient_norms("tanh", 1, bias=1.0),
    "ReLU": gradient_norms("relu", np.sqrt(2)),
}
for name, norms in measured.items():
    per_layer = (norms[0] / norms[-1]) ** (1 / (LAYERS - 1))
    print(f"{name:12}  first layer {norms[0]:.1e}   last layer {norms[-1]:.1e}   factor per layer {per_layer:.2f}")

# %%
# The picture
# -----------
#
# The sigmoid loses three quarters and more with each layer, as the calculation said.
# Tanh loses hardly anything as long as its sums stay near 0, where its derivative is 1.
# A bias of 1 in every unit moves them away from there, and then tanh loses as well.
# ReLU does not care: its derivative is exactly 1 for every unit that is active, however far out.

figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
for k, (name, norms) in enumerate(measured.items()):
    axes.plot(range(1, LAYERS + 1), norms, f"C{k}o-", markersize=4, label=name)
bound = measured["sigmoid"][-1] * 0.25 ** np.arange(LAYERS - 1, -1, -1)
axes.plot(range(1, LAYERS + 1), bound, color="0.5", linestyle="--", label="a quarter per layer")
axes.set(xlabel="layer, counted from the input", ylabel="length of the gradient", yscale="log")
axes.set_xticks([1, 5, 10, 15, 20])
axes.legend()

lost = {name: norms[0] / norms[-1] for name, norms in measured.items()}
assert lost["sigmoid"] < 1e-9
assert 0.1 < lost["tanh"] < 10
assert lost["tanh, bias 1"] < 1e-4
assert 0.1 < lost["ReLU"] < 10

# %%
# What that does to training
# --------------------------
#
# Take one step of gradient descent with a rate of 0.1, and ask by which share the weights of the first layer change.
# A float32 has about 7 digits, so a share below 6e-8 is no change at all.

size = np.linalg.norm(np.random.default_rng(0).normal(0, 1 / np.sqrt(WIDTH), (WIDTH, WIDTH)))
shares = {name: 0.1 * norms[0] / size for name, norms in measured.items()}
for name, share in shares.items():
    print(f"{name:12}  {share:.0e}")
assert shares["sigmoid"] < 6e-8 < shares["tanh"]

plt.show()

# %%
# Next: :doc:`41_exploding_gradients`.
