"""`doctor`: what runs here and why, what is wrong and what to do. It works where `import actfn` does not.

Whatever is compiled is tried in a process of its own: a build that this processor cannot run would end this one.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .. import __version__, _machine
from .terminal import entry, styled

_PACKAGE = Path(__file__).parents[1]

# An array that all threads work on, and one that none but the caller's does, must agree.
_TRIAL = """
import json, re, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import actfn
x = np.linspace(-8, 8, 1 << 20, dtype=np.float32)
agree = bool((actfn.gelu(x)[::4096] == actfn.gelu(x[::4096].copy())).all())
try:
    from threadpoolctl import threadpool_info
    runtimes = [found["filepath"] for found in threadpool_info() if found["user_api"] == "openmp"]
except ImportError:
    try:
        runtimes = sorted(set(re.findall(r"/\\S*/lib(?:gomp|omp|iomp5)\\S*", open("/proc/self/maps").read())))
    except OSError:
        runtimes = None
print(json.dumps({"build": actfn.build, "threads": actfn.get_num_threads(), "agree": agree, "runtimes": runtimes,
                  "serial": actfn._build.kernels.why_serial}))
"""


def _trial(**environment: str | None) -> tuple[dict[str, Any], str]:
    """What the trial prints in a process with that environment, None to take a variable away; or the error."""
    changed = {**os.environ, **{name: value for name, value in environment.items() if value is not None}}
    for name in (name for name, value in environment.items() if value is None):
        changed.pop(name, None)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRIAL, str(_PACKAGE.parent)],
            env=changed, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}, "does not answer within two minutes"
    if done.returncode < 0:
        return {}, f"the process ends with signal {-done.returncode}"
    if done.returncode:
        # Notes may follow the line that names the error.
        named = [line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception): ", line)]
        last = (named or done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return {}, re.sub(r"^\w*Error: (actfn: )?", "", last)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found, "" if found["agree"] else "results differ between one thread and several"


class _Report:
    """What is printed, and what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.hints: list[str] = []

    def line(self, label: str, text: str) -> None:
        print(entry(label, text))


def _numpy(report: _Report) -> list[str]:
    """Report on NumPy; the builds that the processor can run as NumPy sees it."""
    needed = ".".join(map(str, _machine.OLDEST_NUMPY))
    try:
        found = _machine.usable_numpy().__version__
        runnable = _machine.runnable()
    except ImportError as error:
        found, runnable = "cannot be used", []
        report.problems.append(str(error).removeprefix("actfn: "))
    except Exception as error:
        found, runnable = "cannot be used", []
        report.problems.append(f"NumPy cannot be used ({error}): pip install --force-reinstall 'numpy>={needed}'")
    report.line("NumPy", f"{found} ({needed} or later is needed)")
    return runnable


def _builds(report: _Report, runnable: list[str], chosen: str) -> None:
    """Report on every build, and on the choice between them."""
    report.line("processor", f"{platform.machine()}, can run {', '.join(runnable) or 'nothing that NumPy knows of'}")
    lines, working = [], []
    installed = [build for build in _machine.NEEDS if importlib.util.find_spec(f"actfn._kernels_{build}")]
    for build in _machine.NEEDS:
        if build not in installed:
            text = "is not installed"
        elif build not in runnable:
            text = "is not for this processor"
        else:
            # The other settings are looked at by themselves.
            _, error = _trial(ACTFN_BUILD=build, ACTFN_KEEP_MIB=None)
            text = f"fails: {error}" if error else "works"
            if error:
                report.problems.append(f"The build {build} fails ({error}): install actfn again.")
            else:
                working.append(build)
        lines.append(f"{build:5}{text}{', in use' if build == chosen else ''}")
    if report.problems and working and not chosen:
        report.hints.append(f"Until then, set ACTFN_BUILD={working[-1]}.")
    report.line("builds", "\n".join(lines))
    wish = os.environ.get("ACTFN_BUILD")
    report.line("ACTFN_BUILD", "not set: the fastest that runs here" if wish is None else repr(wish))
    usable = [build for build in runnable if build in installed]
    if not installed:
        report.problems.append(
            f"No compiled build{_machine.others()} is in {_PACKAGE}: install actfn again with {sys.executable}, and a "
            "C compiler where there is no wheel."
        )
    elif wish is not None and wish not in usable:
        report.problems.append(f"ACTFN_BUILD is {wish!r}: unset it, or set it to one of {', '.join(usable) or 'none'}.")
    elif chosen and chosen != runnable[-1]:
        why = f"ACTFN_BUILD asks for {wish}" if wish else f"{runnable[-1]} is not installed"
        report.hints.append(f"This processor could run {runnable[-1]}, which is faster, but {why}.")


