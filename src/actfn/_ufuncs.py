"""The chosen build's ufuncs under their own names: pickle finds a ufunc in a module by its `__name__`."""

from typing import TYPE_CHECKING, Any

from ._build import kernels

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


array_of, float_dtype = kernels.array_of, kernels.float_dtype
globals().update(kernels.ufuncs)
for _ufunc in kernels.ufuncs.values():
    _ufunc.__module__ = __name__
