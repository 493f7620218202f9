r"""
One of ten: a classifier with softmax and cross-entropy
=======================================================

Ten neurons, one for each digit, learn to read handwriting.
On this page they have no hidden layer, so you can look at their weights as pictures; a second network then gets one,
and you see how much it helps.

You should have met :doc:`softmax <24_softmax>` and :doc:`cross-entropy <25_cross_entropy>`.
"""

# sphinx_gallery_tags = ["beginner", "classification", "training", "images", "loss"]
# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import actfn

# %%
# The data
# --------
#
# 1,797 images of 8 x 8 pixels from scikit-learn; a fifth is held back.

images, labels = load_digits(return_X_y=True)
x_train, x_test, t_train, t_test = train_test_split(
    images.astype(np.float32) / 16, labels, test_size=0.2, stratify=labels, random_state=0
)

# %%
# Ten scores
# ----------
#
# .. math::
#
#    z = x W + b, \qquad p = \mathrm{softmax}(z), \qquad L = -\log p_t
#
# Each digit has its own 64 weights, a column of :math:`W`.
# Cross-entropy takes the scores, and its gradient is the probabilities minus 1 at the right digit.

weights, biases = np.zeros((64, 10), np.float32), np.zeros(10, np.float32)
losses, test_losses, norms = [], [], []
for _ in range(400):
    scores = x_train @ weights + biases
    losses.append(actfn.cross_entropy(scores, t_train))
    test_losses.append(actfn.cross_entropy(x_test @ weights + biases, t_test))
    grad_scores = actfn.cross_entropy_backward(1.0, scores, t_train)
    grad_weights, grad_biases = x_train.T @ grad_scores, grad_scores.sum(axis=0)
    norms.append(np.sqrt((grad_weights**2).sum() + (grad_biases**2).sum()))
    weights, biases = weights - np.float32(0.5) * grad_weights, biases - np.float32(0.5) * grad_biases

# %%
# At the start all probabilities are one tenth, so the loss is :math:`\log 10`:
#
# >>> print(f"{losses[0]:.4f}  {np.log(10):.4f}")
# 2.3026  2.3026

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.plot(losses, "C0", linewidth=2, label="training")
left.plot(test_losses, "C1--", linewidth=2, label="held back")
left.set(xlabel="step", ylabel="cross-entropy", yscale="log")
left.legend()
right.plot(norms, "C2", linewidth=2)
right.set(xlabel="step", ylabel="length of the gradient", yscale="log")

accuracy = np.mean((x_test @ weights + biases).argmax(axis=1) == t_test)
print(f"without a hidden layer: {accuracy:.1%} of the held-back digits are read correctly")
assert accuracy > 0.93

# %%
# What each neuron looks for
# --------------------------
#
# Red pixels speak for the digit, blue ones against it.
# The neuron for 0 wants a ring and an empty middle.

figure, grid = plt.subplots(2, 5, figsize=(9, 3.9), layout="constrained")
limit = np.abs(weights).max()
for digit, axes in enumerate(grid.flat):
    picture = axes.imshow(weights[:, digit].reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set(xticks=[], yticks=[], xlabel=f"{digit}")
figure.colorbar(picture, ax=grid, label="weight")

# %%
# One image
# ---------
#
# The ten probabilities of an image say more than the answer alone.
# Here is the held-back image whose answer is least certain.

probabilities = actfn.softmax(x_test @ weights + biases)
unsure = probabilities.max(axis=1).argmin()
print(f"it is a {t_test[unsure]}; the two likeliest answers are {np.sort(probabilities[unsure].argsort()[-2:])}")

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", width_ratios=[1, 2])
left.imshow(x_test[unsure].reshape(8, 8), cmap="gray")
left.set(xticks=[], yticks=[], xlabel=f"{t_test[unsure]}")
right.bar(range(10), probabilities[unsure], color="C0")
right.set(xticks=range(10), xlabel="digit", ylabel="probability")

assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)

# %%
# A hidden layer
# --------------
#
# Now 64 hidden units with a ReLU between pixels and scores.
# The only new line on the way back is ``relu_backward``.

rng = np.random.default_rng(0)
network = {
    "w1": rng.normal(0, np.sqrt(2 / 64), (64, 64)).astype(np.float32),
    "b1": np.zeros(64, np.float32),
    "w2": rng.normal(0, np.sqrt(1 / 64), (64, 10)).astype(np.float32),
    "b2": np.zeros(10, np.float32),
}


def forward(x):
    """The scores, and what the way back needs."""
    before = x @ network["w1"] + network["b1"]
    hidden = actfn.relu(before)
    return hidden @ network["w2"] + network["b2"], hidden, before


for _ in range(400):
    scores, hidden, before = forward(x_train)
    grad_scores = actfn.cross_entropy_backward(1.0, scores, t_train)
    grad_before = actfn.relu_backward(grad_scores @ network["w2"].T, before)
    gradients = {
        "w1": x_train.T @ grad_before,
        "b1": grad_before.sum(axis=0),
        "w2": hidden.T @ grad_scores,
        "b2": grad_scores.sum(axis=0),
    }
    for name, gradient in gradients.items():
        network[name] -= 0.5 * gradient

answers = forward(x_test)[0].argmax(axis=1)
deeper = np.mean(answers == t_test)
print(f"with a hidden layer:    {deeper:.1%}")
assert deeper > accuracy and deeper > 0.96

# %%
# Which digits are taken for which
# --------------------------------
#
# A row per digit, a column per answer; the diagonal is what was read correctly.

confusion = np.zeros((10, 10), int)
np.add.at(confusion, (t_test, answers), 1)
assert confusion.sum() == len(t_test) and confusion.trace() == np.sum(answers == t_test)

figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
picture = axes.imshow(confusion, cmap="viridis")
for digit, answer in np.ndindex(10, 10):
    if confusion[digit, answer] and digit != answer:
        axes.text(answer, digit, confusion[digit, answer], ha="center", va="center", color="C1", weight="bold")
figure.colorbar(picture, ax=axes, label="images")
axes.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="digit")

plt.show()

# %%
# Next: :doc:`40_vanishing_gradients`.
