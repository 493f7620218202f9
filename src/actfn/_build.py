"""Picks the compiled build for this processor, once, at import."""

import importlib
import importlib.util
import os
from typing import Any

import numpy as np

# What NumPy must have found on the processor for a build to run: its own spelling since 2.4, or the older ones.
_NEEDS: dict[str, list[set[str]]] = {
    "base": [set()],
    "v3": [{"X86_V3"}, {"AVX2", "FMA3"}],
    "v4": [{"X86_V4"}, {"AVX512_SKX"}],
}


def available() -> list[str]:
    """Builds that are installed and that this processor can run, from the plainest to the fastest."""
    simd: Any = np.show_config(mode="dicts")["SIMD Extensions"]
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    return [
        build
        for build, needs in _NEEDS.items()
        if any(need <= found for need in needs) and importlib.util.find_spec(f"actfn._kernels_{build}")
    ]


def choose() -> str:
    """The fastest build, or the one that ACTFN_BUILD asks for; an impossible wish is an ImportError."""
    builds = available()
    if not builds:
        raise ImportError("actfn: no compiled build is installed; install actfn again with a C compiler present")
    wish = os.environ.get("ACTFN_BUILD", builds[-1])
    if wish not in _NEEDS:
        raise ImportError(f"actfn: ACTFN_BUILD must be one of {', '.join(_NEEDS)}, got {wish!r}")
    if wish not in builds:
        raise ImportError(f"actfn: ACTFN_BUILD asks for {wish!r}, but this machine can run {', '.join(builds)} only")
    return wish


# Nothing compiled is imported before the processor is known to run it.
build = choose()
kernels = importlib.import_module(f"actfn._kernels_{build}")
