"""What this machine offers and the environment asks for; nothing compiled is needed to know it."""

import importlib.util
import math
import os
import sysconfig
from pathlib import Path
from typing import Any

# The oldest NumPy that works, as in pyproject.toml.
OLDEST_NUMPY = (2, 3)

# What NumPy must have found on the processor for a build to run: its own spelling since 2.4, or the older ones.
NEEDS: dict[str, list[set[str]]] = {
    "base": [set()],
    "v3": [{"X86_V3"}, {"AVX2", "FMA3", "F16C"}],
    "v4": [{"X86_V4"}, {"AVX512_SKX", "AVX2", "FMA3", "F16C"}],
}


def usable_numpy() -> Any:
    """NumPy; an ImportError that says what to do where it is missing or too old."""
    needed = ".".join(map(str, OLDEST_NUMPY))
    advice = f"pip install --upgrade 'numpy>={needed}'"
    try:
        # Here, so that `doctor` runs without NumPy too.
        import numpy as np
    except ImportError as error:
        raise ImportError(f"actfn: NumPy cannot be imported ({error}): {advice}") from error
    if tuple(int(part) for part in np.__version__.split(".")[:2]) < OLDEST_NUMPY:
        raise ImportError(f"actfn: NumPy must be {needed} or later, got {np.__version__}: {advice}")
    return np


def runnable() -> list[str]:
    """Builds that this processor can run, from the plainest to the fastest."""
    np = usable_numpy()
    # NumPy leaves out what is empty: without optimisations, all of it.
    config: Any = np.show_config(mode="dicts")
    simd = config.get("SIMD Extensions", {})
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    return [build for build, needs in NEEDS.items() if any(need <= found for need in needs)]


def available() -> list[str]:
    """Those of them that are installed."""
    return [build for build in runnable() if importlib.util.find_spec(f"actfn._kernels_{build}")]


def others() -> str:
    """What compiled builds there are in the package for another Python or processor, in words, or nothing."""
    found = sorted(path.name for path in Path(__file__).parent.glob("_kernels_*"))
    needed = sysconfig.get_config_var("EXT_SUFFIX")
    return f" for this Python, whose modules end in {needed}, got {', '.join(found)}" if found else ""


def choose() -> str:
    """The fastest build, or the one that ACTFN_BUILD asks for; an impossible wish is an ImportError."""
    builds = available()
    if not builds:
        raise ImportError(f"actfn: no compiled build is installed{others()}; install actfn again")
    wish = os.environ.get("ACTFN_BUILD", builds[-1])
    if wish not in NEEDS:
        raise ImportError(f"actfn: ACTFN_BUILD must be one of {', '.join(NEEDS)}, got {wish!r}")
    if wish not in builds:
        raise ImportError(f"actfn: ACTFN_BUILD asks for {wish!r}, but this machine can run {', '.join(builds)} only")
    return wish


def cpu_quota(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Processors that a container's quota of time amounts to, rounded up; 0 where there is none."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            # What the second version of control groups has in one file, the first has in two; -1 or "max" is no limit.
            quota, period = (int(word) for name in names for word in (root / name).read_text().split())
            return max(0, math.ceil(quota / period))
        except (OSError, ValueError):
            continue
    return 0


def kept_memory() -> int:
    """Bytes of freed results that may be kept for the next ones: what ACTFN_KEEP_MIB asks for, or 512 MiB."""
    wish = os.environ.get("ACTFN_KEEP_MIB", "512")
    if not wish.isascii() or not wish.isdigit():
        raise ImportError(f"actfn: ACTFN_KEEP_MIB must be a number of mebibytes, 0 to keep nothing, got {wish!r}")
    return min(int(wish) << 20, 2**63 - 1)
