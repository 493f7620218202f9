"""What a process has set stays as it is, and what it has set does not change results."""

from __future__ import annotations

import platform
import sys

import pytest

from . import measure, processes
from .situations import situation

linux_x86 = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="reads the processor's control words through glibc on x86-64 only",
)
BUILDS = list(measure.builds())

# ---- What is left as it was -----------------------------------------------------------------------------------

STATE = """
    import gc, locale, os, random, signal, sys, threading, warnings
    import numpy as np
    from numpy._core.multiarray import get_handler_name

    def state():
        found = {
            "signal handlers": {s: signal.getsignal(s) for s in signal.valid_signals()},
            "locale": locale.setlocale(locale.LC_ALL),
            "os.environ": dict(os.environ),
            "NumPy's error state": (np.geterr(), np.geterrcall(), np.getbufsize()),
            "NumPy's memory": get_handler_name(),
            "random numbers": (random.getstate(), str(np.random.get_state())),
            "warnings": list(warnings.filters),
            "sys.path": (list(sys.path), list(sys.meta_path), list(sys.path_hooks)),
            "hooks": (sys.excepthook, sys.displayhook, sys.gettrace(), sys.getprofile(), threading.excepthook),
            "interpreter": (sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), gc.get_threshold()),
            "streams": (sys.stdin, sys.stdout, sys.stderr),
            "Python threads": threading.enumerate(),
            "folder": os.getcwd(),
        }
        if sys.platform == "linux":
            import ctypes, resource
            c = ctypes.CDLL(None)
            names = [name for name in dir(resource) if name.startswith("RLIMIT")]
            variables = ctypes.POINTER(ctypes.c_char_p).in_dll(c, "environ")
            count = next(k for k in range(10**6) if variables[k] is None)
            with open("/proc/self/status") as f:
                signals = [line for line in f if line.startswith(("Sig", "Shd"))]
            found |= {
                "C's environment": variables[:count],
                "limits": [resource.getrlimit(getattr(resource, name)) for name in names],
                "the system's signals": [line for line in signals if "SigQ" not in line],
                "processors": os.sched_getaffinity(0),
                "rounding": ctypes.CDLL("libm.so.6").fegetround(),
                "files": sorted(os.listdir("/proc/self/fd")),
            }
        return found

    def unchanged(before):
        after = state()
        assert {name: after[name] for name in after if after[name] != before[name]} == {}
"""
EVERY_CALL = """
    from tests import everything
    for dtype in ("float16", "float32", "float64"):
        for job in everything.jobs(dtype, 40_000 if dtype == "float32" else 2000).values():
            job()
"""
CONTROL = """
    import ctypes
    libm = ctypes.CDLL("libm.so.6")

    def environment():
        # As glibc lays it out on x86-64: the x87's control word first, MXCSR last.
        found = (ctypes.c_ubyte * 32)()
        libm.fegetenv(found)
        return found

    def control():
        found = bytes(environment())
        # The lowest six bits of MXCSR are flags.
        return found[:2], int.from_bytes(found[28:], "little") >> 6

    def set_mxcsr(bits):
        changed = environment()
        changed[28:] = (int.from_bytes(bytes(changed[28:]), "little") | bits).to_bytes(4, "little")
        libm.fesetenv(changed)
"""


@situation("control words")
def test_a_process_is_left_as_it_was() -> None:
    """Signals, locale, environment, NumPy's and Python's settings: by import, by every call, by a limit on threads."""
    code = f"""
        before = state()
        import actfn
        unchanged(before)
        exec({processes.joined(EVERY_CALL)!r})
        with actfn.threads(1):
            pass
        unchanged(before)
        print("unchanged")
    """
    assert processes.output(processes.joined(STATE, code), OMP_NUM_THREADS="2") == "unchanged"


@linux_x86
@situation("control words")
def test_control_words_are_left_as_they_were() -> None:
    """MXCSR and the x87's: rounding, flush-to-zero, traps, precision; by import, by every call, in every thread."""
    code = f"""
        import threading
        import numpy as np
        before = control()
        import actfn
        assert control() == before
        assert np.float32(1e-40) * np.float32(1) > 0 and np.finfo(np.float64).smallest_subnormal == 5e-324

        def every_call():
            own = control()
            exec({processes.joined(EVERY_CALL)!r}, {{}})
            found.append(control() == own == before)

        found = []
        every_call()
        thread = threading.Thread(target=every_call)
        thread.start()
        thread.join()
        # What others have set stays set.
        set_mxcsr(0x8040)
        libm.fesetround(0x800)
        before = control()
        every_call()
        print(found)
    """
    assert processes.output(processes.joined(CONTROL, code), OMP_NUM_THREADS="2") == "[True, True, True]"


@situation("control words")
def test_other_libraries_keep_their_threads() -> None:
    """What threadpoolctl tells of BLAS and of other OpenMP runtimes, before actfn is imported and after it was used."""
    code = f"""
        import numpy, scipy.linalg, sklearn.utils.extmath
        from threadpoolctl import threadpool_info
        before = {{pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}}
        exec({processes.joined(EVERY_CALL)!r})
        actfn = everything.actfn
        actfn.set_num_threads(1)
        actfn.gelu(numpy.ones(100_000))
        after = {{pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}}
        assert before and {{path: after[path] for path in before}} == before
        print("unchanged")
    """
    assert processes.output(code, OMP_NUM_THREADS="3") == "unchanged"


