"""Nothing the size of an operand is allocated behind the caller's back: the process grows by its results alone.

And where memory runs out there is a MemoryError, and nothing else.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actfn

from . import calls, processes
from .situations import situation

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from Linux's /proc"),
    situation("no memory"),
]

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


# ---- Every function -------------------------------------------------------------------------------------------
# These run in processes of their own too: `code` calls one of the functions below.

MIB = 2**20
# What is copied or drawn besides the results, as a multiple of the first operand in float32.
COPIES = {"gumbel_softmax": 4.0, "funnel_relu_backward": 1.0}


def every_call(dtype: str) -> list[calls.Call]:
    return [*calls.calls(dtype), *calls.in_memory(dtype)]


def status(field: str) -> float:
    """Of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def print_peaks(rows: int, length: int) -> None:
    """The name of every function, and what it needs beyond operands and results, as a multiple of its first operand."""
    for small in every_call("float32"):
        small.run()
        call = small.resized(rows, length)
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS:")
        results = call.run()
        beyond = status("VmHWM:") - before - sum(np.asarray(r).nbytes for r in results) / MIB
        print(call.name, beyond / (next(iter(call.operands.values())).nbytes / MIB), flush=True)
        del call, results


def test_peak_of_every_function_is_operands_and_results() -> None:
    """But for those that are known to copy."""
    code = "from tests import test_memory; test_memory.print_peaks(65536, 128)"
    peaks = {
        name: float(peak) for name, peak in map(str.split, processes.output(code, ACTFN_KEEP_MIB="0").splitlines())
    }
    assert len(peaks) > 180
    beyond = {name: peak for name, peak in peaks.items() if peak > COPIES.get(name, 0) + 0.15}
    assert not beyond


