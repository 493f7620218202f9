r"""
Remedies for gradients that vanish or explode
=============================================

ReLU, Xavier and He initialisation, batch normalisation, Adam, RMSProp, clipping: each is said to help.
On this page each is switched on by itself in a deep network that does not learn, and you see which of them help, and
how much.

You should have seen gradients :doc:`vanish <40_vanishing_gradients>` and :doc:`explode <41_exploding_gradients>`.
"""

# sphinx_gallery_tags = ["intermediate", "depth", "training", "loss"]
# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_thumbnail_panel = 1

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

images, labels = load_digits(return_X_y=True)
x = ((images - images.mean()) / images.std()).astype(np.float32)
LAYERS, WIDTH, STEPS, BATCH = 8, 64, 200, 128

# %%
# The pieces
# ----------
#
# **Initialisation.** The weights are drawn with mean 0 and a variance that depends on the number :math:`n` of inputs
# and :math:`m` of outputs of a layer.
# "Small" stands for weights drawn without a thought, of standard deviation 0.05.
#
# .. math::
#
#    \text{Xavier: } \frac{2}{n + m} \qquad \text{He: } \frac{2}{n}


def deviation_of(start, n, m):
    """The standard deviation of the weights of a layer with n inputs and m outputs."""
    he = np.sqrt(2 / n)
    return {"small": 0.05, "Xavier": np.sqrt(2 / (n + m)), "He": he, "too large": 2 * he}[start]


# %%
# **Batch normalisation.** Before the activation, every unit is moved and scaled to mean 0 and variance 1 over the
# batch.
# Whatever the weights do, the sums stay where the activation is steep.
# There a sigmoid passes a quarter of the gradient; of a sum of 10 it passes next to nothing:
#
# >>> print(", ".join(f"{g:.6f}" for g in actfn.sigmoid_backward(1.0, np.array([0.0, 10.0]))))
# 0.250000, 0.000045
#
# The gradient has to pass the mean and the variance too:
#
# .. math::
#
#    \hat a = \frac{a - \mu}{\sigma}, \qquad
#    g_a = \frac{1}{\sigma}\Bigl(g - \overline{g} - \hat a\,\overline{g\,\hat a}\Bigr)
#
# where a bar is the mean over the batch.
# ``actfn.standardize`` does one and ``actfn.standardize_backward`` the other, with a little added to the variance so
# that a unit that never changes is 0.
# Here are three inputs of two units:
#
# >>> units = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
# >>> actfn.standardize(units, axis=0).round(4)
# array([[-1.2247,  0.    ],
#        [ 0.    ,  0.    ],
#        [ 1.2247,  0.    ]])
#
# **Optimisers.** Plain gradient descent, SGD, takes a step in proportion to the gradient.
# RMSProp divides each gradient by its typical size, so a small gradient makes as large a step as a big one.
# Adam does the same, and averages the direction as well.


def sgd(w, g, _memory, _step, rate):
    """A step in proportion to the gradient."""
    return w - rate * g


def rmsprop(w, g, memory, _step, rate):
    """A step of about the size of the rate, whatever the size of the gradient."""
    memory["square"] = 0.99 * memory.get("square", 0) + 0.01 * g * g
    return w - rate * g / (np.sqrt(memory["square"]) + 1e-8)


def adam(w, g, memory, step, rate):
    """RMSProp with an average of the gradients in place of the last one."""
    memory["mean"] = 0.9 * memory.get("mean", 0) + 0.1 * g
    memory["square"] = 0.999 * memory.get("square", 0) + 0.001 * g * g
    typical = np.sqrt(memory["square"] / (1 - 0.999**step)) + 1e-8
    return w - rate * (memory["mean"] / (1 - 0.9**step)) / typical


# %%
# Training
# --------
#
# Eight hidden layers; every remedy is an argument.
# It returns the losses, the lengths of the gradient in the first and the last layer in the first step, and that of the
# whole gradient in each step.


def train(activation="sigmoid", start="small", batch_norm=False, optimiser=sgd, rate=0.1, clip=np.inf):
    """Losses, lengths of the gradient of the first and the last layer in the first step, and of all layers in each."""
    function, backward = getattr(actfn, activation), getattr(actfn, f"{activation}_backward")
    rng = np.random.default_rng(0)
    sizes = [64] + [WIDTH] * LAYERS + [10]
    weights = [rng.normal(0, deviation_of(start, n, m), (n, m)).astype(np.float32) for n, m in pairwise(sizes)]
    memories = [{} for _ in weights]
    losses, lengths = [], []
    for step in range(1, STEPS + 1):
        batch = rng.choice(len(x), BATCH, replace=False)
        signals, sums, steep = [x[batch]], [], []
        for w in weights[:-1]:
            sums.append(signals[-1] @ w)
            steep.append(actfn.standardize(sums[-1], axis=0) if batch_norm else sums[-1])
            signals.append(function(steep[-1]))
        scores = signals[-1] @ weights[-1]
        losses.append(actfn.cross_entropy(scores, labels[batch]))

        grad = actfn.cross_entropy_backward(1.0, scores, labels[batch])
        gradients = [signals[-1].T @ grad]
        for k in reversed(range(LAYERS)):
            grad = backward(grad @ weights[k + 1].T, steep[k])
            if batch_norm:
                grad = actfn.standardize_backward(grad, sums[k], axis=0)
            gradients.append(signals[k].T @ grad)
        gradients.reverse()
        if step == 1:
            ends = np.linalg.norm(gradients[0]), np.linalg.norm(gradients[-1])

        length = np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in gradients))
        lengths.append(length)
        factor = np.float32(min(1, clip / length))
        weights = [
            optimiser(w, g * factor, memory, step, np.float32(rate))
            for w, g, memory in zip(weights, gradients, memories, strict=True)
        ]
    return np.array(losses), ends, np.array(lengths)


