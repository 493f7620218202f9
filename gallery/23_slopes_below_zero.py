r"""
Leaky ReLU, PReLU, ELU, and the two that are called FReLU
=========================================================

Each of these answers the same question in another way: what should a ReLU do with negative inputs?
On this page you compare the answers, let a network learn one of them, and look at an image through another.

You should have met :doc:`the ReLU <21_sigmoid_tanh_relu>`.
"""

# sphinx_gallery_tags = ["intermediate", "functions", "images"]
# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

# %%
# Leaky ReLU: a small slope
# -------------------------
#
# .. math::
#
#    f(x) = \begin{cases} x & x > 0 \\ 0.01\,x & x \le 0 \end{cases}
#
# A hundredth of the gradient gets through, so no unit is ever cut off.
#
# >>> x = np.array([-2.0, -1.0, 0.0, 3.0])
# >>> actfn.leaky_relu(x)
# array([-0.02, -0.01,  0.  ,  3.  ])
# >>> actfn.leaky_relu_backward(1.0, x)
# array([0.01, 0.01, 0.01, 1.  ])
#
# The slope is a parameter, here as in PyTorch:
#
# >>> actfn.leaky_relu(x, negative_slope=0.2)
# array([-0.4, -0.2,  0. ,  3. ])

# %%
# ELU: a curve towards -1
# -----------------------
#
# .. math::
#
#    f(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases}
#
# It flattens out at :math:`-\alpha`, and has no kink at 0 for :math:`\alpha = 1`.
#
# >>> actfn.elu(np.array([-2.0, -1.0, 0.0, 3.0])).round(4)
# array([-0.8647, -0.6321,  0.    ,  3.    ])
# >>> actfn.elu_backward(1.0, np.array([-2.0, -1.0, 0.0, 3.0])).round(4)
# array([0.1353, 0.3679, 1.    , 1.    ])

