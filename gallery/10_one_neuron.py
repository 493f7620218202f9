r"""
One neuron, then a layer of them
================================

A neuron weighs its inputs, adds them up, and passes the sum through an activation function.
On this page you compute one by hand, let actfn check it, and see that a layer is the same thing done by a matrix.

You need to know what a vector and a derivative are; nothing else.
"""

# sphinx_gallery_tags = ["beginner", "neuron"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# What a neuron computes
# ----------------------
#
# A neuron with two inputs :math:`x_1, x_2` has two weights :math:`w_1, w_2` and a bias :math:`b`.
# It works in two steps:
#
# .. math::
#
#    a = b + w_1 x_1 + w_2 x_2, \qquad y = h(a)
#
# The first step is a weighted sum.
# The second is the activation function :math:`h`.
# The bias can be seen as the weight of a third input that is always 1, which is how the picture draws it.


def draw_node(axes, x, y, text, color):
    """A circle with a text in it; what lies behind it is hidden."""
    axes.plot(x, y, "o", markersize=44, markerfacecolor="none", markeredgecolor=color, markeredgewidth=2)
    axes.text(x, y, text, ha="center", va="center", fontsize=13)


def draw_edge(axes, start, end, text="", **style):
    """An arrow between two circles, with its weight above the middle."""
    arrow = {"arrowstyle": "->", "color": "0.5", "shrinkA": 25, "shrinkB": 25, **style}
    axes.annotate("", end, start, arrowprops=arrow)
    middle = np.add(start, end) / 2
    axes.text(middle[0], middle[1] + 0.1, text, ha="center", va="bottom", fontsize=13)


figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for height, text, weight in ((2, "$1$", "$b$"), (1, "$x_1$", "$w_1$"), (0, "$x_2$", "$w_2$")):
    draw_node(axes, 0, height, text, "C0")
    draw_edge(axes, (0, height), (2, 1), weight)
draw_node(axes, 2, 1, "$a$", "C1")
draw_edge(axes, (2, 1), (4, 1), "$h$")
draw_node(axes, 4, 1, "$y$", "C2")
for x, text in ((0, "inputs"), (2, "weighted sum"), (4, "output")):
    axes.text(x, -0.75, text, ha="center", va="center", fontsize=12)
axes.set(xlim=(-0.6, 4.6), ylim=(-1, 2.6))
axes.set_axis_off()

# %%
# By hand
# -------
#
# Take these numbers:

x = np.array([2.0, -4.0])
w = np.array([0.5, 0.25])
b = 1.0

a = b + w[0] * x[0] + w[1] * x[1]

# %%
# The sum is :math:`1 + 0.5 \cdot 2 + 0.25 \cdot (-4) = 1`.
# NumPy's ``@`` does the same for any number of inputs:
#
# >>> float(a)
# 1.0
# >>> float(b + w @ x)
# 1.0
#
# Now the activation function.
# Which one it is decides what the neuron says about this sum of 1:
#
# >>> for h in (actfn.step, actfn.relu, actfn.sigmoid, actfn.tanh):
# ...     print(f"{h.__name__:8} {h(a):.4f}")
# step     1.0000
# relu     1.0000
# sigmoid  0.7311
# tanh     0.7616
#
# The step function only says yes or no.
# ReLU passes the sum on because it is positive.
# The sigmoid answers with a number between 0 and 1, tanh with one between -1 and 1.

# %%
# How a weight changes the output
# -------------------------------
#
# Training needs to know which way each weight should move.
# The chain rule tells it: a weight changes the sum by its input, and the sum changes the output by :math:`h'(a)`.
# The sign :math:`\partial` in place of a :math:`d` says that one weight moves while the others stand still.
#
# .. math::
#
#    \frac{\partial y}{\partial w_i} = h'(a)\, x_i
#
# Next to every activation, actfn has its backward function: the gradient from above times the derivative.
# The gradient from above says how much the end result changes with the output of the neuron.
# Here the output is the end result, so it is 1.

slope = actfn.sigmoid_backward(1.0, a)
gradient = slope * x

# %%
# >>> print(f"{slope:.4f}")
# 0.1966
# >>> gradient.round(4)
# array([ 0.3932, -0.7864])
#
# The second number is negative: a larger :math:`w_2` lowers the output, because its input is negative.
# To see that these numbers are right, move each weight a little and look at the output.

little = 1e-6
for i in range(2):
    moved = w.copy()
    moved[i] += little
    change = actfn.sigmoid(b + moved @ x) - actfn.sigmoid(b + w @ x)
    print(f"moving w{i + 1}: {change / little:.4f}")
    assert abs(change / little - gradient[i]) < 1e-5

# %%
# A layer
# -------
#
# A layer is several neurons, also called units, that look at the same inputs.
# Their weights are the columns of a matrix :math:`W`, their biases a vector :math:`b`:
#
# .. math::
#
#    Y = h(W^\mathsf{T} X + b)
#
# The first of these three neurons is the one from above.

W = np.array([[0.5, -1.0, 0.25], [0.25, 0.5, -0.75]])
biases = np.array([1.0, 0.0, -1.0])

sums = W.T @ x + biases
outputs = actfn.sigmoid(sums)

# %%
# >>> sums
# array([ 1. , -4. ,  2.5])
# >>> outputs.round(4)
# array([0.7311, 0.018 , 0.9241])
#
# Blue lines are positive weights and orange ones negative; a thicker line is a larger weight, whatever its sign.

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for j in range(3):
    for i in range(2):
        style = {"color": "C0" if W[i, j] > 0 else "C1", "linewidth": 1 + 4 * abs(W[i, j]), "arrowstyle": "-"}
        draw_edge(axes, (0, 1.5 - i), (3, 2 - j), **style)
    draw_node(axes, 3, 2 - j, f"{outputs[j]:.2f}", "C2")
for i in range(2):
    draw_node(axes, 0, 1.5 - i, f"{x[i]:g}", "C0")
for column, text in ((0, "inputs"), (3, "outputs of the layer")):
    axes.text(column, -0.75, text, ha="center", va="center", fontsize=12)
axes.set(xlim=(-0.8, 3.8), ylim=(-1, 2.6))
axes.set_axis_off()

# %%
# Many examples at once
# ---------------------
#
# Networks look at many examples together.
# NumPy programs usually keep an example per row, and then the formula is transposed: ``X @ W + b``.
# Broadcasting adds the same biases to every row, and the activation function works on each number for itself.

examples = np.array([[2.0, -4.0], [0.0, 0.0], [-1.0, 1.0]])
batch = actfn.sigmoid(examples @ W + biases)

# %%
# >>> batch.shape
# (3, 3)
# >>> batch.round(4)
# array([[0.7311, 0.018 , 0.9241],
#        [0.7311, 0.5   , 0.2689],
#        [0.6792, 0.8176, 0.1192]])
#
# The first row is the layer from above.
# In the second row both inputs are 0, so only the biases speak.

assert np.allclose(batch[0], outputs)
plt.show()

# %%
# Next: :doc:`11_linear_layers_collapse`.