def limited(room: float, function: Callable[[], Any]) -> Any:
    """What the function returns when there are so many MiB left to allocate; None after a MemoryError."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (int((status("VmSize:") + room) * MIB), most))
    try:
        return function()
    except MemoryError:
        return None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def rationed() -> Callable[[int], None]:
    """From now on NumPy asks us for the memory of arrays; how many more may be made is set by what is returned."""
    import ctypes as c

    # As in NumPy's allocator, of which all but the refusal is used. Memory is freed while an exception is on its way,
    # which is no time for Python.
    kinds = {
        "malloc": c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t),
        "calloc": c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t),
        "realloc": c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t),
    }

    class Handler(c.Structure):
        _fields_ = [
            ("name", c.c_char * 127), ("version", c.c_uint8), ("context", c.c_void_p),
            *kinds.items(), ("free", c.c_void_p),
        ]  # fmt: skip

    left = 10**9

    def set_left(number: int) -> None:
        nonlocal left
        left = number

    def refusing(function: Any) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal left
            left -= left > 0
            return function(*given) if left else None

        return call

    new, pointer = c.pythonapi.PyCapsule_New, c.pythonapi.PyCapsule_GetPointer
    new.restype, new.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
    pointer.restype, pointer.argtypes = c.c_void_p, [c.py_object, c.c_char_p]
    umath: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
    # PyDataMem_SetHandler and PyDataMem_GetHandler, by their places in NumPy's table for C.
    table = c.cast(pointer(umath._ARRAY_API, None), c.POINTER(c.c_void_p))
    set_handler, get_handler = c.PYFUNCTYPE(c.py_object, c.py_object)(table[304]), c.PYFUNCTYPE(c.py_object)(table[305])
    usual = Handler.from_address(pointer(get_handler(), b"mem_handler"))
    ours = Handler.from_buffer_copy(usual)
    for name, kind in kinds.items():
        setattr(ours, name, kind(refusing(getattr(usual, name))))
    set_left.keep = ours  # type: ignore[attr-defined]
    set_handler(new(c.addressof(ours), b"mem_handler", None))
    return set_left


def starve(dtype: str) -> None:
    """Every function, and the first, second, third ... array that it allocates cannot be had; how many calls failed."""
    set_left, failures = rationed(), 0
    for call in every_call(dtype):
        set_left(10**9)
        wanted = call.run()
        for order in None, "C", "F":
            out = call.out([np.full_like(w, 0.75, order=order) for w in wanted]) if order else None
            keyword = {} if out is None else {"out": out}
            for arrays in itertools.count():
                set_left(arrays)
                try:
                    got = call.run(**keyword)
                except MemoryError:
                    set_left(10**9)
                    failures += 1
                    for array in out if isinstance(out, tuple) else (out,):
                        assert array is None or (array == 0.75).all(), f"{call.name}: half-written, {arrays} arrays"
                else:
                    break
            set_left(10**9)
            for results in got, call.run():
                for g, w in zip(results, wanted, strict=True):
                    np.testing.assert_array_equal(g, w, err_msg=f"{call.name} {dtype}, {arrays} arrays")
    print(failures)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_memory_error_is_all_that_happens(dtype: str) -> None:
    """Whichever array cannot be allocated by whichever function: `out` stays as it was, and the next call is right."""
    failures = processes.output(f"from tests import test_memory; test_memory.starve({dtype!r})")
    assert int(failures) > 180


def test_no_room_for_a_thread() -> None:
    """OpenMP would end the process; a call takes as many threads as can be started."""
    code = """
        import numpy as np
        import actfn
        from tests.test_memory import limited
        x = np.linspace(-3, 3, 2**20, dtype=np.float32)
        y = np.empty_like(x)
        assert limited(1, lambda: actfn.gelu(x, out=y)) is y
        with actfn.threads(1):
            assert np.array_equal(y, actfn.gelu(x))
        assert np.array_equal(y, actfn.gelu(x))
        print(sum(1 for _ in __import__("pathlib").Path("/proc/self/task").iterdir()))
    """
    assert int(processes.output(code, OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="1")) == 3


def test_kept_memory_makes_way() -> None:
    """A result that does not fit beside what is kept takes its room."""
    code = """
        from tests.test_memory import limited
        for _ in range(3):
            y = result(40)
            del y
        x = np.ones(50 * 2**18, np.float32)
        assert limited(20, lambda: actfn.relu(x)) is not None
        assert limited(20, lambda: actfn.relu(np.broadcast_to(x, (3, x.size)))) is None
        result(40)
    """
    answer(code)


# ---- Leaks ----------------------------------------------------------------------------------------------------

# What is freed counts as free.
NO_CACHES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"
# What somebody might give instead of an operand, and as any option.
NONSENSE: list[Any] = [
    None, "text", [1.0, [2.0]], object(), 1j, np.ones((3, 7), complex), np.ones((2, 5)), np.array(["a"]), {}, -1, 2.5,
    np.array([1, "x"], object), np.zeros(3, "M8[s]"), np.zeros(2, "f4,f4"), float("nan"), np.longdouble(1),
]  # fmt: skip


def attempts(call: calls.Call) -> list[dict[str, Any]]:
    """Arguments that are wrong in one place each; few of them happen to be right."""
    options = [p for p in inspect.signature(getattr(actfn, call.name)).parameters if p not in ("args", "kwargs")]
    read_only = np.ones((calls.ROWS, calls.LENGTH))
    read_only.flags.writeable = False
    wrong = [{name: value} for name in {**call.operands, **dict.fromkeys(options)} for value in NONSENSE]
    wrong += [
        {"out": out} for out in (np.ones(3), np.ones((calls.ROWS, calls.LENGTH), int), read_only, (), (None,) * 3)
    ]
    wrong += [{"axis": 99}, {"axis": 2**70}, {"nonsense": 1}, {"target": np.full(calls.ROWS, 99)}, {"dtype": "U3"}]
    return [{}, *wrong]


def attempt(call: calls.Call, wrong: dict[str, Any]) -> bool:
    """Whether an error came of it."""
    try:
        call.run(**wrong)
    except Exception:
        return True
    return False


def in_use() -> int:
    """Bytes of the C library that have been allocated and not freed."""
    import ctypes

    class Info(ctypes.Structure):
        _fields_ = [
            (name, ctypes.c_size_t)
            for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "f", "k")
        ]

    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Info
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def left_behind(call: calls.Call, rounds: int) -> tuple[int, int, str]:
    """Calls, errors, and what leaks, if anything does.

    A leak grows by one a round at least, each time; what Python and NumPy keep for later does not.
    """
    import gc

    def held() -> tuple[int, ...]:
        gc.collect()
        return (sys.getallocatedblocks(), in_use(), *(sys.getrefcount(a) for a in call.operands.values()))

    wrongs = attempts(call)
    made, errors = len(wrongs), sum(attempt(call, wrong) for wrong in wrongs)
    # The first function fills what Python and NumPy keep: 256 objects, then 101, 55, 37, 18.
    for n in (rounds, 4 * rounds, *[16 * rounds] * 12):
        before = held()
        errors += sum(attempt(call, wrong) for wrong in wrongs for _ in range(n))
        made += n * len(wrongs)
        blocks, *grown = np.subtract(held(), before)
        if max(blocks, *grown) < n:
            return made, errors, ""
    return made, errors, f"{call.name}: {blocks} objects, {grown[0]} bytes, {sum(grown[1:])} references in {n} rounds"


def print_leaks(rounds: int) -> None:
    """How many calls and errors there were, then each function that left something behind."""
    import gc
    import warnings

    warnings.simplefilter("ignore")
    everything = every_call("float32")
    gc.collect()
    gc.freeze()
    found = [left_behind(call, rounds) for call in everything]
    print(sum(made for made, _, _ in found), sum(errors for _, errors, _ in found))
    for _, _, leak in found:
        if leak:
            print(leak)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts what glibc has allocated")
def test_nothing_leaks_from_calls_and_errors() -> None:
    """Neither memory nor references, after any call that is right or wrong."""
    code = "from tests import test_memory; test_memory.print_leaks(4)"
    counts, *leaks = processes.output(code, GLIBC_TUNABLES=NO_CACHES).splitlines()
    right_and_wrong, errors = map(int, counts.split())
    assert right_and_wrong > 100_000 and errors > right_and_wrong / 2
    assert not leaks
