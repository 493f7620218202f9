"""The number of threads changes no bit of any result, and everybody who has a say in it is heard."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

import actfn
from actfn import _build

from . import processes
from .situations import situation

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


@situation("nested")
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


@situation("nested")
def test_omp_num_threads_counts() -> None:
    """An upper limit that set_num_threads does not raise; a thousand are enough for anybody."""
    assert [count(omp=omp) for omp in ("1", "3", "300", "5000")] == [1, 3, 300, 1024]
    raised = "import actfn; actfn.set_num_threads({})\n"
    assert count(raised.format(2**70), omp="3") == 3
    assert count(raised.format(2), omp="3") == 2


@situation("nested")
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


@situation("nested")
def test_quota_is_the_default() -> None:
    """From the import on, also after a limit was lifted; OMP_NUM_THREADS and set_num_threads overrule it."""
    assert count(SMALL_CONTAINER) == 1
    assert count(SMALL_CONTAINER + "import actfn; actfn.set_num_threads(1); actfn.set_num_threads(0)\n") == 1
    assert count(SMALL_CONTAINER, omp="3") == 3
    cores = count()
    assert count(SMALL_CONTAINER + f"import actfn; actfn.set_num_threads({cores})\n") == cores


# ---- Many threads that call -----------------------------------------------------------------------------------

START = """
    import os, threading, warnings
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import actfn
    from tests import everything

    def tasks():
        return len(os.listdir("/proc/self/task"))
