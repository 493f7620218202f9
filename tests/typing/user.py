"""A user's program, for type checkers only: what they must accept, and the types that they must find."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import actfn
from actfn import Activation, build, catalog, frelu, gelu, layers, softmax, threads


def matrix_of(rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.zeros((rows, columns), np.float32)


single: NDArray[np.float32] = np.zeros(3, np.float32)
double: NDArray[np.float64] = np.zeros(3)
matrix = matrix_of(2, 3)
short: NDArray[np.int16] = np.zeros(3, np.int16)
long: NDArray[np.int64] = np.zeros(3, np.int64)
labels: NDArray[np.int64] = np.zeros(2, np.int64)
scores: NDArray[np.float32] = np.zeros((2, 3), np.float32)
image: NDArray[np.float32] = np.zeros((1, 1, 2, 2), np.float32)
window: NDArray[np.float64] = np.zeros((1, 3, 3))

# A ufunc: the type and the shape of the input; scalars for scalars.
assert_type(actfn.gelu(single), NDArray[np.float32])
assert_type(actfn.gelu(double), NDArray[np.float64])
assert_type(actfn.gelu(matrix), np.ndarray[tuple[int, int], np.dtype[np.float32]])
assert_type(actfn.gelu(1.0), np.float64)
assert_type(actfn.gelu(np.float32(1)), np.float32)
assert_type(actfn.gelu(short), NDArray[np.float32])
assert_type(actfn.gelu(long), NDArray[np.float64])
assert_type(actfn.gelu(long, dtype=np.float32), NDArray[np.float32])
assert_type(actfn.gelu(double, out=single, casting="same_kind"), NDArray[np.float32])
assert_type(actfn.gelu(single, where=single > 0, out=single), NDArray[np.float32])
assert_type(actfn.gelu([1.0, 2.0]), Any)
assert_type(actfn.gelu_backward(single, single), NDArray[np.float32])
assert_type(actfn.gelu_backward(1.0, double), NDArray[np.float64])
assert_type(actfn.gelu_backward(1.0, 2.0), np.float64)
ufunc: np.ufunc = actfn.gelu
assert_type(actfn.gelu.nin, int)

# With parameters.
assert_type(actfn.leaky_relu(single, 0.2), NDArray[np.float32])
assert_type(actfn.leaky_relu(single, negative_slope=double), NDArray[np.float32])
assert_type(actfn.leaky_relu(matrix), np.ndarray[tuple[int, int], np.dtype[np.float32]])
assert_type(actfn.leaky_relu(1), np.float64)
assert_type(actfn.leaky_relu(double, out=single), NDArray[np.float32])
assert_type(actfn.leaky_relu_backward(single, single, 0.2), NDArray[np.float32])
assert_type(actfn.prelu(single, np.float32(0.2)), NDArray[np.float32])

# A learned parameter has a gradient of its own.
assert_type(actfn.prelu_backward(single, single, 0.2), tuple[NDArray[np.float32], np.float32])
assert_type(actfn.prelu_backward(single, single, single), tuple[NDArray[np.float32], NDArray[np.float32]])
assert_type(actfn.swish_backward(1.0, double, beta=2.0), tuple[NDArray[np.float64], np.float64])

# Gated.
assert_type(actfn.swiglu(single, single), NDArray[np.float32])
assert_type(actfn.swiglu_backward(single, single, single), tuple[NDArray[np.float32], NDArray[np.float32]])

# Rows and images.
assert_type(actfn.softmax(single, axis=0, temperature=0.5, mask=single > 0), NDArray[np.float32])
assert_type(actfn.softmax([2.0, 1.0]), NDArray[Any])
assert_type(actfn.softmax(double, out=single), NDArray[np.float32])
assert_type(actfn.softmax_backward(single, single), NDArray[np.float32])
assert_type(actfn.funnel_relu_backward(1.0, image, window), tuple[NDArray[np.float32], NDArray[np.float32]])

# Losses: a number, or a loss for each.
assert_type(actfn.cross_entropy(scores, labels), np.float32)
assert_type(actfn.cross_entropy(scores, labels, reduction="sum"), np.float32)
assert_type(actfn.cross_entropy(scores, labels, reduction="none"), NDArray[np.float32])
assert_type(actfn.binary_cross_entropy(double, double, 2.0), np.float64)
assert_type(actfn.cross_entropy_backward(1.0, scores, labels), NDArray[np.float32])

# Names imported one by one.
assert_type(gelu(single), NDArray[np.float32])
assert_type(softmax(single), NDArray[np.float32])
assert_type(frelu(image, window), NDArray[Any])
assert_type(catalog["gelu"], Activation)
assert_type(build, str)
with threads(1):
    pass

# The rest of the package.
assert_type(actfn.catalog["gelu"], actfn.Activation)
assert_type(actfn.catalog["gelu"].params.get("alpha"), float | int | None)
assert_type([row.name for row in actfn.catalog.values()], list[str])
assert_type(actfn.get("swish"), Any)
assert_type(actfn.build, str)
assert_type(actfn.get_num_threads(), int)
with actfn.threads(2):
    actfn.set_num_threads(0)
actfn.show_config()

# Layers that are made from the catalog.
net = layers.Sequential(layers.LeakyReLU(negative_slope=0.2), layers.GELU("tanh"), layers.Softmax(axis=1))
net(scores)
assert_type(layers.Softmax(temperature=2.0).row, Activation)

# The axis of a layer by PyTorch's name, and a dimension's name.
layers.Sequential(layers.GLU(dim=1), layers.Maxout(2, dim=1), layers.GumbelSoftmax(0.5, dim=1), layers.Softmax(dim=1))
layers.Softmax(dim=-1, temperature=2.0)(scores)
layers.CrossEntropyLoss(dim=1, reduction="sum")(scores, labels)
layers.LogSoftmax(axis="class")
layers.CrossEntropyLoss(axis="class")
