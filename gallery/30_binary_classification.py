r"""
Yes or no: a classifier with a sigmoid output
=============================================

Is a tumour malignant?
On this page a single neuron learns to answer with a probability, from 455 real examples, and you see what a threshold
of one half means, and what another one would cost.

You should have met :doc:`the sigmoid <21_sigmoid_tanh_relu>` and :doc:`gradient descent <13_xor_hidden_layer>`.
"""

# sphinx_gallery_tags = ["beginner", "classification", "training", "loss"]
# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import actfn

# %%
# The data
# --------
#
# scikit-learn ships 569 cases.
# Each has 30 measurements of cell nuclei under the microscope, such as mean radius and texture.
# In the data set 0 means malignant, so it is turned round here: 1 is what we look for.
# A fifth is held back to see how the classifier does on cases that it has not learned from.

measurements, benign = load_breast_cancer(return_X_y=True)
malignant = 1.0 - benign
x_train, x_test, t_train, t_test = train_test_split(
    measurements, malignant, test_size=0.2, stratify=malignant, random_state=0
)

# Mean 0 and variance 1 for each measurement; both numbers come from the training part alone.
mean, scale = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = (x_train - mean) / scale, (x_test - mean) / scale

# %%
# The model
# ---------
#
# .. math::
#
#    z = x w + b, \qquad p = \sigma(z)
#
# One neuron: 30 weights, a bias, and a sigmoid that makes a probability of the score.
# Its loss is binary cross-entropy, and the gradient of that is short:
#
# .. math::
#
#    \frac{\partial L}{\partial z} = \frac{\sigma(z) - t}{n}
#
# ``actfn.binary_cross_entropy_backward`` computes it from the scores.

w, b = np.zeros(30), 0.0
train_losses, test_losses, norms = [], [], []
for _ in range(300):
    scores = x_train @ w + b
    train_losses.append(actfn.binary_cross_entropy(scores, t_train))
    test_losses.append(actfn.binary_cross_entropy(x_test @ w + b, t_test))

    grad_scores = actfn.binary_cross_entropy_backward(1.0, scores, t_train)
    grad_w, grad_b = x_train.T @ grad_scores, grad_scores.sum()
    norms.append(np.sqrt(grad_w @ grad_w + grad_b**2))
    w, b = w - 0.3 * grad_w, b - 0.3 * grad_b

assert np.allclose(
    actfn.binary_cross_entropy_backward(1.0, scores, t_train), (actfn.sigmoid(scores) - t_train) / len(t_train)
)

# %%
# The first loss is :math:`\log 2`, because with all weights 0 every probability is one half.
#
# >>> print(f"{train_losses[0]:.4f}  {np.log(2):.4f}")
# 0.6931  0.6931

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.plot(train_losses, "C0", linewidth=2, label="training")
left.plot(test_losses, "C1--", linewidth=2, label="held back")
left.set(xlabel="step", ylabel="loss", yscale="log")
left.legend()
right.plot(norms, "C2", linewidth=2)
right.set(xlabel="step", ylabel="length of the gradient", yscale="log")

assert train_losses[-1] < 0.1 and test_losses[-1] < 0.15

# %%
# From probability to answer
# --------------------------
#
# Everything from one half on counts as malignant.
# That is the same as asking whether the score is 0 or more, so the step function is the decision.

probabilities = actfn.sigmoid(x_test @ w + b)
answers = probabilities >= 0.5
assert np.array_equal(answers, actfn.step(x_test @ w + b) == 1)

truth = t_test == 1
accuracy = np.mean(answers == truth)
print(f"{accuracy:.1%} of {len(truth)} held-back cases are answered correctly")
print(f"malignant and found {np.sum(answers & truth)}, malignant and missed {np.sum(~answers & truth)}")
print(f"benign and cleared  {np.sum(~answers & ~truth)}, benign and alarmed   {np.sum(answers & ~truth)}")
assert accuracy > 0.94

# %%
# Most probabilities are near 0 or 1.
# In between, where the model says itself that it is not sure, it is wrong far more often.

figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
bins = np.linspace(0, 1, 21)
axes.hist(
    [probabilities[~truth], probabilities[truth]], bins, stacked=True, color=["C0", "C1"], label=["benign", "malignant"]
)
axes.axvline(0.5, color="0.5", linestyle="--", label="threshold")
axes.set(xlabel="probability of malignant", ylabel="held-back cases")
axes.legend(loc=(0.6, 0.7))

sure = np.abs(probabilities - 0.5) > 0.4
assert np.mean((answers == truth)[sure]) > np.mean((answers == truth)[~sure])

# %%
# Another threshold
# -----------------
#
# One half treats both mistakes alike.
# A missed tumour is worse than a false alarm, so a lower threshold may be wiser: it finds more and alarms more.

thresholds = np.linspace(0.02, 0.98, 97)
missed = [np.sum((probabilities < t) & truth) for t in thresholds]
alarms = [np.sum((probabilities >= t) & ~truth) for t in thresholds]

figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
axes.step(thresholds, missed, "C1", linewidth=2, where="mid", label="malignant and missed")
axes.step(thresholds, alarms, "C0--", linewidth=2, where="mid", label="benign and alarmed")
axes.axvline(0.5, color="0.5", linestyle=":")
axes.set(xlabel="threshold", ylabel="held-back cases")
axes.legend()

assert np.all(np.diff(missed) >= 0) and np.all(np.diff(alarms) <= 0)
plt.show()
