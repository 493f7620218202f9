r"""
Sigmoid, tanh and ReLU by numbers
=================================

The three functions that every course begins with, with the numbers to check a calculation by hand against.
You see where each of them is steep, where it is flat, and what that does to a gradient.

You should know what a derivative is, and :doc:`why a network needs such functions <11_linear_layers_collapse>`.
"""

# sphinx_gallery_tags = ["beginner", "functions"]

import matplotlib.pyplot as plt
import numpy as np

import actfn

x = np.array([-1.0, 0.0, 1.0])


def draw(function, backward, low, high):
    """A function beside its derivative."""
    inputs = np.linspace(low, high, 601)
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    left.plot(inputs, function(inputs), "C0", linewidth=2)
    left.set(xlabel="x", ylabel=function.__name__)
    right.plot(inputs, backward(1.0, inputs), "C1", linewidth=2)
    right.set(xlabel="x", ylabel=f"derivative of {function.__name__}")
    for axes in (left, right):
        axes.grid(alpha=0.3)


# %%
# Sigmoid
# -------
#
# .. math::
#
#    \sigma(x) = \frac{1}{1 + e^{-x}}, \qquad \sigma'(x) = \sigma(x)\,(1 - \sigma(x))
#
# It squeezes every number into the interval from 0 to 1, which makes it a probability.
#
# >>> actfn.sigmoid(x).round(4)
# array([0.2689, 0.5   , 0.7311])
#
# The first and the last number add up to 1, because :math:`\sigma(-x) = 1 - \sigma(x)`.
# Far out it comes as close to its limits as the numbers of a computer allow:
#
# >>> actfn.sigmoid(np.array([-np.inf, -30.0, 30.0, np.inf]))
# array([0.00000000e+00, 9.35762297e-14, 1.00000000e+00, 1.00000000e+00])
#
# The derivative is largest at 0, and there it is only one quarter.
# Each sigmoid that a gradient passes makes it at least four times smaller.
#
# >>> actfn.sigmoid_backward(1.0, x).round(4)
# array([0.1966, 0.25  , 0.1966])

draw(actfn.sigmoid, actfn.sigmoid_backward, -8, 8)
slopes = actfn.sigmoid_backward(1.0, np.linspace(-8, 8, 601))
assert slopes.max() == 0.25 and slopes.argmax() == 300

# %%
# Tanh
# ----
#
# .. math::
#
#    \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}, \qquad \tanh'(x) = 1 - \tanh^2(x)
#
# The same shape, but from -1 to 1 and through the origin: its outputs have both signs, and a mean near 0.
#
# >>> actfn.tanh(x).round(4)
# array([-0.7616,  0.    ,  0.7616])
# >>> actfn.tanh_backward(1.0, x).round(4)
# array([0.42, 1.  , 0.42])
#
# Its derivative reaches 1, four times as much as that of the sigmoid.
# In fact it is a sigmoid, stretched and moved: :math:`\tanh(x) = 2\sigma(2x) - 1`.
#
# >>> (2 * actfn.sigmoid(2 * x) - 1).round(4)
# array([-0.7616,  0.    ,  0.7616])

draw(actfn.tanh, actfn.tanh_backward, -8, 8)
slopes = actfn.tanh_backward(1.0, np.linspace(-8, 8, 601))
assert slopes.max() == 1 and slopes.argmax() == 300

# %%
# ReLU
# ----
#
# .. math::
#
#    \mathrm{ReLU}(x) = \max(0, x), \qquad
#    \mathrm{ReLU}'(x) = \begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}
#
# What is positive passes, what is negative becomes 0.
#
# >>> actfn.relu(x)
# array([0., 0., 1.])
#
# Like every activation it works on arrays of any shape, number by number:
#
# >>> actfn.relu(np.array([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]))
# array([[0., 2., 0.],
#        [4., 0., 6.]])
#
# Its derivative is 1 wherever the unit is active, however large the input.
# At 0 itself there is a kink, and actfn takes 0 there.
#
# >>> actfn.relu_backward(1.0, x)
# array([0., 0., 1.])

draw(actfn.relu, actfn.relu_backward, -10, 10)

# %%
# Side by side
# ------------
#
# This is what arrives of a gradient of 1 behind each of the three, near 0 and far from it.
# The sigmoid and tanh let nearly nothing through at 10.
# ReLU lets everything through on the right, and nothing on the left.

print("     x   sigmoid      tanh  ReLU")
for value in (-10.0, -2.0, 0.5, 2.0, 10.0):
    behind = [backward(1.0, value) for backward in (actfn.sigmoid_backward, actfn.tanh_backward, actfn.relu_backward)]
    print(f"{value:6.1f}  {behind[0]:.2e}  {behind[1]:.2e}  {behind[2]:4.0f}")

assert actfn.sigmoid_backward(1.0, 10.0) < 1e-4 and actfn.tanh_backward(1.0, 10.0) < 1e-8
assert actfn.relu_backward(1.0, 10.0) == 1 and actfn.relu_backward(1.0, -10.0) == 0

plt.show()

# %%
# Next: :doc:`23_slopes_below_zero`.
