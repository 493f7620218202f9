"""Nothing the size of an operand is allocated behind the caller's back: the process grows by its results alone."""

from __future__ import annotations

import textwrap
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
    "actfn.entmax15(x, out=out)",
    "actfn.logsumexp(x)",
    "actfn.cross_entropy(x, labels)",
    "actfn.cross_entropy_backward(1.0, x, labels, out=out)",
    "actfn.binary_cross_entropy(x, g)",
]
LARGE = ["actfn.gelu(x, out=out)", "actfn.softmax(x, out=out)", "actfn.gelu_backward(g, x)"]


@pytest.mark.parametrize(("call", "mib"), [*((call, 256) for call in CALLS), *((call, 1024) for call in LARGE)])
def test_peak_is_operands_and_results(call: str, mib: int) -> None:
    """Less than 16 MiB beyond what the caller holds, for operands of 256 MiB and of 1 GiB."""
    if processes.free_mebibytes() < 5 * mib:
        pytest.skip(f"needs {5 * mib} MiB of free memory")
    beyond = float(processes.output(CODE.format(call=call, mib=mib)))
    assert beyond < SPARE, f"{call} needs {beyond:.0f} MiB beyond its operands and results"


# ---- Large results --------------------------------------------------------------------------------------------
# Whether memory is kept is asked of NumPy by address, so each question has a process of its own.

REUSE = """
    import os
    import numpy as np
    import actfn
    from numpy._core.multiarray import get_handler_name

    def address(a):
        return a.__array_interface__["data"][0]

    def result(mib, fill=1.0):
        y = actfn.relu(np.full(mib * 2**18, fill, np.float32))
        assert np.all(y == fill)
        return y
"""


def answer(code: str, **environment: str) -> str:
    return processes.output(f"{textwrap.dedent(REUSE)}\n{textwrap.dedent(code)}", **environment)


def test_memory_of_large_results_is_used_again() -> None:
    """A result of the same size finds the memory of the last one, with the right values in it; small ones do not."""
    code = """
        for mib in (33, 80):
            first = result(mib)
            assert get_handler_name(first) == "actfn" and address(first) % 2**21 == 0
            where = address(first)
            other = result(mib)
            assert address(other) != where
            del first
            again = result(mib, 3.0)
            assert address(again) == where and np.all(other == 1)
        assert get_handler_name(result(30)) == "default_allocator"
        x = np.ones((9000, 1000), np.float32)
        for y in (actfn.softmax(x), actfn.gelu_backward(x, x), actfn.relu(x.T), actfn.leaky_relu(x, np.ones(1000))):
            assert get_handler_name(y) == "actfn"
        assert actfn.relu(x.T).strides == x.T.strides
    """
    answer(code)


def test_kept_memory_is_limited() -> None:
    """By default and by ACTFN_KEEP_MIB; what does not fit is freed, and 0 keeps nothing."""
    code = """
        def resident():
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        x = np.ones(40 * 2**18, np.float32)
        before = resident()
        results = [actfn.relu(x) for _ in range(8)]
        assert resident() > before + 8 * 40 - 5
        del results
        print(resident() - before)
    """
    assert 75 < float(answer(code, ACTFN_KEEP_MIB="100")) < 90
    assert float(answer(code, ACTFN_KEEP_MIB="0")) < 8
    assert 150 < float(answer(code)) < 170
    for size in (35, 60, 37, 33, 90, 41):
        code += f"""
        del x
        x = np.ones({size} * 2**18, np.float32)
        results = [actfn.relu(x) for _ in range(3)]
        del results
        """
    code += "\n        assert resident() < 300"
    answer(code, ACTFN_KEEP_MIB="100")
    result = processes.run("import actfn", ACTFN_KEEP_MIB="some")
    assert (
        "ImportError: actfn: ACTFN_KEEP_MIB must be a number of mebibytes, 0 to keep nothing, got 'some'"
        in result.stderr
    )


def test_large_results_are_ordinary_arrays() -> None:
    """They own their memory, can be resized, sent to other threads, and live through a fork."""
    code = """
        from concurrent.futures import ThreadPoolExecutor
        y = result(34)
        assert y.flags.owndata and y.base is None
        y.resize(y.size * 2, refcheck=False)
        assert np.all(y[: y.size // 2] == 1) and np.all(y[y.size // 2 :] == 0)
        y.resize(100, refcheck=False)
        assert np.all(y == 1)
        del y
        def many(k):
            for i in range(12):
                result(33 + (k + i) % 5, k + 2.0)
            return True
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(many, range(4)))
        y = result(35, 5.0)
        if (child := os.fork()) == 0:
            assert np.all(y == 5) and many(1)
            del y
            many(2)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0 and np.all(y == 5)
    """
    answer(code)
