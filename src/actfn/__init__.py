"""Neural-network activation functions for NumPy, forward and backward: compiled, parallel, accurate in every tail."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .catalog import Activation as Activation
from .catalog import catalog as catalog

__version__ = "0.1.0"

# First of all: a damaged module, which it looks for, may end the process that imports it.
if sys.argv[1:2] == ["doctor"]:
    from .__main__ import is_running, main

    if is_running():
        raise SystemExit(main())

try:
    from ._machine import available, kept_memory, usable_numpy

    usable_numpy()
    from . import _functions, spatial
    from ._arrays import shown
    from ._build import build as build
    from ._build import kernels, most_threads
    from ._functions import *  # noqa: F403
except Exception as _error:
    # Python imports the package before the command line in it, whose `doctor` is for the case that this fails.
    from .__main__ import is_running, main

    if is_running():
        raise SystemExit(main(failure=_error)) from None
    _error.add_note("`python -m actfn doctor` says what is wrong and what to do.")
    raise


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
        raise TypeError(f"get: name must be a string, got {shown(name)}")
    return getattr(_functions, catalog.find(name).name)


# What set_num_threads was last given; a reload does not forget it.
_limit: int = globals().get("_limit", 0)


def _limit_threads(function: str, n: int) -> None:
    global _limit
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"{function}: n must be an integer, got {shown(n)}")
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

    Python threads that call at once share these threads: one that finds none left works alone.

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
    print(f"actfn    {__version__}")
    print(f"build    {build} (this machine can run {', '.join(available())})")
    print(f"threads  {get_num_threads()} ({kernels.why_serial or 'OpenMP'})")
    print(f"memory   up to {kept_memory() >> 20} MiB of freed results")


if not TYPE_CHECKING:
    # Type checkers cannot add lists; for them, what is imported above as itself or by * is public.
    __all__ = ["Activation", "build", "catalog", "frelu", "frelu_backward", "get", "get_num_threads", "layers",
               "set_num_threads", "show_config", "threads", *_functions.__all__]  # fmt: skip
frelu, frelu_backward = spatial.frelu, spatial.frelu_backward

# Made from the functions above.
from . import layers as layers  # noqa: E402
