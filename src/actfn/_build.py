"""Picks the compiled build for this processor, once, at import."""

import importlib
import os

from ._machine import available, choose, cpu_quota, kept_memory

__all__ = ["available", "build", "choose", "cpu_quota", "kept_memory", "kernels", "most_threads"]

# Nothing compiled is imported before the processor is known to run it.
build = choose()
kernels = importlib.import_module(f"actfn._kernels_{build}")

# OpenMP counts processors and knows no quota: with more threads than it allows, all would stop until its next period.
most_threads = 0 if os.environ.get("OMP_NUM_THREADS") else cpu_quota()
kernels.set_num_threads(most_threads)
kernels.keep_memory(kept_memory())
