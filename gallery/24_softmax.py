r"""
Softmax, step by step
=====================

A classifier gives each class a score.
Softmax turns the scores into probabilities, and on this page you do it by hand, find out why every program subtracts
the largest score first, and learn what a temperature does.

You should know the exponential function.
"""

# sphinx_gallery_tags = ["beginner", "functions", "classification"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# Three steps
# -----------
#
# .. math::
#
#    p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}
#
# Take the exponential of every score, add them up, and divide by the sum.
# The exponential makes every number positive; the division makes them add up to 1.

scores = np.array([2.0, 1.0, 0.1])
powers = np.exp(scores)
total = powers.sum()

# %%
# >>> powers.round(4)
# array([7.3891, 2.7183, 1.1052])
# >>> print(f"{total:.4f}")
# 11.2125
# >>> (powers / total).round(4)
# array([0.659 , 0.2424, 0.0986])
#
# ``actfn.softmax`` is all three in one:
#
# >>> actfn.softmax(scores).round(4)
# array([0.659 , 0.2424, 0.0986])
# >>> print(f"{actfn.softmax(scores).sum():.4f}")
# 1.0000

# %%
# Dog, cat, bear or person?
# -------------------------
#
# A network has looked at a picture and gives four scores.

classes = ["dog", "cat", "bear", "person"]
scores = np.array([2.0, 10.0, 1.0, 4.0])
probabilities = actfn.softmax(scores)

# %%
# >>> for name, score, probability in zip(classes, scores, probabilities):
# ...     print(f"{name:6}  {score:4.0f}  {probability:.6f}")
# dog        2  0.000334
# cat       10  0.997071
# bear       1  0.000123
# person     4  0.002471
# >>> classes[probabilities.argmax()]
# 'cat'
#
# The score of "cat" is only two and a half times that of "person", but its probability is 400 times as large.
# What counts is the difference: 6 more points are a factor of :math:`e^6 = 403`.
#
# >>> print(f"{probabilities[1] / probabilities[3]:.0f}  {np.exp(6):.0f}")
# 403  403

# %%
# Why the largest score is subtracted
# -----------------------------------
#
# Because only differences count, the same number can be taken from all scores:
#
# .. math::
#
#    \frac{e^{x_i - m}}{\sum_j e^{x_j - m}} = \frac{e^{-m} e^{x_i}}{e^{-m} \sum_j e^{x_j}} = p_i
#
# >>> bool(np.allclose(actfn.softmax(scores + 100), actfn.softmax(scores)))
# True
#
# With :math:`m` the largest score, no exponent is above 0, and nothing can overflow.
# The formula as it stands overflows for scores above 88 in float32:

large = np.array([100.0, 101.0, 102.0], dtype=np.float32)
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(large) / np.exp(large).sum()

# %%
# >>> naive
# array([nan, nan, nan], dtype=float32)
# >>> actfn.softmax(large).round(4)
# array([0.09  , 0.2447, 0.6652], dtype=float32)

# %%
# Temperature
# -----------
#
# Scores can be divided by a temperature :math:`T` first.
# Doubling all scores is the same as halving the temperature, and makes the answer more decided.
# A high temperature makes all classes alike; a low one leaves only the winner.

temperatures = (0.5, 1.0, 3.0, 10.0)
table = {t: actfn.softmax(scores, temperature=t) for t in temperatures}

# %%
# >>> for t, row in table.items():
# ...     print(f"{t:4}  " + "  ".join(f"{p:.4f}" for p in row))
#  0.5  0.0000  1.0000  0.0000  0.0000
#  1.0  0.0003  0.9971  0.0001  0.0025
#  3.0  0.0554  0.7971  0.0397  0.1079
# 10.0  0.1869  0.4159  0.1691  0.2282
# >>> bool(np.allclose(actfn.softmax(2 * scores), table[0.5]))
# True

figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
width = 0.2
for k, (t, row) in enumerate(table.items()):
    axes.bar(np.arange(4) + (k - 1.5) * width, row, width, color=f"C{k}", label=f"T = {t:g}")
axes.set(xticks=range(4), xticklabels=classes, ylabel="probability")
axes.legend()

# %%
# Rows, columns, and classes that do not count
# --------------------------------------------
#
# A batch has an example per row, and softmax works along the last axis unless it is told otherwise.
# ``mask`` leaves classes out: they get 0, and the others share the rest.
#
# >>> batch = np.array([[2.0, 1.0, 0.1], [0.0, 0.0, 0.0]])
# >>> actfn.softmax(batch).round(4)
# array([[0.659 , 0.2424, 0.0986],
#        [0.3333, 0.3333, 0.3333]])
# >>> actfn.softmax(batch, axis=0).round(4)
# array([[0.8808, 0.7311, 0.525 ],
#        [0.1192, 0.2689, 0.475 ]])
# >>> actfn.softmax(batch, mask=np.array([True, True, False])).round(4)
# array([[0.7311, 0.2689, 0.    ],
#        [0.5   , 0.5   , 0.    ]])
#
# The first row of the last result shows what softmax of two classes is: a sigmoid of their difference,
# :math:`\sigma(2 - 1) = 0.7311`.

# %%
# The gradient
# ------------
#
# Every probability depends on every score:
#
# .. math::
#
#    \frac{\partial p_i}{\partial x_j} = p_i\,(\delta_{ij} - p_j)
#
# Raising one score takes probability from all the others.
# The backward function takes the output :math:`p`, because the derivative is made of nothing else.
# One call with the unit vectors as gradients gives the whole table of derivatives:

p = actfn.softmax(np.array([2.0, 1.0, 0.1]))
jacobian = actfn.softmax_backward(np.eye(3), np.tile(p, (3, 1)))

# %%
# >>> jacobian.round(4)
# array([[ 0.2247, -0.1598, -0.065 ],
#        [-0.1598,  0.1837, -0.0239],
#        [-0.065 , -0.0239,  0.0889]])
#
# Each row adds up to 0: what one class wins, the others lose.

assert np.allclose(jacobian, np.diag(p) - np.outer(p, p))
assert np.allclose(jacobian.sum(axis=1), 0)
plt.show()

# %%
# Next: :doc:`25_cross_entropy`.
