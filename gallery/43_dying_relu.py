r"""
Dying ReLUs, counted while a network trains
===========================================

A ReLU whose sum is negative for every example passes no gradient, and never changes again.
On this page a learning rate that is too high kills units, one step after the other, and you count them; then leaky
ReLU, ELU and swish take the same treatment.

You should have :doc:`trained a small network <31_multiclass_classification>` before.
"""

# sphinx_gallery_tags = ["intermediate", "training", "functions"]
# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_thumbnail_panel = 1

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

# %%
# What dead means
# ---------------
#
# A unit learns from an example only if the derivative of its activation is not 0 there:
#
# .. math::
#
#    \frac{\partial L}{\partial w} = \sum_n g_n\, h'(a_n)\, x_n
#
# If :math:`h'(a) = 0` for all examples, the sum is 0, whatever the gradient :math:`g` from above.
# The unit's weights then stay as they are, and so it stays dead.
#
# ReLU is exactly flat on the left.
# The others are not, although swish and ELU become very flat far out:
#
# >>> a = np.array([-1.0, -5.0, -20.0])
# >>> actfn.relu_backward(1.0, a)
# array([0., 0., 0.])
# >>> actfn.leaky_relu_backward(1.0, a)
# array([0.01, 0.01, 0.01])
# >>> print(actfn.elu_backward(1.0, a))
# [3.67879441e-01 6.73794700e-03 2.06115362e-09]
# >>> print(actfn.silu_backward(1.0, a))
# [ 7.23294881e-02 -2.65474324e-02 -3.91619187e-08]

# %%
# The experiment
# --------------
#
# Handwritten digits, one hidden layer of 200 units, plain gradient descent.
# After each epoch all 1,797 images go through the network.
# A unit counts as dead if its derivative is below a thousandth for every one of them: it learns a thousand times more
# slowly than an active one, or not at all.

images, labels = load_digits(return_X_y=True)
x = ((images - images.mean()) / images.std()).astype(np.float32)
HIDDEN, EPOCHS, BATCHES = 200, 12, 28


def train(name, rate):
    """Dead units, loss and length of the gradient, before training and after each epoch; the accuracy at the end."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    rng = np.random.default_rng(0)
    w1 = rng.normal(0, np.sqrt(2 / 64), (64, HIDDEN)).astype(np.float32)
    w2 = rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, 10)).astype(np.float32)
    b1, b2 = np.zeros(HIDDEN, np.float32), np.zeros(10, np.float32)
    rate = np.float32(rate)
    dead, losses, lengths = [], [], []
    for epoch in range(EPOCHS + 1):
        a = x @ w1 + b1
        slopes = np.abs(backward(np.float32(1), a))
        dead.append(np.mean(slopes.max(axis=0) < 1e-3))
        scores = function(a) @ w2 + b2
        losses.append(actfn.cross_entropy(scores, labels))
        whole = backward(actfn.cross_entropy_backward(1.0, scores, labels) @ w2.T, a)
        lengths.append(np.linalg.norm(x.T @ whole))
        # After the last epoch there is nothing left to learn from.
        batches = np.array_split(rng.permutation(len(x)), BATCHES) if epoch < EPOCHS else []
        for batch in batches:
            a = x[batch] @ w1 + b1
            hidden = function(a)
            grad_scores = actfn.cross_entropy_backward(1.0, hidden @ w2 + b2, labels[batch])
            grad_a = backward(grad_scores @ w2.T, a)
            w1, b1 = w1 - rate * (x[batch].T @ grad_a), b1 - rate * grad_a.sum(axis=0)
            w2, b2 = w2 - rate * (hidden.T @ grad_scores), b2 - rate * grad_scores.sum(axis=0)
    return np.array(dead), losses, lengths, np.mean(scores.argmax(axis=1) == labels)


# %%
# ReLU at three rates
# -------------------
#
# At a moderate rate no unit dies.
# At a high one, a few large steps throw units so far to the left that no image reaches them any more, most of them in
# the first epoch.
# A few dead units do no harm: the rate in the middle kills some, and reaches the smallest loss all the same.

rates = (0.1, 1.0, 2.0)
relu = {rate: train("relu", rate) for rate in rates}
for rate, (dead, *_, accuracy) in relu.items():
    print(f"rate {rate:3}   dead at the end {dead[-1]:6.1%}   accuracy {accuracy:.1%}")


def draw(runs):
    """Dead units, loss, and length of the gradient of the hidden weights, side by side."""
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    for k, (name, (dead, losses, lengths, _)) in enumerate(runs.items()):
        left.plot(100 * dead, f"C{k}o-", markersize=4, label=name)
        middle.plot(losses, f"C{k}o-", markersize=4)
        right.plot(lengths, f"C{k}o-", markersize=4)
    left.set(xlabel="epoch", ylabel="dead units in %")
    middle.set(xlabel="epoch", ylabel="loss", yscale="log")
    right.set(xlabel="epoch", ylabel="length of the gradient", yscale="log")
    left.legend(loc="center right")


draw({f"rate {rate:g}": run for rate, run in relu.items()})

# %%
# The others, at the highest rate
# -------------------------------
#
# The same start, the same images in the same order.

others = {"relu": relu[rates[-1]]}
for name in ("leaky_relu", "elu", "silu"):
    others[name] = train(name, rates[-1])
for name, (dead, *_, accuracy) in others.items():
    print(f"{name:10}   dead at the end {dead[-1]:6.1%}   accuracy {accuracy:.1%}")

draw(others)

# %%
# - **Leaky ReLU** never has a dead unit.
#   Its slope on the left is small, but it is not 0.
# - **Swish** loses some units, which have gone so far to the left that its slope is nearly 0.
# - **ELU** loses nearly as many as ReLU.
#   Its slope is :math:`e^x`, and at -7 that is below a thousandth.
#   It is alive near 0, not far out.
#
# The loss says that no activation makes up for a rate that is too high.
# With the smallest of the three rates all four do well:

gentle = {name: train(name, rates[0]) for name in others}
for name, (dead, *_, accuracy) in gentle.items():
    print(f"{name:10}   dead at the end {dead[-1]:6.1%}   accuracy {accuracy:.1%}")

assert relu[0.1][0][-1] == 0 and relu[0.1][-1] > 0.97
assert relu[2.0][0][-1] > 0.5 and relu[2.0][1][-1] > relu[0.1][1][-1]
assert others["leaky_relu"][0].max() == 0
assert others["silu"][0][-1] < others["relu"][0][-1]
assert others["elu"][0][-1] > 0.3
assert all(dead[-1] < 0.05 and accuracy > 0.95 for dead, *_, accuracy in gentle.values())

plt.show()

# %%
# Next: :doc:`44_choosing_an_activation`.