"""
counts_tasks = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in Linux's /proc")


def printed(code: str, **environment: str) -> str:
    """What lines of code print after START."""
    return processes.output(processes.joined(START, code), **environment)


@situation("threads")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_64_threads_on_the_same_input(dtype: str) -> None:
    """Every function, four times at once and beside all others: the bits of one call after the other."""
    code = f"""
        jobs = everything.jobs({dtype!r})
        with actfn.threads(1):
            wanted = {{name: everything.bits(job) for name, job in jobs.items()}}
        names = [name for name in jobs for _ in range(4)]
        with ThreadPoolExecutor(64) as pool:
            found = list(pool.map(lambda name: everything.bits(jobs[name]), names))
        print({{name for name, bits in zip(names, found) if bits != wanted[name]}})
    """
    assert printed(code, OMP_NUM_THREADS="2") == "set()"


@situation("one out")
def test_two_threads_write_to_the_same_out() -> None:
    """No crash; and the next call is right. So too where one reads what the other writes."""
    code = """
        a, b = np.linspace(-5, 5, 400_000).reshape(-1, 100), np.linspace(7, 9, 400_000).reshape(-1, 100)
        out = np.zeros_like(a)
        for f in (actfn.gelu, actfn.relu, actfn.elu, actfn.softmax, actfn.log_softmax, actfn.sparsemax, actfn.crelu):
            one, two = f(a), f(b)
            out = np.zeros_like(one)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda x: f(x, out=out), [a, b] * 10))
            assert np.isfinite(out).all() and np.array_equal(f(a), one) and np.array_equal(f(b), two), f
            x, y = a.copy(), b.copy()
            if f is not actfn.crelu:
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(lambda pair: f(pair[0], out=pair[1]), [(x, y), (y, x)] * 10))
                assert np.isfinite(x).all() and np.isfinite(y).all(), f
        print("done")
    """
    assert printed(code, OMP_NUM_THREADS="2") == "done"


@counts_tasks
@situation("nested")
def test_callers_share_their_helpers() -> None:
    """64 threads that call at once, with 16 to a call: 64, and at most 8 pools of 15, where there were 1024."""
    code = """
        x = np.linspace(-5, 5, 300_000, dtype=np.float32)
        before = tasks()
        wanted = actfn.gelu(x)
        assert tasks() == before + 15
        gate = threading.Barrier(64)

        def call(_):
            gate.wait()
            same = all(np.array_equal(actfn.gelu(x), wanted) for _ in range(5))
            gate.wait()
            return same, tasks()

        with ThreadPoolExecutor(64) as pool:
            found = list(pool.map(call, range(64)))
        assert all(same for same, _ in found)
        most = max(number for _, number in found)
        assert most <= before + 64 + 8 * 15, (before, most)
        # Threads that have ended leave their place to others.
        for _ in range(20):
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(lambda: (actfn.gelu(x), tasks())[1]).result() >= before + 15 + 1 + 15
        print("bounded")
    """
    assert printed(code, OMP_NUM_THREADS="16") == "bounded"


@situation("nested")
def test_hundreds_of_processors() -> None:
    """As many threads as a large machine has, also more than there are pieces: the same bits."""
    code = """
        x = np.linspace(-5, 5, 3_000_000, dtype=np.float32)
        with actfn.threads(1):
            wanted = actfn.gelu(x).tobytes(), actfn.softmax(x.reshape(-1, 100)).tobytes()
        found = actfn.gelu(x).tobytes(), actfn.softmax(x.reshape(-1, 100)).tobytes()
        print(found == wanted, actfn.get_num_threads())
    """
    assert printed(code, OMP_NUM_THREADS="300") == "True 300"


@situation("nested")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_inside_joblib(backend: str) -> None:
    """Workers of every backend have the same bits."""
    pytest.importorskip("joblib")
    code = f"""
        from joblib import Parallel, delayed
        warnings.simplefilter("ignore")  # joblib's own
        jobs = everything.jobs(size=40_000)
        wanted = {{name: everything.bits(job) for name, job in jobs.items()}}
        found = Parallel(n_jobs=4, backend={backend!r})(delayed(everything.bits)(job) for job in jobs.values())
        print([name for name, bits in zip(jobs, found) if bits != wanted[name]])
    """
    assert printed(code, OMP_NUM_THREADS="2") == "[]"


REGION = """
#include <omp.h>
void call_from_all(void (*function)(void), int threads) {
    #pragma omp parallel num_threads(threads)
    function();
}
"""


@counts_tasks
@situation("nested")
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc, to build another library that uses OpenMP")
def test_inside_another_librarys_parallel_region(tmp_path: Path) -> None:
    """Each of its threads calls. It finds that it is in a region and works alone, if both have the same runtime."""
    (tmp_path / "region.c").write_text(REGION)
    library = tmp_path / "region.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-fopenmp", "-o", library, tmp_path / "region.c"], check=True)
    code = f"""
        import ctypes
        from threadpoolctl import threadpool_info
        region, before = ctypes.CDLL({str(library)!r}), tasks()
        x = np.linspace(-5, 5, 300_000, dtype=np.float32)
        wanted, found = actfn.gelu(x), []
        callback = ctypes.CFUNCTYPE(None)(
            lambda: found.append((np.array_equal(actfn.gelu(x), wanted), actfn.get_num_threads())))
        region.call_from_all(callback, 8)
        for _ in range(5):
            region.call_from_all(callback, 8)
        assert len(found) == 48 and all(same for same, _ in found)
        runtimes = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
        assert len(runtimes) > 1 or {{threads for _, threads in found}} == {{1}}
        print(tasks() <= before + 7 + 3 + (8 * 3 if len(runtimes) > 1 else 0))
    """
    assert printed(code, OMP_NUM_THREADS="4") == "True"


@situation("shared memory")
def test_labels_that_another_thread_changes_during_the_call() -> None:
    """They have been checked by then: nothing is read or written out of bounds, whatever they are now."""
    processes.output("""
        import threading
        import numpy as np
        import actfn

        rng = np.random.default_rng(0)
        x = rng.normal(size=(4000, 5)).astype(np.float32)
        good = rng.integers(0, 5, 4000)
        target, weight, over = good.copy(), np.ones(5), threading.Event()

        def change():
            while not over.is_set():
                target[:] = 2**45
                target[:] = good

        thread = threading.Thread(target=change)
        thread.start()
        for _ in range(2000):
            for w in (None, weight):
                try:
                    actfn.cross_entropy(x, target, weight=w)
                    actfn.cross_entropy_backward(1.0, x, target, weight=w)
                except ValueError:
                    pass
        over.set()
        thread.join()
        """)