# ---- What others have set -------------------------------------------------------------------------------------
# Tables, bit tricks and sums of two numbers are right to the nearest only: the kernels set the processor as they need
# it, and back. Without that tanh's gradient was off by 1e18 ULP where somebody rounded upwards.

MODES = {
    "flush to zero": ["set_mxcsr(0x8040)"],
    "rounding": ["libm.fesetround(0x400)", "libm.fesetround(0x800)", "libm.fesetround(0xC00)"],
}
each_mode = pytest.mark.parametrize(
    "mode",
    [
        pytest.param("rounding", marks=situation("rounding")),
        pytest.param("flush to zero", marks=situation("flush to zero")),
    ],
)
# Where NumPy or Python computes a part of the result: noise, the sum of a window's gradients, a mean.
BY_NUMPY = {"gumbel_softmax", "funnel_relu_backward", "binary_cross_entropy_backward"}


@linux_x86
@each_mode
@pytest.mark.parametrize("build", BUILDS)
def test_results_do_not_depend_on_the_processors_mode(mode: str, build: str) -> None:
    """Every function has the bits that it has otherwise, in every thread; what NumPy sums may be off a little."""
    code = f"""
        import numpy as np
        import actfn
        from tests import everything

        def differing(jobs, wanted, mode):
            usual = environment()
            exec(mode)
            try:
                found = {{name: everything.run(job) for name, job in jobs.items()}}
            finally:
                libm.fesetenv(usual)
            names = set()
            for name, results in found.items():
                for got, right in zip(results, wanted[name], strict=True):
                    signs = np.signbit(got) != np.signbit(right)
                    if not np.array_equal(got, right, equal_nan=True) or (signs & ~np.isnan(right)).any():
                        names.add(name)
                        bound = 16 * np.finfo(right.dtype).eps
                        both = np.isfinite(got) & np.isfinite(right)
                        np.testing.assert_allclose(got[both].astype(float), right[both].astype(float), bound, bound)
                        # The noise, rounded upwards, takes the largest number to infinity.
                        assert both.sum() >= 0.99 * np.isfinite(right).sum(), name
            return names

        assert actfn.get_num_threads() == 2
        for dtype in ("float16", "float32", "float64"):
            jobs = everything.jobs(dtype)
            wanted = {{name: everything.run(job) for name, job in jobs.items()}}
            for mode in {MODES[mode]}:
                names = differing(jobs, wanted, mode) - {BY_NUMPY}
                assert not names, (dtype, mode, names)
        print("same")
    """
    assert processes.output(processes.joined(CONTROL, code), OMP_NUM_THREADS="2", ACTFN_BUILD=build) == "same"


IMPORT = """
    import numpy as np
    usual = environment()
    MODE
    import actfn
    libm.fesetenv(usual)
    from tests import everything
    for name, job in everything.jobs(size=4000).items():
        print(name, everything.digest(job).hex()[:12])
"""


@pytest.fixture(scope="module")
def usual_import() -> str:
    return processes.output(processes.joined(CONTROL, IMPORT.replace("MODE", "pass")))


@linux_x86
@each_mode
def test_an_import_in_another_mode_makes_the_same_tables(mode: str, usual_import: str) -> None:
    """Tables are computed at import: the results afterwards are those of any other process."""
    for line in MODES[mode]:
        assert processes.output(processes.joined(CONTROL, IMPORT.replace("MODE", line))) == usual_import


@situation("flags")
@pytest.mark.parametrize("dtype", measure.DTYPES)
def test_no_function_raises_a_floating_point_error(dtype: str) -> None:
    """Infinite, NaN, subnormal and largest numbers among the others, where NumPy raises at every flag."""
    code = f"""
        import numpy as np
        from tests import everything
        jobs = everything.jobs({dtype!r}, 4000)
        with np.errstate(all="raise"):
            for job in jobs.values():
                job()
                operands = [np.flip(o) if isinstance(o, np.ndarray) else o for o in job.args]
                everything.Job(job.func, *operands, **job.keywords)()
        print(len(jobs))
    """
    assert int(processes.output(code)) > 150


@linux_x86
@situation("flags")
def test_traps_are_not_sprung() -> None:
    """Where somebody has the processor stop the program at every flag (feenableexcept), kernels run to their end."""
    code = """
        import numpy as np
        import actfn
        from tests import everything
        jobs = {n: job for n, job in everything.jobs().items() if isinstance(job.func, np.ufunc)}
        wanted = {name: everything.bits(job) for name, job in jobs.items()}
        found = {}
        usual = environment()
        libm.feclearexcept(0x3D)
        libm.feenableexcept(0x1D)
        for name, job in jobs.items():
            found[name] = job()
        libm.fesetenv(usual)
        assert [n for n in jobs if everything.bits(lambda: found[n]) != wanted[n]] == []
        print(len(found))
    """
    assert int(processes.output(processes.joined(CONTROL, code), OMP_NUM_THREADS="2")) > 50
