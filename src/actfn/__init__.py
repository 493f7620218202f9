"""Neural-network activation functions for NumPy, forward and backward: compiled, parallel, accurate in every tail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import elementwise, losses, pieces, rows, spatial
from ._build import build, kept_memory, kernels, most_threads
from ._docstrings import docstring
from .catalog import Activation, catalog

__version__ = "0.1.0"


if TYPE_CHECKING:
    # The activations are made from the catalog; type checkers see them as functions of anything.
    def __getattr__(name: str) -> Any: ...


def get(name: str) -> Any:
    """The activation of any name that libraries use for it.

    Parameters
    ----------
    name : str
        Upper or lower case, with or without separators: "hardtanh", "HardTanh" and "hard_tanh" are one.

    Returns
    -------
    callable
        The forward function; its backward is `actfn.<its name>_backward`.

    Raises
    ------
    ValueError
        For a name that no row of the catalog knows.

    Examples
    --------
    >>> import actfn
    >>> actfn.get("Swish") is actfn.swish
    True
    >>> actfn.get("expit") is actfn.sigmoid
    True
    """
    if not isinstance(name, str):
        raise TypeError(f"get: name must be a string, got {name!r}")
    return globals()[catalog.find(name).name]


# What set_num_threads was last given.
_limit = 0


def _limit_threads(function: str, n: int) -> None:
    global _limit
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"{function}: n must be an integer, got {n!r}")
    if n < 0:
        raise ValueError(f"{function}: n must be 0 or positive, got {n}")
    # As much as the compiled side can hold.
    kernels.set_num_threads(min(n or most_threads, 2**31 - 1))
    _limit = n


def set_num_threads(n: int) -> None:
    """Use at most n threads from now on, in the whole process; 0 goes back to the default.

    Parameters
    ----------
    n : int
        OMP_NUM_THREADS, processor affinity and threadpoolctl may lower it further.

    Raises
    ------
    ValueError
        For a negative number.

    See Also
    --------
    threads : the same for a block of code.

    Notes
    -----
    The default is a thread per processor that the process may use. In a container with a CPU quota it is no more than
    the quota, rounded up, unless OMP_NUM_THREADS is set.

    Examples
    --------
    >>> import actfn
    >>> actfn.set_num_threads(1)
    >>> actfn.get_num_threads()
    1
    >>> actfn.set_num_threads(0)
    """
    _limit_threads("set_num_threads", n)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use at most n threads within a `with` block, then as many as before, whatever ended the block.

    Parameters
    ----------
    n : int
        As for `set_num_threads`; 0 for the default.

    Raises
    ------
    ValueError
        For a negative number.

    See Also
    --------
    set_num_threads : the same from now on.

    Notes
    -----
    The limit is one for the whole process, like that of `set_num_threads`: other Python threads have it too while the
    block runs.

    Examples
    --------
    >>> import actfn
    >>> with actfn.threads(1):
    ...     actfn.get_num_threads()
    1
    """
    before = _limit
    _limit_threads("threads", n)
    try:
        yield
    finally:
        _limit_threads("threads", before)


def get_num_threads() -> int:
    """How many threads a large call would use now.

    Examples
    --------
    >>> import actfn
    >>> actfn.get_num_threads() >= 1
    True
    """
    return int(kernels.get_num_threads())


def show_config() -> None:
    """Print the version, the build in use, the threads, and how much memory of freed results is kept for new ones.

    Notes
    -----
    Results of 32 MiB or more use the memory of freed ones again where the system can have it back at any time (Linux):
    up to 512 MiB, or as many as the environment variable ACTFN_KEEP_MIB says when actfn is imported, 0 for none.

    Examples
    --------
    >>> import actfn
    >>> actfn.show_config()  # doctest: +ELLIPSIS
    actfn ...
    """
    from ._build import available

    print(f"actfn    {__version__}")
    print(f"build    {build} (this machine can run {', '.join(available())})")
    print(f"threads  {get_num_threads()} ({'OpenMP' if kernels.openmp() else 'built without OpenMP: serial'})")
    print(f"memory   up to {kept_memory() >> 20} MiB of freed results")


def _publish(row: Activation) -> list[str]:
    module = {
        "rows": rows,
        "sampled rows": rows,
        "pieces": pieces,
        "spatial": spatial,
        "row loss": losses,
        "pointwise loss": losses,
    }.get(row.kind, elementwise)
    names = [row.name, f"{row.name}_backward"]
    for name in names:
        function = getattr(module, name)
        function.__doc__ = docstring(row, function, backward=name != row.name)
        if hasattr(function, "__code__"):
            function.__module__ = __name__
        globals()[name] = function
    return names


__all__ = ["Activation", "build", "catalog", "frelu", "frelu_backward", "get", "get_num_threads", "layers",
           "set_num_threads", "show_config", "threads"]  # fmt: skip
for _row in catalog.values():
    __all__ += _publish(_row)
frelu, frelu_backward = spatial.frelu, spatial.frelu_backward

# Made from the functions above.
from . import layers  # noqa: E402
