r"""
Attention: softmax looks things up
==================================

In a language model every word looks at the words before it, and softmax decides at which.
On this page you compute attention for six words by hand, with a mask for the words that are still to come, see why the
scores are divided by a square root, and follow a gradient back through it.

You should have met :doc:`softmax <24_softmax>`.
"""

# sphinx_gallery_tags = ["advanced", "functions", "attention"]
# sphinx_gallery_thumbnail_panel = 1

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# Queries, keys and values
# ------------------------
#
# Each word has three vectors of length :math:`d`: a query :math:`q`, what it looks for; a key :math:`k`, what it
# offers to others; and a value :math:`v`, what it hands over.
#
# .. math::
#
#    P = \mathrm{softmax}\Bigl(\frac{Q K^\mathsf{T}}{\sqrt d}\Bigr), \qquad Y = P V
#
# Every row of :math:`P` adds up to 1: a word shares out one unit of attention.
# Here the vectors are random; in a model they come from what it has learned.

words = ["the", "cat", "sat", "on", "the", "mat"]
d = 64
rng = np.random.default_rng(0)
q, k, v = rng.normal(0, 1, (3, len(words), d))

scores = q @ k.T
attention = actfn.softmax(scores, temperature=np.sqrt(d))

# %%
# The square root is a temperature.
# A product of two vectors with :math:`d` random entries has a standard deviation of :math:`\sqrt d`, which is 8 here.
# Without it, softmax would be decided before anything is learned, and a softmax that is decided has hardly any
# gradient.

undivided = actfn.softmax(scores)
for text, shares in (("without the square root", undivided), ("with it", attention)):
    print(f"largest share of each word, {text}: {shares.max(axis=1).round(2)}")
assert np.median(undivided.max(axis=1)) > 0.8 > 0.5 > np.median(attention.max(axis=1))

# %%
# A mask for the future
# ---------------------
#
# A model that predicts the next word must not look at it.
# ``mask`` says which entries take part: on and below the diagonal.
# The others get exactly 0, and the rest still adds up to 1.

causal = np.tri(len(words), dtype=bool)
masked = actfn.softmax(scores, temperature=np.sqrt(d), mask=causal)

# %%
# >>> masked[0]
# array([1., 0., 0., 0., 0., 0.])
# >>> bool((masked[~causal] == 0).all())
# True
# >>> masked.sum(axis=1)
# array([1., 1., 1., 1., 1., 1.])
#
# The first word can only look at itself.

figure, panels = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained", sharey=True)
for axes, picture, title in zip(
    panels, (undivided, attention, masked), ("not divided", "divided by √d", "with a mask"), strict=True
):
    image = axes.imshow(picture, vmin=0, vmax=1, cmap="viridis")
    axes.set_xticks(range(6), words, family="monospace")
    axes.set_yticks(range(6), words, family="monospace")
    axes.set(title=title, xlabel="looks at")
panels[0].set_ylabel("word")
figure.colorbar(image, ax=panels, label="share of attention")

# %%
# The way back
# ------------
#
# ``softmax_backward`` takes the shares, the same mask and the same temperature.
# What was masked gets no gradient.
# Follow a gradient from the outputs to the queries, and check one number by moving it.

grad_outputs = rng.normal(0, 1, (len(words), d))
grad_shares = grad_outputs @ v.T
grad_scores = actfn.softmax_backward(grad_shares, masked, mask=causal, temperature=np.sqrt(d))
grad_q = grad_scores @ k

assert np.all(grad_scores[~causal] == 0)


def outcome(queries):
    """What the gradient from above is the gradient of."""
    shares = actfn.softmax(queries @ k.T, temperature=np.sqrt(d), mask=causal)
    return np.sum(shares @ v * grad_outputs)


moved = np.zeros_like(q)
moved[3, 5] = 1e-6
slope = (outcome(q + moved) - outcome(q - moved)) / 2e-6
print(f"by moving: {slope:.6f}   by softmax_backward: {grad_q[3, 5]:.6f}")
assert np.isclose(slope, grad_q[3, 5], rtol=1e-6)
plt.show()
