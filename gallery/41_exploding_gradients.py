r"""
Exploding gradients, and why ReLU is no cure
============================================

The same product of many factors that makes gradients vanish can make them grow without limit.
On this page you turn up the weights of a deep network, measure the gradient in every layer, and see one training step
destroy a network.

You should have seen :doc:`how gradients vanish <40_vanishing_gradients>`.
"""

# sphinx_gallery_tags = ["intermediate", "depth", "training"]
# sphinx_gallery_thumbnail_panel = 1

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

# %%
# The other end of the same product
# ---------------------------------
#
# A layer multiplies the gradient by its weights and by the derivative of its activation.
# The derivative of ReLU is 1 or 0, so it does not shrink what passes.
# If the weights double the gradient, nothing halves it again:
#
# >>> 2.0**20
# 1048576.0

images, labels = load_digits(return_X_y=True)
x = ((images - images.mean()) / images.std())[:500]
labels = labels[:500]
LAYERS, WIDTH = 20, 64


def walk(name, gain, seed=0):
    """Loss, lengths of the gradient in each layer, the gradients, and the weights, with a variance of gain**2/64."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, gain / np.sqrt(WIDTH), (WIDTH, WIDTH)) for _ in range(LAYERS)]
    weights.append(rng.normal(0, 1 / np.sqrt(WIDTH), (WIDTH, 10)))
    loss, gradients = loss_and_gradients(weights, function, backward)
    return loss, np.array([np.linalg.norm(g) for g in gradients[:LAYERS]]), gradients, weights


def loss_and_gradients(weights, function, backward):
    """Forward and backward through all layers; the last has no activation."""
    signals, sums = [x], []
    for w in weights[:-1]:
        sums.append(signals[-1] @ w)
        signals.append(function(sums[-1]))
    scores = signals[-1] @ weights[-1]
    loss = actfn.cross_entropy(scores, labels)

    grad = actfn.cross_entropy_backward(1.0, scores, labels)
    gradients = [signals[-1].T @ grad]
    for k in reversed(range(LAYERS)):
        grad = backward(grad @ weights[k + 1].T, sums[k])
        gradients.append(signals[k].T @ grad)
    return loss, gradients[::-1]


# %%
# Three sizes of weights
# ----------------------
#
# With a gain of :math:`\sqrt 2` a ReLU network keeps the strength of its signal.
# Twice as much doubles the signal in each layer on the way forward, and the gradient on the way back.

gains = {"√2": np.sqrt(2), "2√2": 2 * np.sqrt(2), "4√2": 4 * np.sqrt(2)}
relu = {text: walk("relu", gain) for text, gain in gains.items()}
tanh = {text: walk("tanh", gain) for text, gain in {"1": 1, "2": 2, "4": 4}.items()}

print("ReLU   gain   loss        length of the gradient in the first layer")
for text, (loss, norms, *_) in relu.items():
    print(f"       {text:4}   {loss:8.1e}    {norms[0]:8.1e}")
print("tanh   gain   loss        length of the gradient in the first layer")
for text, (loss, norms, *_) in tanh.items():
    print(f"       {text:4}   {loss:8.1e}    {norms[0]:8.1e}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for axes, name, results in ((left, "ReLU", relu), (right, "tanh", tanh)):
    for k, (text, (_, norms, *_)) in enumerate(results.items()):
        axes.plot(range(1, LAYERS + 1), norms, f"C{k}o-", markersize=4, label=f"gain {text}")
    axes.set(
        title=name, xlabel="layer, counted from the input", yscale="log", xticks=[1, 5, 10, 15, 20], ylim=(1e-2, 1e16)
    )
    axes.legend(ncols=3)
left.set_ylabel("length of the gradient")

# %%
# For ReLU every layer has the same large gradient.
# The layers near the input get it from the way back; those near the output get it from a signal that has grown on the
# way forward.
# Tanh cannot grow forward, since its outputs end at 1.
# Its gradient explodes on the way back all the same, from the output to the input.

assert 0.1 < relu["√2"][1][0] < 10
assert relu["2√2"][1][0] > 1e5 * relu["√2"][1][0]
assert relu["4√2"][1][0] > 1e10 * relu["√2"][1][0]
assert tanh["4"][1][0] > 100 * tanh["4"][1][-1]

# %%
# In float32 it ends
# ------------------
#
# float32 ends near :math:`3.4 \cdot 10^{38}`.
# A signal that doubles reaches that after some 128 layers; one that grows eightfold needs a third of that.

growth = {}
for factor in (2, 8):
    signal, layers = np.float32(1), 0
    while np.isfinite(signal):
        with np.errstate(over="ignore"):
            signal = np.float32(signal * np.float32(factor))
        layers += 1
    growth[factor] = layers

# %%
# >>> growth
# {2: 128, 8: 43}

# %%
# One step of training
# --------------------
#
# A step of gradient descent assumes that the loss is nearly a straight line for as far as the step goes.
# With a gradient of that size it goes much too far.
# Here is one step at a rate that suits the healthy network.

RATE = 0.05
after = {}
for text in ("√2", "2√2"):
    loss, _, gradients, weights = relu[text]
    moved = [w - RATE * g for w, g in zip(weights, gradients, strict=True)]
    after[text] = loss_and_gradients(moved, actfn.relu, actfn.relu_backward)[0]
    print(f"gain {text:4}  loss before {loss:9.2e}   after one step {after[text]:9.2e}")
assert after["√2"] < relu["√2"][0]
assert after["2√2"] > 1e6 * relu["2√2"][0]

# %%
# Clipping
# --------
#
# Against a huge gradient it still goes downhill; only its length is useless.
# Clipping keeps the direction and cuts the length to a limit :math:`c`, for all layers together:
#
# .. math::
#
#    g \leftarrow g \cdot \min\Bigl(1, \frac{c}{\lVert g \rVert}\Bigr)

loss, _, gradients, weights = relu["2√2"]
losses = [loss]
for _ in range(60):
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    weights = [w - RATE * g * min(1, 1 / length) for w, g in zip(weights, gradients, strict=True)]
    loss, gradients = loss_and_gradients(weights, actfn.relu, actfn.relu_backward)
    losses.append(loss)

figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
axes.plot(losses, "C0", linewidth=2)
axes.set(xlabel="step", ylabel="loss with clipping", yscale="log")

# %%
# With clipping the loss goes down instead of up.
# It is still far from good: clipping keeps a network from being destroyed, it does not make the weights right.
# That is what initialisation and normalisation are for.

assert losses[-1] < losses[0] / 10
plt.show()

# %%
# Next: :doc:`42_remedies`.
