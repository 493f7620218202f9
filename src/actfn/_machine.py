"""What this machine offers and the environment asks for; nothing compiled is needed to know it."""

import importlib.util
import math
import os
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


def runnable() -> list[str]:
    """Builds that this processor can run, from the plainest to the fastest."""
    # Here, so that `doctor` runs without NumPy too.
    import numpy as np

    # NumPy leaves out what is empty: without optimisations, all of it.
    config: Any = np.show_config(mode="dicts")
    simd = config.get("SIMD Extensions", {})
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    return [build for build, needs in NEEDS.items() if any(need <= found for need in needs)]


def available() -> list[str]:
    """Those of them that are installed."""
    return [build for build in runnable() if importlib.util.find_spec(f"actfn._kernels_{build}")]


def choose() -> str:
    """The fastest build, or the one that ACTFN_BUILD asks for; an impossible wish is an ImportError."""
    builds = available()
    if not builds:
        raise ImportError("actfn: no compiled build is installed; install actfn again with a C compiler present")
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
