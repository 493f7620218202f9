"""The number of threads changes no bit of any result, and everybody who has a say in it is heard."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest

import actfn
from actfn import _build

from . import processes

# Every ufunc of the build and the functions of rows, on arrays large enough for all threads; a digest of each result.
DIGESTS = """
    import hashlib
    import numpy as np
    import actfn
    from actfn import _ufuncs
    from actfn._build import kernels

    rng = np.random.default_rng(1)

    def show(name, results):
        results = results if isinstance(results, tuple) else (results,)
        print(name, hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()[:12])

    for name, ufunc in sorted(kernels.ufuncs.items()):
        inputs, params = kernels.operand_names[name]
        for dtype in ("float16", "float32", "float64"):
            x = [rng.normal(scale=3, size=600_011).astype(dtype) for _ in inputs]
            show(f"{name} {dtype}", ufunc(*x, *[0.3] * len(params)))
    x = rng.normal(scale=3, size=(50_000, 10)).astype(np.float32)
    g = rng.normal(size=x.shape).astype(np.float32)
    for axis in (0, 1):
        for name in ("softmax", "log_softmax", "softmin", "softmax1", "sparsemax", "entmax15", "hardmax",
                     "standardize"):
            y = getattr(actfn, name)(x, axis)
            show(f"{name} {axis}", (y, getattr(actfn, f"{name}_backward")(g, y, axis)))
        show(f"logsumexp {axis}", actfn.logsumexp(x, axis))
    labels = rng.integers(0, 10, 50_000)
    show("cross_entropy", actfn.cross_entropy(x, labels, reduction="none"))
    show("cross_entropy_backward", actfn.cross_entropy_backward(1, x, labels))
    show("prelu_backward", actfn.prelu_backward(g, x, rng.normal(size=10)))
    image = rng.normal(size=(4, 8, 100, 100)).astype(np.float32)
    show("funnel_relu", actfn.funnel_relu(image, rng.normal(size=(8, 3, 3))))
    assert actfn.get_num_threads() == THREADS
"""


@pytest.fixture(scope="module")
def serial() -> list[str]:
    return processes.output(DIGESTS.replace("THREADS", "1"), OMP_NUM_THREADS="1").splitlines()


@pytest.mark.parametrize("threads", [2, 3, 5, 8])
def test_results_do_not_depend_on_the_number_of_threads(threads: int, serial: list[str]) -> None:
    """One to eight threads, more than there may be processors, return the same bits from every function."""
    found = processes.output(DIGESTS.replace("THREADS", str(threads)), OMP_NUM_THREADS=str(threads)).splitlines()
    assert len(serial) > 240
    assert found == serial


# ---- How many threads -----------------------------------------------------------------------------------------


def test_threads_holds_within_its_block() -> None:
    """Blocks nest, and each leaves behind what it found."""
    actfn.set_num_threads(1)
    with actfn.threads(0):
        default = actfn.get_num_threads()
        with actfn.threads(1):
            assert actfn.get_num_threads() == 1
        assert actfn.get_num_threads() == default
    assert actfn.get_num_threads() == 1


def test_threads_restores_after_an_exception() -> None:
    before = actfn.get_num_threads()
    with pytest.raises(KeyError), actfn.threads(1):
        raise KeyError
    assert actfn.get_num_threads() == before


def test_threads_refuses_what_is_no_number_of_threads() -> None:
    """The limit stays as it was."""
    before = actfn.get_num_threads()
    with pytest.raises(ValueError, match=re.escape("threads: n must be 0 or positive, got -1")), actfn.threads(-1):
        pass
    for bad in (1.0, True, "2", None):
        message = re.escape(f"threads: n must be an integer, got {bad!r}")
        with pytest.raises(TypeError, match=message), actfn.threads(bad):  # type: ignore[arg-type]
            pass
    assert actfn.get_num_threads() == before


COUNT = """
    import actfn
    print(actfn.get_num_threads())
"""


def count(before: str = "", omp: str = "") -> int:
    """Threads of a fresh process, after some lines of code and with OMP_NUM_THREADS."""
    return int(processes.output(textwrap.dedent(before) + textwrap.dedent(COUNT), OMP_NUM_THREADS=omp))


def test_omp_num_threads_counts() -> None:
    """An upper limit that set_num_threads does not raise."""
    assert [count(omp=omp) for omp in ("1", "3")] == [1, 3]
    raised = "import actfn; actfn.set_num_threads({})\n"
    assert count(raised.format(2**70), omp="3") == 3
    assert count(raised.format(2), omp="3") == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity")
def test_processor_affinity_counts() -> None:
    """One thread on one processor, as under taskset."""
    assert count("import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n") == 1


def test_threadpoolctl_limits() -> None:
    """For as long as its block lasts."""
    code = """
        import actfn
        from threadpoolctl import threadpool_limits

        with threadpool_limits(2):
            print(actfn.get_num_threads())
        print(actfn.get_num_threads())
    """
    assert processes.output(code, OMP_NUM_THREADS="4").split() == ["2", "4"]


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, 0),
        ({"cpu.max": "max 100000\n"}, 0),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": ""}, 0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0),
        ({"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "250000\n"}, 0),
    ],
)
def test_quota_of_a_control_group(files: dict[str, str], quota: int, tmp_path: Path) -> None:
    """Both versions of control groups, with a limit and without; half a processor is one."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _build.cpu_quota(tmp_path) == quota


# Half a processor's time for whoever reads the file.
SMALL_CONTAINER = """
from pathlib import Path

read_text = Path.read_text
Path.read_text = lambda path, *args, **options: (
    "50000 100000" if path.name == "cpu.max" else read_text(path, *args, **options)
)
"""


def test_quota_is_the_default() -> None:
    """From the import on, also after a limit was lifted; OMP_NUM_THREADS and set_num_threads overrule it."""
    assert count(SMALL_CONTAINER) == 1
    assert count(SMALL_CONTAINER + "import actfn; actfn.set_num_threads(1); actfn.set_num_threads(0)\n") == 1
    assert count(SMALL_CONTAINER, omp="3") == 3
    cores = count()
    assert count(SMALL_CONTAINER + f"import actfn; actfn.set_num_threads({cores})\n") == cores