def _copies(report: _Report) -> None:
    """Report on other copies of the package that Python would find, were it not for this one."""
    places = {Path(entry or ".", "actfn").resolve(): None for entry in sys.path}
    others = [str(place) for place in places if (place / "__init__.py").exists() and place != _PACKAGE.resolve()]
    if others:
        report.line("copies", "\n".join(others))
        report.hints.append(
            f"Another copy of actfn is in {' and in '.join(others)}: which one is imported depends on sys.path, that "
            "is, on the folder and on PYTHONPATH. Uninstall or rename what you do not mean."
        )
    versions = sorted({found.version for found in importlib.metadata.distributions(name="actfn")} - {__version__})
    if versions:
        report.hints.append(f"pip knows actfn {', '.join(versions)}, but this is {__version__}: install actfn again.")


def _threads(report: _Report, found: dict[str, Any]) -> None:
    """Report on OpenMP and on the number of threads and where it comes from."""
    runtimes = found.get("runtimes")
    serial = found.get("serial", "")
    if serial:
        report.line("OpenMP", f"{serial}; actfn uses one processor")
    if serial.startswith("OpenMP cannot"):
        report.problems.append(
            f"{serial}. Install its runtime (libgomp1 on Debian and Ubuntu, libgomp on Fedora and Alpine), or install "
            "actfn from a wheel, which brings it."
        )
    elif serial:
        report.hints.append("actfn was built by a compiler without OpenMP and uses one processor.")
    elif found:
        report.line("OpenMP", "\n".join(runtimes) if runtimes else "compiled in; its runtime was not found")
        if runtimes and len(runtimes) > 1:
            report.hints.append("More than one OpenMP runtime is loaded: their threads compete for the processors.")
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        allowed = os.cpu_count() or 1
    wish, quota = os.environ.get("OMP_NUM_THREADS"), _machine.cpu_quota()
    parts = [
        f"{os.cpu_count()} processors, of which this process may use {allowed}",
        f"OMP_NUM_THREADS is {wish!r}" if wish else "OMP_NUM_THREADS is not set",
        f"a container's quota of {quota}" if quota else "no quota of a container",
    ]
    report.line("threads", f"{found.get('threads', 'unknown')}: {'; '.join(parts)}")
    if wish and not all(part.strip().isdigit() and 0 < int(part) < 2**31 for part in wish.split(",")):
        report.hints.append(f"OMP_NUM_THREADS is {wish!r}, not a positive number: OpenMP ignores it or misreads it.")


def _memory(report: _Report) -> None:
    wish = os.environ.get("ACTFN_KEEP_MIB")
    source = "not set" if wish is None else repr(wish)
    try:
        text = f"up to {_machine.kept_memory() >> 20} MiB of freed results are kept"
    except ImportError as error:
        text = "unknown"
        report.problems.append(f"{str(error).removeprefix('actfn: ')}: unset it, or set it to a number.")
    report.line("memory", f"{text} (ACTFN_KEEP_MIB: {source})")


def run() -> int:
    """Print the report; 0 if nothing is wrong, otherwise 1."""
    report = _Report()
    report.line("actfn", f"{__version__} in {_PACKAGE}")
    _copies(report)
    report.line("Python", f"{platform.python_version()} in {sys.executable}")
    report.line("system", platform.platform())
    runnable = _numpy(report)
    found, error = _trial() if runnable else ({}, "")
    _builds(report, runnable, found.get("build", ""))
    _threads(report, found)
    _memory(report)
    if error and not report.problems:
        report.problems.append(f"import actfn fails ({error}): install actfn again.")
    for hint in report.hints:
        print(f"\n{styled('Note', '33')}: {hint}")
    for problem in report.problems:
        print(f"\n{styled('Wrong', '31')}: {problem}")
    print(f"\n{'Something is wrong.' if report.problems else styled('All is well.', '32')}")
    return 1 if report.problems else 0
