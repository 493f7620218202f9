r"""
The perceptron: what one neuron can learn, and what it cannot
=============================================================

The first artificial neurons answered with yes or no, by a step function.
On this page one of them learns AND and OR from examples, and fails at XOR, for a reason that you can draw.

You should have met :doc:`a neuron as a weighted sum <10_one_neuron>`.
"""

# sphinx_gallery_tags = ["beginner", "neuron", "training"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# A threshold
# -----------
#
# A perceptron says 1 where the weighted sum reaches a threshold :math:`\theta`, and 0 elsewhere:
#
# .. math::
#
#    y = \begin{cases} 1 & w_1 x_1 + w_2 x_2 \ge \theta \\ 0 & w_1 x_1 + w_2 x_2 < \theta \end{cases}
#
# With both weights 1 the threshold alone decides what it computes.
# It is AND where both inputs are needed to reach it, and OR where one is enough.

inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
total = inputs @ np.array([1.0, 1.0])

# %%
# >>> actfn.step(total, threshold=1.5)
# array([0., 0., 0., 1.])
# >>> actfn.step(total, threshold=0.5)
# array([0., 1., 1., 1.])
#
# A threshold can move to the other side of the inequality, where it is a bias :math:`b = -\theta`.
# That is more convenient, because a bias can be learned like a weight.

# %%
# Learning from mistakes
# ----------------------
#
# Gradient descent, which makes an error smaller by many small steps downhill, is no help here.
# The step function is flat on both sides, so its derivative is 0 wherever it has one:
#
# >>> actfn.step_backward(1.0, np.array([-1.0, -0.1, 0.1, 1.0]))
# array([0., 0., 0., 0.])
#
# Rosenblatt's rule does without a derivative.
# It looks at one example at a time.
# Where the answer is right, nothing changes.
# Where it is wrong, the weights move towards the input if the answer should have been 1, and away from it otherwise:
#
# .. math::
#
#    w \leftarrow w + (t - y)\,x, \qquad b \leftarrow b + (t - y)
#
# The bias starts at one half, so that no sum is ever exactly 0.


def learn(targets, epochs=25):
    """Weights, bias, and the number of mistakes in each epoch."""
    w, b, mistakes = np.zeros(2), 0.5, []
    for _ in range(epochs):
        wrong = 0
        for x, target in zip(inputs, targets, strict=True):
            answer = actfn.step(w @ x + b)
            w = w + (target - answer) * x
            b = b + (target - answer)
            wrong += int(answer != target)
        mistakes.append(wrong)
    return w, b, mistakes


tables = {
    "AND": np.array([0.0, 0.0, 0.0, 1.0]),
    "OR": np.array([0.0, 1.0, 1.0, 1.0]),
    "XOR": np.array([0.0, 1.0, 1.0, 0.0]),
}
learned = {name: learn(targets) for name, targets in tables.items()}
for name, (_, _, mistakes) in learned.items():
    print(f"{name:3}  mistakes in each epoch: {mistakes[:12]} ...")

# %%
# An epoch is one pass over all examples.
# AND and OR are without a mistake after a few of them.
# XOR never is.

assert learned["AND"][2][-1] == learned["OR"][2][-1] == 0
assert min(learned["XOR"][2]) > 0
for name in ("AND", "OR"):
    w, b, _ = learned[name]
    assert np.array_equal(actfn.step(inputs @ w + b), tables[name])

# %%
# The reason
# ----------
#
# The places where the sum just reaches the threshold form a straight line.
# On one side of it the perceptron says 1, on the other 0.
# AND and OR can be cut apart by a line.
# XOR cannot: its ones sit on one diagonal and its zeros on the other.

side = np.linspace(-0.5, 1.5, 201)
plane = np.stack(np.meshgrid(side, side), axis=-1)

figure, panels = plt.subplots(1, 3, figsize=(10, 3.7), layout="constrained", sharey=True)
for axes, (name, targets) in zip(panels, tables.items(), strict=True):
    w, b, _ = learned[name]
    says = actfn.step(plane @ w + b)
    axes.contourf(side, side, says, levels=[-0.5, 0.5, 1.5], colors=["C0", "C1"], alpha=0.25)
    for value, marker, color in ((0, "o", "C0"), (1, "s", "C1")):
        axes.plot(*inputs[targets == value].T, marker, color=color, markersize=12, label=f"should be {value}")
    axes.set(title=name, xlabel="$x_1$", xticks=[0, 1], yticks=[0, 1], aspect="equal")
panels[0].set_ylabel("$x_2$")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %%
# Perhaps the rule was only unlucky?
# Trying every combination of many weights and biases shows that it was not.
# A single perceptron gets at most three of the four right.

values = np.linspace(-2, 2, 41)
w1, w2, b = np.meshgrid(values, values, values)
answers = actfn.step(w1[..., None] * inputs[:, 0] + w2[..., None] * inputs[:, 1] + b[..., None])
right = {name: int((answers == targets).sum(axis=-1).max()) for name, targets in tables.items()}

# %%
# >>> right
# {'AND': 4, 'OR': 4, 'XOR': 3}
#
# A proof takes four lines.
# XOR asks for :math:`b < 0`, :math:`w_1 + b \ge 0`, :math:`w_2 + b \ge 0` and :math:`w_1 + w_2 + b < 0`.
# The two in the middle add up to :math:`w_1 + w_2 + 2b \ge 0`.
# Taking away :math:`b < 0` gives :math:`w_1 + w_2 + b > 0`, and the last one says the opposite.

# %%
# Three perceptrons can
# ---------------------
#
# XOR is "one of them, but not both": OR without AND.
# Two perceptrons compute OR and AND, and a third one takes their answers as its inputs.

either = actfn.step(total, threshold=0.5)
both = actfn.step(total, threshold=1.5)
exclusive = actfn.step(either - both, threshold=0.5)

# %%
# >>> exclusive
# array([0., 1., 1., 0.])
#
# That is a network with a hidden layer: the first two perceptrons, whose answers only the third one sees.
# Its weights were chosen by hand here, because a step function gives gradient descent nothing to hold on to.
# With a smooth activation a network finds them by itself.

plt.show()

# %%
# Next: :doc:`13_xor_hidden_layer`.
