"""Nothing the size of an operand is allocated behind the caller's back: the process grows by its results alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import processes

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from Linux's /proc")

SPARE = 16
# In a process of its own, because a peak is never forgotten. The arrays are touched first, since memory counts when it
# is written; a small call before that loads and starts whatever is loaded and started once.
CODE = """
    from pathlib import Path
    import numpy as np
    import actfn

    def status(field):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024

    def measured(mib):
        shape = (mib * 2**20 // 4096, 1024)
        x, g, out = (np.full(shape, value, np.float32) for value in (0.5, 0.25, 0))
        labels = np.zeros(shape[0], np.int64)
        before = status("VmRSS:")
        result = {call}
        results = result if isinstance(result, tuple) else (result,)
        fresh = sum(r.nbytes for r in results if not np.may_share_memory(r, out)) / 2**20
        return status("VmHWM:") - before - fresh

    measured(1)
    print(measured({mib}))
"""
CALLS = [
    "actfn.relu(x)",
    "actfn.relu(x, out=out)",
    "actfn.gelu(x, out=out)",
    "actfn.gelu(x, out=x)",
    "actfn.gelu(x.T, out=out.T)",
    "actfn.gelu(x[:, ::2], out=out[:, ::2])",
    "actfn.gelu_backward(g, x)",
    "actfn.gelu_backward(g, x, out=out)",
    "actfn.leaky_relu(x, np.full(1024, 0.5), out=out)",
    "actfn.prelu_backward(g, x, np.full(1024, 0.5))",
    "actfn.swiglu_backward(g, x, x)",
    "actfn.glu_backward(g[:, :512], x, out=out)",
    "actfn.softmax(x)",
    "actfn.softmax(x, out=out)",
    "actfn.softmax(x, axis=0, out=out)",
    "actfn.softmax_backward(g, x, out=out)",
    "actfn.log_softmax(x, out=x)",
    "actfn.sparsemax(x, out=out)",
    "actfn.logsumexp(x)",
    "actfn.cross_entropy(x, labels)",
    "actfn.cross_entropy_backward(1.0, x, labels, out=out)",
    "actfn.binary_cross_entropy(x, g)",
]
LARGE = ["actfn.gelu(x, out=out)", "actfn.softmax(x, out=out)", "actfn.gelu_backward(g, x)"]


@pytest.mark.parametrize(("call", "mib"), [*((call, 256) for call in CALLS), *((call, 1024) for call in LARGE)])
def test_peak_is_operands_and_results(call: str, mib: int) -> None:
    """Less than 16 MiB beyond what the caller holds, for operands of 256 MiB and of 1 GiB."""
    if available() < 5 * mib:
        pytest.skip(f"needs {5 * mib} MiB of free memory")
    beyond = float(processes.output(CODE.format(call=call, mib=mib)))
    assert beyond < SPARE, f"{call} needs {beyond:.0f} MiB beyond its operands and results"


def available() -> float:
    """Free memory in MiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024
