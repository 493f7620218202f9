"""Forks, workers, the end of the interpreter, memory that processes share, and what surrounds a process."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actfn

from . import everything, processes
from .situations import situation

PUBLIC = [name for name in actfn.__all__ if callable(getattr(actfn, name))]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
needs_locales = pytest.mark.skipif(not shutil.which("localedef"), reason="needs localedef, which makes locales")
# Python 3.12 warns of a fork beside threads; forking beside threads is the matter here.
START = """
    import gc, os, signal, sys, threading, time, warnings
    import numpy as np
    import actfn
    from tests import everything
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
"""


def printed(code: str, threads: int = 2, **environment: str) -> str:
    """What lines of code print after START, with a number of threads for OpenMP."""
    return processes.output(processes.joined(START, code), OMP_NUM_THREADS=str(threads), **environment)


# ---- fork -----------------------------------------------------------------------------------------------------


@needs_fork
@situation("fork")
def test_a_child_has_the_same_bits() -> None:
    """Every function in a child and in its child, on one thread, after each of them ran on several in the parent."""
    code = """
        jobs = {dtype: everything.jobs(dtype) for dtype in ("float16", "float32", "float64")}
        wanted = {dtype: {name: everything.bits(job) for name, job in jobs[dtype].items()} for dtype in jobs}

        def differing():
            return [(dtype, everything.changed(wanted[dtype], jobs[dtype])) for dtype in jobs]

        def in_a_child(work):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = work()
                finally:
                    os._exit(code)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        def child():
            if any(names for _, names in differing()) or actfn.get_num_threads() != 1:
                return 2
            return in_a_child(lambda: 3 if any(names for _, names in differing()) else 0)

        assert actfn.get_num_threads() == 2
        assert in_a_child(child) == 0
        assert not any(names for _, names in differing())
        print("same")
    """
    assert printed(code) == "same"


@needs_fork
@situation("fork")
def test_a_child_may_have_threads_of_its_own() -> None:
    """Python threads of a child call as those of its parent do; a large result's memory is the child's own."""
    code = """
        from concurrent.futures import ThreadPoolExecutor
        x = np.linspace(-5, 5, 9_000_000, dtype=np.float32)
        wanted = actfn.gelu(x)
        del wanted
        wanted = actfn.gelu(x)
        if (child := os.fork()) == 0:
            with ThreadPoolExecutor(4) as pool:
                same = all(np.array_equal(y, wanted) for y in pool.map(actfn.gelu, [x] * 8))
            os._exit(0 if same else 2)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), np.array_equal(actfn.gelu(x), wanted))
    """
    assert printed(code) == "0 True"


@needs_fork
@situation("fork in a call")
@pytest.mark.parametrize("who", ["main", "other"])
def test_a_fork_beside_threads_in_kernels(who: str) -> None:
    """Thirty children, forked while three threads compute and allocate large results, all compute and end."""
    code = f"""
        x = np.linspace(-5, 5, 300_000, dtype=np.float32)
        large, rows = np.zeros(9_000_000, np.float32), x.reshape(-1, 100)
        jobs = [lambda: actfn.gelu(x), lambda: actfn.relu(large), lambda: actfn.softmax(rows)]
        small = everything.jobs(size=2000)
        wanted = {{name: everything.bits(job) for name, job in small.items()}}
        stop, counts, codes = threading.Event(), [0, 0, 0], []

        def compute(k):
            while not stop.is_set():
                jobs[k]()
                counts[k] += 1

        def fork():
            names = list(small)
            for k in range(30):
                time.sleep(0.001 * (k % 5))
                if (child := os.fork()) == 0:
                    code = 1
                    try:
                        chosen = {{name: small[name] for name in names[k::30]}}
                        same = np.array_equal(actfn.gelu(x), y) and not actfn.relu(large).any()
                        code = 0 if same and not everything.changed(wanted, chosen) else 2
                    finally:
                        os._exit(code)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        y = actfn.gelu(x)
        threads = [threading.Thread(target=compute, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        if {who!r} == "main":
            fork()
        else:
            forker = threading.Thread(target=fork)
            forker.start()
            forker.join()
        stop.set()
        for thread in threads:
            thread.join()
        assert min(counts) > 0 and codes == [0] * 30, (counts, codes)
        print("done")
    """
    assert printed(code) == "done"


# ---- Workers --------------------------------------------------------------------------------------------------


@situation("workers")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_of_every_start_method(method: str) -> None:
    """Functions, wrappers and layers are sent to two workers with their arrays, and results come back as they were."""
    code = f"""
        import multiprocessing, pickle
        from functools import partial

        jobs = everything.jobs(size=2000)
        layer, x = actfn.layers.PReLU(50), np.linspace(-3, 3, 100, dtype=np.float32).reshape(2, 50)
        jobs["PReLU"], jobs["Softmax"] = partial(layer, x), partial(actfn.layers.Softmax(), x)
        actfn.gelu(np.zeros(1_000_000))
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            found = dict(zip(jobs, pool.map(everything.bits, jobs.values(), chunksize=20)))
            kind = pool.apply(pickle.dumps, (actfn.catalog["gelu"],))
        assert pickle.loads(kind) == actfn.catalog["gelu"]
        assert [name for name in jobs if everything.bits(jobs[name]) != found[name]] == []
        print(len(found))
    """
    assert int(printed(code)) == 2 * len(actfn.catalog) + 2


@situation("workers")
def test_pickle_in_a_fresh_process() -> None:
    """Every public function survives pickling, by every protocol, into another process."""
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps([getattr(actfn, name) for name in PUBLIC], protocol)
        assert pickle.loads(data) == [getattr(actfn, name) for name in PUBLIC]
    code = f"""
        import pickle
        functions = pickle.loads(bytes.fromhex("{data.hex()}"))
        import actfn
        assert functions == [getattr(actfn, name) for name in {PUBLIC!r}]
        print(len(functions))
    """
    assert processes.output(code) == str(len(PUBLIC))


# ---- The end of the interpreter -------------------------------------------------------------------------------


@situation("end of the interpreter")
@pytest.mark.parametrize("end", ["pass", "sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_the_interpreter_ends_while_daemons_compute(end: str) -> None:
    """Threads are inside kernels when their process ends."""
    code = f"""
        def compute(x):
            while True:
                actfn.gelu(x)
                actfn.softmax(x.reshape(-1, 100))
        for k in range(4):
            threading.Thread(target=compute, args=(np.ones(400_000 + 100 * k),), daemon=True).start()
        time.sleep(0.2)
        {end}
    """
    result = processes.run(processes.joined(START, code), OMP_NUM_THREADS="2")
    assert result.returncode == (-15 if "SIGTERM" in end else 0), result.stderr


@situation("end of the interpreter")
def test_calls_while_the_interpreter_ends() -> None:
    """In atexit, in a finaliser and in a module's last moments."""
    code = """
        import atexit, weakref
        x = np.linspace(-5, 5, 100_000)
        wanted = actfn.gelu(x).tobytes()
        def check(gelu=actfn.gelu, write=os.write):
            write(1, b"right " if gelu(x).tobytes() == wanted else b"wrong ")
        class Last:
            def __del__(self, check=check):
                check()
        atexit.register(check)
        last = Last()
        weakref.finalize(last, check)
    """
    assert printed(code).split() == ["right"] * 3


@situation("end of the interpreter")
def test_reload_and_second_import() -> None:
    """Functions work after both, the old ones too, and a reload keeps the limit on threads."""
    code = """
        import importlib, pickle
        before = everything.jobs(size=2000)
        wanted = {name: everything.bits(job) for name, job in before.items()}
        actfn.set_num_threads(1)
        importlib.reload(actfn)
        with actfn.threads(2):
            assert actfn.get_num_threads() == 2
        assert actfn.get_num_threads() == 1
        assert not everything.changed(wanted, everything.jobs(size=2000))
        for name in [name for name in sys.modules if name.partition(".")[0] == "actfn"]:
            del sys.modules[name]
        everything.actfn = importlib.import_module("actfn")
        assert not everything.changed(wanted, everything.jobs(size=2000))
        assert not everything.changed(wanted, before)
        assert pickle.loads(pickle.dumps(everything.actfn.gelu)) is everything.actfn.gelu
        print("same")
    """
    assert printed(code) == "same"


@situation("end of the interpreter")
def test_imports_in_threads() -> None:
    """Four threads that are not the main one import at once, in a process that has not yet, and then call."""
    code = """
        import threading
        gate, found = threading.Barrier(4), []
        def use():
            gate.wait()
            import actfn, numpy as np
            found.append(float(actfn.relu(np.ones(100_000)).sum()))
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(found)
    """
    assert processes.output(code) == str([100_000.0] * 4)


@situation("end of the interpreter")
@pytest.mark.skipif(
    not find_spec("_xxsubinterpreters") and not find_spec("_interpreters"),
    reason="this Python has no module for sub-interpreters",
)
def test_sub_interpreters_are_refused() -> None:
    """An ImportError, after which the main interpreter computes as before."""
    code = """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import actfn, numpy as np
        wanted = actfn.gelu(np.ones(3)).tolist()
        inner = interpreters.create()
        trial = "try:\\n import actfn\\nexcept ImportError as e:\\n print('ImportError', len(str(e)) > 10)"
        interpreters.run_string(inner, trial)
        interpreters.destroy(inner)
        assert actfn.gelu(np.ones(3)).tolist() == wanted
        print("works")
    """
    # An interpreter prints before the other one has emptied its buffer.
    assert processes.output(code, PYTHONUNBUFFERED="1").splitlines() == ["ImportError True", "works"]


# ---- Memory that others have too ------------------------------------------------------------------------------


@situation("shared memory")
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_mapped_files(mode: Any, tmp_path: Path) -> None:
    """Every function has the bits of an array in memory, the file stays as it is, and `out` may be a file."""
    jobs = everything.jobs(size=4000)
    for name, job in jobs.items():
        mapped: list[Any] = []
        for k, operand in enumerate(job.args):
            mapped.append(operand)
            if isinstance(operand, np.ndarray) and operand.ndim:
                operand.tofile(tmp_path / str(k))
                mapped[k] = np.memmap(tmp_path / str(k), operand.dtype, mode, shape=operand.shape)
        found = everything.Job(job.func, *mapped, **job.keywords)
        assert everything.bits(found) == everything.bits(job), name
        for k, operand in enumerate(job.args):
            if isinstance(mapped[k], np.memmap):
                assert (tmp_path / str(k)).read_bytes() == operand.tobytes(), name
    out = np.memmap(tmp_path / "out", np.float32, "w+", shape=(80, 50))
    x = jobs["softmax"].args[0]
    for f in (actfn.gelu, actfn.softmax, actfn.elu):
        assert f(x, out=out) is out
        out.flush()
        assert (tmp_path / "out").read_bytes() == f(x).tobytes()


@situation("shared memory")
def test_shared_memory_of_two_processes() -> None:
    """A worker writes into memory that its parent reads."""
    code = """
        import multiprocessing
        from multiprocessing import shared_memory
        from tests.everything import into_shared_memory

        x = np.linspace(-5, 5, 100_000, dtype=np.float32)
        block = shared_memory.SharedMemory(create=True, size=2 * x.nbytes)
        try:
            shared = np.ndarray((2, x.size), np.float32, block.buf)
            shared[0] = x
            worker = multiprocessing.get_context("spawn").Process(target=into_shared_memory, args=(block.name, x.size))
            worker.start()
            worker.join()
            assert worker.exitcode == 0
            print(np.array_equal(shared[1], actfn.gelu(x)), np.array_equal(actfn.gelu(shared[0]), actfn.gelu(x)))
            del shared
        finally:
            block.close()
            block.unlink()
    """
    assert printed(code) == "True True"


@situation("shared memory")
def test_an_array_lives_until_the_call_is_over() -> None:
    """Another thread drops the last other reference to every operand while the call computes."""
    code = """
        def call(function, held, *more):
            return function(held.pop(), *more)

        for function, more in ((actfn.gelu, ()), (actfn.elu, ()), (actfn.softmax, ()), (actfn.leaky_relu, (0.3,))):
            for _ in range(5):
                x = np.linspace(-5, 5, 3_000_000).reshape(-1, 100)
                wanted = function(x, *more)
                held, others = [x], {"x": x}
                del x
                dropper = threading.Thread(target=lambda: (time.sleep(0.0005), others.clear(), gc.collect()))
                dropper.start()
                got = call(function, held, *more)
                dropper.join()
                assert np.array_equal(got, wanted), function
        print("same")
    """
    assert printed(code) == "same"


@situation("no memory")
@pytest.mark.skipif(sys.platform == "win32", reason="a signal of this kind cannot be sent to oneself on Windows")
def test_interrupt_in_a_long_call() -> None:
    """KeyboardInterrupt comes after a call on 1 GiB, whose result is whole, and the next call works."""
    if processes.free_mebibytes() < 2000:
        pytest.skip("needs 2000 MiB of free memory")
    code = """
        x = np.full(1 << 28, 3.0, np.float32)
        expected = float(actfn.gelu(np.float32(3)))
        for attempt in range(20):
            x.fill(3.0)
            came = False
            try:
                threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
                actfn.gelu(x, out=x)
                last = time.monotonic() + 30
                while time.monotonic() < last:
                    pass
            except KeyboardInterrupt:
                came = True
            assert came and x[0] == x[-1] and np.all(x[:: 1 << 12] == x[0]), (came, x)
            # On a busy machine it may come before the call begins.
            if x[0] == expected:
                break
            assert x[0] == 3
        else:
            raise AssertionError("never within the call")
        print(float(actfn.relu(np.ones(100_000)).sum()))
    """
    assert printed(code, threads=1) == "100000.0"


# ---- Surroundings ---------------------------------------------------------------------------------------------

SPEAK = """
    import locale, sys
    locale.setlocale(locale.LC_ALL, "")
    import actfn, pydoc, json
    import numpy as np
    assert str(actfn.gelu(np.float64(1))) == "0.8413447460685429"
    for name in actfn.__all__:
        assert pydoc.render_doc(actfn if name == "build" else getattr(actfn, name))
    help(actfn.gelu)
    help(actfn.leaky_relu)
    help(actfn.layers.GELU)
    print(locale.localeconv()["decimal_point"])
"""
PLACES = {
    "C": {"LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII console": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin-1 console": {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    "nothing set": {"LC_ALL": "", "LANG": "", "TERM": ""},
}
COMMANDS = (["list"], ["show", "leaky_relu"])


def speaks(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "actfn", *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **environment},
        capture_output=True, timeout=processes.SECONDS, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout.decode("utf-8", "replace")


@situation("surroundings")
@pytest.mark.parametrize("place", PLACES)
def test_consoles(place: str) -> None:
    """Import, help of everything, and the command line."""
    assert processes.output(SPEAK, **PLACES[place]).endswith(".")
    for command in COMMANDS:
        assert command[-1] in speaks(command, PLACES[place]) + "list"


@needs_locales
@situation("surroundings")
def test_decimal_commas(tmp_path: Path) -> None:
    """In a locale that writes 0,5 numbers are read and printed with a point, and the tables hold the same bits."""
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")], capture_output=True, check=False
    )
    if not (tmp_path / "de_DE.UTF-8").exists():
        pytest.skip(f"localedef has no German: {made.stderr.decode(errors='replace')}")
    place = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    assert processes.output(SPEAK, **place).endswith(",")
    digest = """
        import locale
        locale.setlocale(locale.LC_ALL, "")
        from tests import everything
        import hashlib
        for name, job in everything.jobs(size=2000).items():
            print(name, hashlib.sha256(repr(everything.bits(job)).encode()).hexdigest())
    """
    assert processes.output(digest, **place) == processes.output(digest, LC_ALL="C.UTF-8")
    for command in COMMANDS:
        assert speaks(command, place) == speaks(command, {"LC_ALL": "C.UTF-8"})


# ---- All of it at once ----------------------------------------------------------------------------------------


@needs_fork
@situation("fork in a call")
@situation("threads")
def test_some_seconds_of_stress() -> None:
    """What `python -m reliability.stress` does for longer."""
    code = """
        import sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from reliability.stress import stress
        found = stress(minutes=0.05, threads=8, seed=1)
        assert not found.faults, found.faults
        print(all(found.count.values()))
    """
    assert processes.output(code, OMP_NUM_THREADS="2") == "True"
