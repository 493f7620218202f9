r"""
The relatives of softmax: exact zeros, nothing at all, and samples
==================================================================

Softmax never says 0, always hands out everything, and never decides.
On this page you meet the functions that do: sparsemax and entmax give exact zeros, softmax1 may keep something back,
hardmax decides, and Gumbel-softmax draws.
At the end softmin looks for the smallest, and softmax2d works on images.

You should have met :doc:`softmax <24_softmax>`.
"""

# sphinx_gallery_tags = ["advanced", "functions", "classification", "attention"]
# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

import actfn

scores = np.array([1.5, 1.0, 0.25])

# %%
# Exact zeros
# -----------
#
# Softmax gives every class something, however bad its score.
# Sparsemax cuts off: it takes the same number :math:`\tau` from all scores and sets what is negative to 0.
#
# .. math::
#
#    p_i = \max(x_i - \tau, 0), \qquad \text{with } \tau \text{ such that } \sum_i p_i = 1
#
# Entmax with the exponent 1.5 lies in between: :math:`p_i = \max(x_i / 2 - \tau, 0)^2`.
#
# >>> actfn.softmax(scores).round(4)
# array([0.5283, 0.3204, 0.1513])
# >>> actfn.entmax15(scores).round(4)
# array([0.6541, 0.3122, 0.0338])
# >>> actfn.sparsemax(scores).round(4)
# array([0.75, 0.25, 0.  ])
# >>> actfn.hardmax(scores)
# array([1., 0., 0.])
#
# With two classes each of them is a curve of the difference of the scores.
# Softmax of two is the sigmoid, and sparsemax of two is a straight line with two corners.

difference = np.linspace(-4, 4, 401)
pairs = np.stack([difference, np.zeros_like(difference)], axis=-1)
relatives = (actfn.softmax, actfn.entmax15, actfn.sparsemax, actfn.hardmax)

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for k, function in enumerate(relatives):
    style = {"linestyle": ("-", "--", "-.", ":")[k], "linewidth": 2}
    axes.plot(difference, function(pairs)[:, 0], f"C{k}", label=function.__name__, **style)
axes.set(xlabel="score of the first class minus score of the second", ylabel="share of the first class")
axes.legend()

assert np.allclose(actfn.softmax(pairs)[:, 0], actfn.sigmoid(difference))
assert np.allclose(actfn.sparsemax(pairs)[:, 0], actfn.sparse_sigmoid(difference))

# %%
# How many zeros are there among many classes?
# Here are 1,000 rows of 50 random scores.

rows = np.random.default_rng(0).normal(0, 1.5, (1000, 50))
left = {f.__name__: np.mean(np.count_nonzero(f(rows), axis=1)) for f in relatives}
for name, count in left.items():
    print(f"{name:9} gives {count:4.1f} of 50 classes something, on average")
for function in relatives:
    assert np.allclose(function(rows).sum(axis=1), 1)
assert left["softmax"] == 50 > left["entmax15"] > left["sparsemax"] > left["hardmax"] == 1

# %%
# The gradient
# ------------
#
# Where the share is exactly 0, so is the gradient: a class that was cut off stays as it is.
# Hardmax is flat everywhere, so nothing can be learned through it.
#
# >>> grad = np.array([1.0, 0.0, 0.0])
# >>> for function in (actfn.softmax, actfn.entmax15, actfn.sparsemax, actfn.hardmax):
# ...     backward = getattr(actfn, f"{function.__name__}_backward")
# ...     print(f"{function.__name__:9} {backward(grad, function(scores)).round(4)}")
# softmax   [ 0.2492 -0.1693 -0.0799]
# entmax15  [ 0.3871 -0.2913 -0.0958]
# sparsemax [ 0.5 -0.5  0. ]
# hardmax   [0. 0. 0.]

# The same by moving each score a little.
little = 1e-6
for function in (actfn.softmax, actfn.entmax15, actfn.sparsemax):
    backward = getattr(actfn, f"{function.__name__}_backward")
    slopes = [
        (function(scores + little * unit)[0] - function(scores - little * unit)[0]) / (2 * little) for unit in np.eye(3)
    ]
    assert np.allclose(slopes, backward(np.array([1.0, 0.0, 0.0]), function(scores)), atol=1e-8)