def report(runs):
    """A line per run: its last losses, and the lengths of the gradient."""
    print(f"{'':24}  loss at the end   gradient of the first layer, of the last")
    for name, (losses, (first, last), _) in runs.items():
        print(f"{name:24}  {losses[-20:].mean():15.3f}   {first:21.0e}   {last:10.0e}")


# %%
# Gradients that vanish
# ---------------------
#
# The patient is a network of sigmoids with small weights and plain gradient descent.
# Each line changes one thing.
# A network that knows nothing has a loss of :math:`\log 10 = 2.303`.

vanishing = {
    "nothing": train(),
    "ReLU alone": train("relu"),
    "Xavier alone": train(start="Xavier"),
    "batch norm. alone": train(batch_norm=True),
    "RMSProp alone": train(optimiser=rmsprop, rate=0.003),
    "Adam alone": train(optimiser=adam, rate=0.003),
}
report(vanishing)

# %%
# Only batch normalisation is enough by itself.
# The others lie on top of each other at :math:`\log 10`.
# Look at the gradients: with sigmoids that of the first layer is millions of times smaller than that of the last, and
# with Xavier's start still tens of thousands of times.
# With ReLU and small weights all layers get the same gradient, but one that is tiny everywhere, since the signal has
# shrunk in each layer on its way forward.
#
# So remedies are combined.
# A gradient that is the same everywhere but tiny is what Adam mends, and RMSProp in part.
# And He's start is made for ReLU, as Xavier's is for tanh.

together = {
    "ReLU + He": train("relu", "He"),
    "tanh + Xavier": train("tanh", "Xavier"),
    "ReLU + RMSProp": train("relu", optimiser=rmsprop, rate=0.003),
    "ReLU + Adam": train("relu", optimiser=adam, rate=0.003),
    "ReLU + He + Adam": train("relu", "He", optimiser=adam, rate=0.003),
}
report(together)


def draw(top, bottom, runs):
    """Losses above lengths of the gradient, both smoothed."""
    for k, (name, (losses, _, lengths)) in enumerate(runs.items()):
        style = {"linestyle": ("-", "--", "-.", ":")[k % 4], "linewidth": 2}
        top.plot(np.convolve(losses, np.ones(10) / 10, mode="valid"), f"C{k}", label=name, **style)
        bottom.plot(np.convolve(lengths, np.ones(10) / 10, mode="valid"), f"C{k}", **style)
    bottom.set(xlabel="step", yscale="log")
    top.legend()


figure, panels = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained", sharex=True, sharey="row")
draw(*panels[:, 0], vanishing)
draw(*panels[:, 1], together)
panels[0, 0].set(title="one at a time", ylabel="loss", ylim=(0, 5))
panels[0, 1].set_title("together")
panels[1, 0].set_ylabel("length of the gradient")

# %%
# Gradients that explode
# ----------------------
#
# Now ReLU with weights twice as large as He's.
# Each of the eight layers doubles the signal and the gradient.
# Clipping, or a better start, or batch normalisation saves it.

exploding = {
    "nothing": train("relu", "too large"),
    "clipping alone": train("relu", "too large", clip=1.0),
    "He alone": train("relu", "He"),
    "batch norm. alone": train("relu", "too large", batch_norm=True),
    "Adam alone": train("relu", "too large", optimiser=adam, rate=0.003),
}
report(exploding)

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 6), layout="constrained", sharex=True)
draw(top, bottom, exploding)
top.set(ylabel="loss", yscale="log")
bottom.set_ylabel("length of the gradient")

# %%
# Without help, the first steps throw the weights so far that the network ends up useless: its loss stays at
# :math:`\log 10`, that of ten scores which are all alike.
# Clipping prevents that and no more: the weights are still too large, and the loss comes down slowly.
#
# What follows
# ------------
#
# - Start with the right size of weights: He for ReLU, Xavier for tanh.
#   It costs nothing, and was enough against both troubles.
# - Batch normalisation helped against both as well, at the cost of a computation per layer.
# - Adam mended gradients that are small everywhere, and some that are too large.
#   It did not mend a network whose first layers get next to nothing, such as one of eight sigmoids.
# - Clipping is a safety belt: it keeps one large gradient from destroying a network.

last = {name: losses[-20:].mean() for name, (losses, *_) in (vanishing | together).items()}
for name in ("nothing", "ReLU alone", "Xavier alone", "RMSProp alone", "Adam alone"):
    assert abs(last[name] - np.log(10)) < 0.05, name
for name in ("batch norm. alone", *together):
    assert last[name] < (2 if name == "ReLU + RMSProp" else 1), name
ratio = {name: first / end for name, (_, (first, end), _) in (vanishing | together).items()}
assert ratio["nothing"] < 1e-6 < ratio["Xavier alone"] < 1e-3 < ratio["batch norm. alone"]
assert 0.1 < ratio["ReLU alone"] < 10 and vanishing["ReLU alone"][1][0] < 1e-3 * together["ReLU + He"][1][0]

last = {name: losses[-20:].mean() for name, (losses, *_) in exploding.items()}
assert abs(last["nothing"] - np.log(10)) < 0.05
assert max(last["He alone"], last["batch norm. alone"], last["Adam alone"]) < 1
assert 1 < last["clipping alone"] < exploding["clipping alone"][0][0] / 10

plt.show()

# %%
# Next: :doc:`43_dying_relu`.