x = np.linspace(-4, 3, 701)
shown = {
    "ReLU": (actfn.relu(x), actfn.relu_backward(1.0, x)),
    "Leaky ReLU, slope 0.01": (actfn.leaky_relu(x), actfn.leaky_relu_backward(1.0, x)),
    "PReLU, slope 0.25": (actfn.prelu(x, 0.25), actfn.prelu_backward(1.0, x, 0.25)[0]),
    "ELU": (actfn.elu(x), actfn.elu_backward(1.0, x)),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for k, (name, (y, slope)) in enumerate(shown.items()):
    style = {"color": f"C{k}", "linewidth": 2, "linestyle": ("-", "--", "-.", ":")[k]}
    left.plot(x, y, label=name, **style)
    right.plot(x, slope, **style)
left.set(xlabel="x", ylabel="f(x)", ylim=(-1.2, 3))
right.set(xlabel="x", ylabel="derivative")
left.legend()

# %%
# PReLU: a slope that is learned
# ------------------------------
#
# PReLU is a leaky ReLU whose slope :math:`w` is a weight of the network.
# Its backward function returns two gradients, that of the input and that of the slope:
#
# .. math::
#
#    \frac{\partial L}{\partial w} = \sum_{x \le 0} g\,x
#
# where :math:`g` is the gradient from above.
# Here the data come from a function with the slope 0.3 below zero, and PReLU has to find it.

rng = np.random.default_rng(0)
inputs = rng.normal(0, 1, 200)
wanted = np.where(inputs > 0, inputs, 0.3 * inputs)

weight = np.array([0.0])
path, losses = [], []
for _ in range(25):
    path.append(weight[0])
    error = actfn.prelu(inputs, weight) - wanted
    losses.append(np.mean(error**2))
    _, grad_weight = actfn.prelu_backward(2 * error / len(inputs), inputs, weight)
    weight = weight - 0.5 * grad_weight
print(f"slope after 25 steps: {weight[0]:.4f}")
assert abs(weight[0] - 0.3) < 1e-3

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
left.plot(path, "C2o-", markersize=4)
left.axhline(0.3, color="0.5", linestyle="--", linewidth=1)
left.set(xlabel="step", ylabel="learned slope")
right.plot(losses, "C0o-", markersize=4)
right.set(xlabel="step", ylabel="mean squared error", yscale="log")

# %%
# A slope per channel is an array that broadcasts.
# Its gradient has the same shape: each channel is summed for itself.
#
# >>> channels = np.array([[-2.0, -2.0], [4.0, -6.0]])
# >>> slope = np.array([0.5, 0.1])
# >>> actfn.prelu(channels, slope)
# array([[-1. , -0.2],
#        [ 4. , -0.6]])
# >>> actfn.prelu_backward(np.ones((2, 2)), channels, slope)[1]
# array([-2., -8.])

# %%
# FReLU, first meaning: flexible
# ------------------------------
#
# Two papers use the name FReLU for different functions.
# The flexible ReLU is a ReLU that is moved up or down by a learned bias:
#
# .. math::
#
#    f(x) = \max(x, 0) + b
#
# The outputs of a ReLU are never negative, so their mean is not 0; a negative :math:`b` can put that right.

inputs = rng.normal(0, 1, 100_000)
bias = -actfn.relu(inputs).mean()
print(f"mean of the ReLU {-bias:.3f}, bias that makes it 0: {bias:.3f}")
assert abs(actfn.flexible_relu(inputs, bias).mean()) < 1e-9

# %%
# >>> actfn.flexible_relu(np.array([-2.0, 0.0, 3.0]), -0.5)
# array([-0.5, -0.5,  2.5])
# >>> grad, grad_bias = actfn.flexible_relu_backward(np.ones(3), np.array([-2.0, 0.0, 3.0]), np.array([-0.5]))
# >>> grad
# array([0., 0., 1.])
# >>> grad_bias
# array([3.])

# %%
# FReLU, second meaning: funnel
# -----------------------------
#
# The funnel ReLU is for images.
# It replaces the 0 of the ReLU by a weighted sum :math:`T` of the 3 x 3 pixels around each pixel:
#
# .. math::
#
#    f(x) = \max(x, T(x))
#
# A pixel can be lifted by its neighbours, so lines grow together and small gaps close.
# The weights are learned, a window per channel.
# The window below is chosen by hand: half of the pixel above and half of the one below.
# ``actfn.frelu`` is this one, because this one is what the name means in image recognition.

images = load_digits().images[:4, None].astype(np.float32) / 16
window = np.zeros((1, 3, 3), np.float32)
window[0, (0, 2), 1] = 0.5
lifted = actfn.funnel_relu(images, window)

assert actfn.frelu is actfn.funnel_relu
assert np.all(lifted >= images) and np.any(lifted > images)

figure, grid = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for row, pictures, label in zip(grid, (images, lifted), ("image", "funnel ReLU"), strict=True):
    for axes, picture in zip(row, pictures[:, 0], strict=True):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
    row[0].set_ylabel(label)

# %%
# The gradient goes to the pixel where the pixel was larger, and through the window where the sum was.
# Check both of them by moving one pixel and one weight a little:

small = np.array([[[[1.0, -2.0], [3.0, -4.0]]]])
window = np.full((1, 3, 3), 0.1)
grad_image, grad_window = actfn.funnel_relu_backward(np.ones_like(small), small, window)

moved_image, moved_window = small.copy(), window.copy()
moved_image[0, 0, 1, 0] += 1e-6
moved_window[0, 0, 1] += 1e-6
before = actfn.funnel_relu(small, window).sum()
by_image = (actfn.funnel_relu(moved_image, window).sum() - before) / 1e-6
by_window = (actfn.funnel_relu(small, moved_window).sum() - before) / 1e-6

# %%
# >>> print(f"{by_image:.4f} {grad_image[0, 0, 1, 0]:.4f}")
# 1.2000 1.2000
# >>> print(f"{by_window:.4f} {grad_window[0, 0, 1]:.4f}")
# -2.0000 -2.0000

plt.show()

# %%
# Next: :doc:`24_softmax`.
