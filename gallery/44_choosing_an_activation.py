r"""
Choosing an activation: what it changes, and what it does not
=============================================================

Nine activations in the same network, on the same data, with ten random starts each.
On this page you see how much of the difference is the activation and how much is luck, and what follows for a choice.

You should have :doc:`trained a small network <31_multiclass_classification>` before.
"""

# sphinx_gallery_tags = ["intermediate", "training", "classification", "functions"]
# sphinx_gallery_thumbnail_panel = 1

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import actfn

# %%
# The contest
# -----------
#
# Handwritten digits; three hidden layers of 32 units; Adam with the same rate for all.
# One training run says little: with other random numbers the result is another.
# So ten networks are trained at the same time, each with a start of its own.
# They are stacked along a first axis, and NumPy's ``@`` multiplies the matrices of all ten at once.
#
# What each activation makes of the same five sums:
#
# >>> sums = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
# >>> for name in ("tanh", "relu", "elu", "gelu"):
# ...     print(f"{name:4}", actfn.get(name)(sums).round(3))
# tanh [-0.995 -0.762  0.     0.762  0.995]
# relu [0. 0. 0. 1. 3.]
# elu  [-0.95  -0.632  0.     1.     3.   ]
# gelu [-0.004 -0.159  0.     0.841  2.996]

NAMES = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "silu", "gelu", "mish")
NETWORKS, WIDTH, STEPS, BATCH, RATE = 10, 32, 300, 64, 3e-3

images, labels = load_digits(return_X_y=True)
x_train, x_test, t_train, t_test = train_test_split(
    ((images - images.mean()) / images.std()).astype(np.float32),
    labels,
    test_size=0.3,
    stratify=labels,
    random_state=0,
)


def train(name):
    """Losses and lengths of the gradient of every step, and final accuracies on the held-back part, of ten networks."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    rng = np.random.default_rng(0)
    sizes = [64, WIDTH, WIDTH, WIDTH, 10]
    gain = 2 if name in ("relu", "leaky_relu", "elu", "silu", "gelu", "mish") else 1
    weights = [rng.normal(0, np.sqrt(gain / n), (NETWORKS, n, m)).astype(np.float32) for n, m in pairwise(sizes)]
    means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    losses, lengths = np.empty((STEPS, NETWORKS)), np.zeros((STEPS, NETWORKS))
    for step in range(1, STEPS + 1):
        batch = rng.choice(len(x_train), BATCH, replace=False)
        signals, sums = [x_train[batch]], []
        for w in weights[:-1]:
            sums.append(signals[-1] @ w)
            signals.append(function(sums[-1]))
        scores = signals[-1] @ weights[-1]
        targets = np.tile(t_train[batch], (NETWORKS, 1))
        losses[step - 1] = actfn.cross_entropy(scores, targets, reduction="none").mean(axis=1)

        # The mean over all examples of all networks is times their number the mean of each.
        grad = actfn.cross_entropy_backward(float(NETWORKS), scores, targets)
        for k in reversed(range(len(weights))):
            gradient = np.swapaxes(signals[k], -1, -2) @ grad
            if k:
                grad = backward(grad @ np.swapaxes(weights[k], -1, -2), sums[k - 1])
            lengths[step - 1] += np.sum(gradient**2, axis=(1, 2))
            means[k] += 0.1 * (gradient - means[k])
            squares[k] += 0.001 * (gradient**2 - squares[k])
            typical = np.sqrt(squares[k] / (1 - 0.999**step)) + 1e-8
            weights[k] -= RATE * (means[k] / (1 - 0.9**step)) / typical

    signal = x_test
    for w in weights[:-1]:
        signal = function(signal @ w)
    return losses, np.sqrt(lengths), np.mean((signal @ weights[-1]).argmax(axis=-1) == t_test, axis=-1)


results = {name: train(name) for name in NAMES}

# %%
# The result
# ----------
#
# Mean and standard deviation over the ten networks.
# "Steps" is how long it takes until the loss, averaged over the networks, first falls below 0.5.

print(f"{'':10}  accuracy          steps to a loss of 0.5")
for name, (losses, _, accuracies) in results.items():
    steps = int(np.argmax(losses.mean(axis=1) < 0.5))
    print(f"{name:10}  {accuracies.mean():.1%} ± {accuracies.std(ddof=1):.1%}   {steps:6}")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
for k, (name, (losses, lengths, accuracies)) in enumerate(results.items()):
    left.errorbar(100 * accuracies.mean(), k, xerr=100 * accuracies.std(ddof=1), fmt=f"C{k}o", capsize=4)
    left.plot(100 * accuracies, np.full(NETWORKS, k + 0.25), f"C{k}|", alpha=0.6)
    for axes, values in ((middle, losses), (right, lengths)):
        smooth = np.convolve(values.mean(axis=1), np.ones(10) / 10, mode="valid")
        axes.plot(smooth, f"C{k}", linestyle=("-", "--", ":")[k % 3], linewidth=1.8, label=name)
left.set(yticks=range(len(NAMES)), yticklabels=NAMES, xlabel="accuracy on held-back digits in %")
left.invert_yaxis()
middle.set(xlabel="step", ylabel="loss", yscale="log", ylim=(1e-3, 4))
right.set(xlabel="step", ylabel="length of the gradient", yscale="log")
figure.legend(*middle.get_legend_handles_labels(), ncols=len(NAMES), loc="outside lower center")

# %%
# What can be read from it
# ------------------------
#
# - **Sigmoid** in hidden layers is by far the slowest: three of them in a row leave the first one little gradient.
# - **Without an activation** the network learns quickly, but it is only a linear classifier and stays behind.
# - **All others** end within the spread of ten random starts.
#   For a network like this one the choice among them matters less than luck does.
#   Whoever compares two activations by one run each measures the luck.

means = {name: accuracies.mean() for name, (*_, accuracies) in results.items()}
steps = {name: np.argmax(losses.mean(axis=1) < 0.5) for name, (losses, *_) in results.items()}
others = [name for name in NAMES if name not in ("identity", "sigmoid")]
assert steps["sigmoid"] > 3 * max(steps[name] for name in others)
assert min(means[name] for name in others) > means["identity"] > means["sigmoid"]
spread = max(results[name][-1].std(ddof=1) for name in others)
assert max(means[name] for name in others) - min(means[name] for name in others) < 2 * spread

# %%
# A guide
# -------
#
# ============================  ======================================================================
# Where                         What to begin with
# ============================  ======================================================================
# hidden layers                 ReLU: the cheapest, and within the spread of the others
# hidden layers, units die      leaky ReLU, or a smaller learning rate
# transformers                  GELU or SiLU, as in the models they come from
# recurrent states              tanh: bounded, and centred on 0
# gates                         sigmoid: from 0 to 1
# output, yes or no             none in the network; the sigmoid is in ``binary_cross_entropy``
# output, one of many           none in the network; softmax is in ``cross_entropy``
# output, a number              none
# ============================  ======================================================================
#
# Then measure on your own data, with several starts.
# :doc:`/guides/choosing` compares all functions in one table.

plt.show()

# %%
# Next: :doc:`52_pytorch`.
