"""A user's program on xarray's objects, for type checkers: names of dimensions, and the type that comes back."""

from typing import Any, assert_type

import numpy as np
import xarray as xr

import actfn
from actfn import layers

scores = xr.DataArray(np.zeros((2, 3)), dims=["sample", "class"])
several = xr.Dataset({"scores": scores})
labels = xr.DataArray(np.zeros(2, np.int64), dims=["sample"])
grad = np.ones((2, 3))

assert_type(actfn.softmax(scores), xr.DataArray)
assert_type(actfn.softmax(scores, axis="class", mask=scores >= 0, temperature=0.5), xr.DataArray)
assert_type(actfn.softmax(several, axis="class"), xr.Dataset)
assert_type(actfn.softmax_backward(scores, scores, "class"), xr.DataArray)
assert_type(actfn.softmax_backward(grad, scores, axis="class"), xr.DataArray)
assert_type(actfn.logsumexp(scores, axis="class"), Any)
assert_type(actfn.logsumexp_backward(1.0, scores, axis="class"), xr.DataArray)
assert_type(actfn.cross_entropy(scores, labels, axis="class"), Any)
assert_type(actfn.cross_entropy_backward(1.0, scores, labels, axis="class"), xr.DataArray)
layers.Softmax(axis="class")(scores)
layers.Softmax(dim="class")(scores)
layers.CrossEntropyLoss(axis="class")(scores, labels)

# Where the shape alone counts, a dimension's name changes nothing; type checkers have no more to say than Any.
assert_type(actfn.gelu(scores), Any)
assert_type(actfn.leaky_relu(several, 0.2), Any)
