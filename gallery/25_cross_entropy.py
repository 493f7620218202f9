r"""
Cross-entropy takes scores, not probabilities
=============================================

.. meta::
   :keywords: cross-entropy, cross entropy loss, log loss, logits

The loss of a classifier is the logarithm of a softmax.
On this page you compute it in two ways that agree on paper, see one of them break, and meet the shortest gradient in
all of deep learning.

You should have met :doc:`softmax <24_softmax>`.
"""

# sphinx_gallery_tags = ["intermediate", "loss", "classification", "accuracy"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# The same number both ways
# -------------------------
#
# The loss of one example is minus the logarithm of the probability that the right class :math:`t` was given:
#
# .. math::
#
#    L = -\log p_t = -\log \frac{e^{x_t}}{\sum_j e^{x_j}} = \log \sum_j e^{x_j} - x_t
#
# The middle is the long way: softmax first, then the logarithm.
# The right side is the short way, straight from the scores.

scores = np.array([[2.0, 1.0, 0.1]])
label = np.array([0])

long_way = -np.log(actfn.softmax(scores)[0, 0])
short_way = actfn.cross_entropy(scores, label)

# %%
# >>> print(f"{long_way:.6f}  {short_way:.6f}")
# 0.417030  0.417030
#
# ``actfn.log_softmax`` and ``actfn.logsumexp`` are the pieces in between:
#
# >>> actfn.log_softmax(scores).round(4)
# array([[-0.417, -1.417, -2.317]])
# >>> print(f"{actfn.logsumexp(scores[0]) - 2.0:.6f}")
# 0.417030
#
# ``actfn.logmeanexp`` is its sister for averages: what several networks think of a picture, given as logarithms of
# probabilities so small that their exponentials are all 0:
#
# >>> opinions = np.array([-800.0, -801.0, -805.0])
# >>> print(f"{actfn.logmeanexp(opinions):.6f}  {np.exp(opinions).mean()}")
# -800.780437  0.0
#
# If the right class was the last one, the loss is larger:
#
# >>> print(f"{actfn.cross_entropy(scores, np.array([2])):.6f}")
# 2.317030
#
# The loss takes scores.
# Whoever gives it probabilities has softmax twice, and the loss can then never come near 0, however good the network:

perfect = np.array([[1.0, 0.0, 0.0]])

# %%
# >>> print(f"{actfn.cross_entropy(perfect, label):.4f}")
# 0.5514

# %%
# Where the long way breaks
# -------------------------
#
# A network that is sure gives scores that lie far apart.
# If it is sure and wrong, the right class has a probability so small that it is rounded to 0, and the logarithm of 0
# is infinite.
# Without the largest score subtracted, even the exponential overflows.

gap = np.linspace(0, 200, 801, dtype=np.float32)
pairs = np.stack([np.zeros_like(gap), gap], axis=1)
labels = np.zeros(len(gap), dtype=int)

with np.errstate(all="ignore"):
    powers = np.exp(pairs)
    textbook = -np.log(powers[:, 0] / powers.sum(axis=1))
    stable_softmax = -np.log(actfn.softmax(pairs)[:, 0])
fused = actfn.cross_entropy(pairs, labels, reduction="none")


def last_finite(losses):
    """The largest gap at which the loss is still a number."""
    return gap[np.isfinite(losses)].max()


print(f"exp, sum, log:           up to {last_finite(textbook):.0f}")
print(f"softmax, log:            up to {last_finite(stable_softmax):.0f}")
print(f"cross_entropy:           up to {last_finite(fused):.0f}, the end of the experiment")

assert 88 <= last_finite(textbook) < 89
assert 103 <= last_finite(stable_softmax) < 104
assert np.all(np.isfinite(fused)) and np.allclose(fused[-1], 200)

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
axes.plot(gap, fused, "C0", linewidth=6, alpha=0.4, label="cross_entropy, from scores")
axes.plot(gap, stable_softmax, "C1--", linewidth=2, label="softmax, then logarithm")
axes.plot(gap, textbook, "C2:", linewidth=3, label="exponentials as in the textbook")
for losses, color in ((stable_softmax, "C1"), (textbook, "C2")):
    end = last_finite(losses)
    axes.plot(end, losses[gap == end], "x", color=color, markersize=11, markeredgewidth=3)
axes.set(xlabel="score of the wrong class minus score of the right one", ylabel="loss")
axes.legend()

# %%
# Even larger scores are no trouble:
#
# >>> float(actfn.cross_entropy(np.array([[0.0, 1000.0, -1000.0]]), np.array([0])))
# 1000.0
#
# At the other end, a network that is sure and right, the long way loses its digits one by one instead.
# The probability is 1 minus something tiny, and the tiny part is rounded away.

sure = np.array([[20.0, 0.0]], dtype=np.float32)
rounded = -np.log(actfn.softmax(sure)[0, 0])

# %%
# >>> print(f"{abs(rounded):.3e}  {actfn.cross_entropy(sure, label):.3e}")
# 0.000e+00  2.061e-09

# %%
# The gradient
# ------------
#
# .. math::
#
#    \frac{\partial L}{\partial x_j} = p_j - \delta_{jt}
#
# The probabilities, minus 1 at the right class.
# The softmax and the logarithm have cancelled, and what is left is the difference between what the network said
# and what it should have said.
#
# >>> actfn.cross_entropy_backward(1.0, scores, label).round(4)
# array([[-0.341 ,  0.2424,  0.0986]])
# >>> actfn.softmax(scores).round(4) - np.array([1, 0, 0])
# array([[-0.341 ,  0.2424,  0.0986]])
#
# It is never larger than 1, even where the loss is 1000:
#
# >>> actfn.cross_entropy_backward(1.0, np.array([[0.0, 1000.0, -1000.0]]), np.array([0]))
# array([[-1.,  1.,  0.]])

# %%
# Two classes
# -----------
#
# With two classes one score is enough, and the sigmoid takes the place of softmax.
# ``actfn.binary_cross_entropy`` is the same idea: it takes the score, not the probability.

score = np.array([2.0])
by_hand = -np.log(actfn.sigmoid(score))[0]
with_two = actfn.cross_entropy(np.array([[2.0, 0.0]]), np.array([0]))

# %%
# >>> print(f"{actfn.binary_cross_entropy(score, np.array([1.0])):.6f}  {by_hand:.6f}  {with_two:.6f}")
# 0.126928  0.126928  0.126928

plt.show()

# %%
# Next: :doc:`31_multiclass_classification`.
