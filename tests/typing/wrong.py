"""Calls that type checkers must refuse: each line with ERROR, and no other."""

import numpy as np

import actfn

x = np.zeros(3, np.float32)

actfn.gelu(x, 0.5)  # ERROR
actfn.gelu(x, alpha=1.0)  # ERROR
actfn.gelu(x, casting="loose")  # ERROR
actfn.geluu(x)  # ERROR
actfn.elu(x, beta=1.0)  # ERROR
actfn.prelu(x)  # ERROR
actfn.softmax(x, axis="last")  # ERROR
actfn.cross_entropy(x, x, reduction="max")  # ERROR
actfn.get(3)  # ERROR
actfn.set_num_threads("all")  # ERROR
actfn.layers.LeakyReLU(slope=0.2)  # ERROR
actfn.layers.Threshold(0.5)  # ERROR
actfn.layers.LeekyReLU()  # ERROR
actfn.layers.ReLU(dim=1)  # ERROR
actfn.layers.Softmax(axis=0, dim=1)  # ERROR
actfn.layers.CrossEntropyLoss(axis=0, dim=1)  # ERROR
actfn.layers.GumbelSoftmax(dim="class")  # ERROR
actfn.softmax(x, dim=0)  # ERROR
actfn.maxout(x, 2, axis="class")  # ERROR
with actfn.threads():  # ERROR
    pass