# %%
# Nothing at all
# --------------
#
# In attention, softmax makes every word look somewhere, even if nothing is worth looking at.
# Softmax1 adds a 1 to the sum, as if there were one more class with the score 0 that is not shown:
#
# .. math::
#
#    p_i = \frac{e^{x_i}}{1 + \sum_j e^{x_j}}
#
# >>> poor = np.array([-9.0, -10.0, -10.9])
# >>> actfn.softmax(poor).round(4)
# array([0.659 , 0.2424, 0.0986])
# >>> actfn.softmax1(poor).round(4)
# array([0.0001, 0.    , 0.    ])
#
# With large scores the 1 does not matter, and both agree:
#
# >>> actfn.softmax1(poor + 30).round(4)
# array([0.659 , 0.2424, 0.0986])

# %%
# Drawing
# -------
#
# To draw a class with the probabilities of softmax, add Gumbel noise to the scores and take the largest.
# Gumbel-softmax takes the softmax of the noisy scores instead, so a gradient can pass.
# A small ``tau`` makes it nearly a decision; ``hard=True`` makes it one, on the way forward.

log_probabilities = np.log([0.7, 0.2, 0.1])
draws = actfn.gumbel_softmax(np.tile(log_probabilities, (20_000, 1)), hard=True, rng=0)
shares = draws.mean(axis=0)
print(f"drawn {shares.round(3)}, asked for [0.7 0.2 0.1]")
assert np.all((draws == 0) | (draws == 1)) and np.allclose(shares, [0.7, 0.2, 0.1], atol=0.02)

figure, panels = plt.subplots(1, 3, figsize=(10, 3), layout="constrained", sharey=True)
for k, (axes, tau) in enumerate(zip(panels, (0.1, 1.0, 10.0), strict=True)):
    soft = actfn.gumbel_softmax(np.tile(log_probabilities, (20_000, 1)), tau=tau, rng=0)
    axes.hist(soft[:, 0], np.linspace(0, 1, 31), color=f"C{k}")
    axes.set(title=f"tau = {tau:g}", xlabel="share of the first class")
panels[0].set_ylabel("draws")

# %%
# With a small ``tau`` most draws are nearly 0 or 1: almost a decision.
# With a large one all draws are near one third: smooth, but no longer a choice.

# %%
# The smallest wins
# -----------------
#
# Distances are scores turned round: near is good.
# Softmin is the softmax of the negative numbers, so the nearest gets the largest share.
# Here a point asks which of three others it belongs to.
#
# >>> distances = np.array([0.5, 2.0, 4.0])
# >>> actfn.softmin(distances).round(4)
# array([0.7979, 0.178 , 0.0241])
# >>> bool(np.array_equal(actfn.softmin(distances), actfn.softmax(-distances)))
# True

# %%
# A softmax per pixel
# -------------------
#
# A network that finds what is where gives scores to every pixel, a plane per class.
# ``softmax2d`` makes a plane of probabilities of each, and in every pixel they sum to 1.
# The scores here are hills around two places, and a constant for "nothing".

down, across = np.mgrid[-2:2:40j, -3:3:60j]
planes = np.stack([4 * np.exp(-((across - side) ** 2) - down**2) for side in (-1.2, 1.2)] + [np.full(down.shape, 1.5)])
shares = actfn.softmax2d(planes)
assert np.allclose(shares.sum(axis=0), 1) and np.array_equal(shares, actfn.softmax(planes, axis=0))

figure, grid = plt.subplots(2, 3, figsize=(10, 4.6), layout="constrained")
for k, name in enumerate(("left thing", "right thing", "nothing")):
    scored = grid[0, k].imshow(planes[k], vmin=0, vmax=4)
    shared = grid[1, k].imshow(shares[k], vmin=0, vmax=1)
    grid[0, k].set(title=name, xticks=[], yticks=[])
    grid[1, k].set(xticks=[], yticks=[])
figure.colorbar(scored, ax=grid[0], label="score")
figure.colorbar(shared, ax=grid[1], label="probability")

plt.show()
