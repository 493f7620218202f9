"""The chosen build's ufuncs under their own names: pickle finds a ufunc in a module by its `__name__`."""

from ._build import kernels

float_dtype = kernels.float_dtype
globals().update(kernels.ufuncs)
for _ufunc in kernels.ufuncs.values():
    _ufunc.__module__ = __name__
