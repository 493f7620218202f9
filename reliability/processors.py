"""The library on processors that are not this one.

    python -m reliability.processors builds           the tests that know nothing of builds, once per build
    python -m reliability.processors old              every function on emulated processors, down to those without AVX
    python -m reliability.processors aarch64          every function, and tests, compiled for 64-bit Arm and emulated
    python -m reliability.processors aarch64 tests/test_rows.py -k float32    other tests

The emulator is QEMU's for programs, which needs no other system. What aarch64 needs besides is fetched from Debian and
PyPI into build/aarch64 and stays there; nothing is installed. The first time takes some minutes, the tests an hour.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

import actfn
from actfn import _build
from tests import calls, oracle, samples

from . import record

ROOT = Path(__file__).parent.parent
HOME = ROOT / "build" / "aarch64"

# What QEMU calls them, which build is right there, and what is told apart by them.
PROCESSORS = {
    "Nehalem": "base",  # SSE 4.2, the least that NumPy starts on
    "SandyBridge": "base",  # AVX
    "Haswell": "v3",
    "max": "v3",  # all that QEMU has, which is no AVX-512
    # Parts that a hypervisor hides, or a system does not save.
    "Haswell,-avx": "base",
    "Haswell,-avx2": "base",
    "Haswell,-fma": "base",
    "Haswell,-f16c": "base",
    "Haswell,-bmi2": "base",
    "Haswell,-movbe": "base",
    "Haswell,-xsave": "base",
}
# Before SSE 4.2.
TOO_OLD = "Penryn"

# Reads calls, and prints which build it was, a digest of each result, and what became of importing the other builds.
PROGRAM = """
import hashlib, importlib, json, pickle, sys
import numpy as np
import actfn

def digest(result):
    sha = hashlib.sha256()
    for part in map(np.asarray, result if isinstance(result, tuple) else (result,)):
        # Which NaN it is, processors decide.
        sha.update(np.where(np.isnan(part), np.array(np.nan, part.dtype), part).tobytes())
    return sha.hexdigest()

with open(sys.argv[1], "rb") as file:
    work = pickle.load(file)
with np.errstate(all="raise"):
    digests = [digest(getattr(actfn, name)(*operands, **options)) for name, operands, options in work]
refused = []
for build in ("v3", "v4"):
    try:
        importlib.import_module("actfn._kernels_" + build)
    except ImportError:
        refused.append(build)
print(json.dumps({"build": actfn.build, "digests": digests, "refused": refused}))
"""

Work = list[tuple[str, list[Any], dict[str, Any]]]


def in_memory(dtype: str) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Calls of the kinds that tests.calls leaves out."""
    x, grad = (np.random.default_rng(11).normal(size=(2, 2, 4, 6, 9)) * 2).astype(dtype)
    window = np.linspace(-1, 1, 36).reshape(4, 3, 3).astype(dtype)
    x, grad = x[..., :8], grad[..., :8]
    twice = np.concatenate([grad, grad], axis=1)
    samples_, planes = actfn.gumbel_softmax(x, rng=3), actfn.softmax2d(x)
    yield "crelu", [x], {"axis": 1}
    yield "crelu_backward", [twice, x], {"axis": 1}
    yield "maxout", [x], {"axis": 1}
    yield "maxout_backward", [grad[:, :2], x], {"axis": 1}
    yield "funnel_relu", [x, window], {}
    yield "funnel_relu_backward", [grad, x, window], {}
    yield "softmax2d", [x], {}
    yield "softmax2d_backward", [grad, planes], {}
    yield "gumbel_softmax", [x], {"rng": 3}
    yield "gumbel_softmax_backward", [grad, samples_], {}


def work() -> Work:
    """Every function, forward and backward, in every dtype; the element-wise ones at all sorts of numbers too."""
    found: Work = []
    for dtype in ("float16", "float32", "float64"):
        for call in calls.calls(dtype):
            function, options = getattr(actfn, call.name), call.operands | call.options
            names = list(inspect.signature(function).parameters) if isinstance(function, np.ufunc) else []
            operands = [options.pop(name) for name in names[: getattr(function, "nin", 0)]]
            found.append((call.name, operands, options))
            if call.kind == "elementwise":
                x = samples.values(dtype)
                backward = call.name.endswith("_backward")
                found.append((call.name, [np.ones_like(x), x] if backward else [x], call.options))
        found += in_memory(dtype)
    # Enough for more than one thread.
    found += [(name, [np.linspace(-9, 9, 100_000)], {}) for name in ("relu", "gelu")]
    assert {name.removesuffix("_backward") for name, *_ in found} == set(oracle.ROWS)
    return found


def emulator(machine: str) -> str:
    found = shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")
    if not found:
        raise SystemExit(f"needs qemu-{machine}: apt-get install qemu-user-static")
    return found


def compute(python: Sequence[str | Path], todo: Work, **environment: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "work")
        path.write_bytes(pickle.dumps(todo))
        return subprocess.run(
            [*python, "-c", PROGRAM, path],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **environment},
        )


def computed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    if done.returncode:
        raise SystemExit(f"status {done.returncode}\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def old() -> None:
    todo, qemu = work(), emulator("x86_64")
    right = {b: computed(compute([sys.executable], todo, ACTFN_BUILD=b))["digests"] for b in ("base", "v3")}
    faults = []
    bar = tqdm(PROCESSORS.items(), unit="processor", dynamic_ncols=True)
    for processor, build in bar:
        bar.set_postfix_str(processor)
        done = compute([qemu, "-cpu", processor, sys.executable, "-W", "ignore"], todo)
        if done.returncode:
            # 132 is 128 and the number of the signal.
            faults.append(f"{processor}: ended with {done.returncode}: {done.stderr[-300:]}")
            continue
        found = computed(done)
        if found["build"] != build:
            faults.append(f"{processor}: {found['build']} was chosen instead of {build}")
            continue
        other = [name for (name, *_), a, b in zip(todo, found["digests"], right[build], strict=True) if a != b]
        faults += [f"{processor}: {name} has other bits" for name in dict.fromkeys(other)]
        if "v4" not in found["refused"]:
            faults.append(f"{processor}: loads v4")
    numpy, package = (
        subprocess.run(
            [qemu, "-cpu", TOO_OLD, sys.executable, "-c", f"import {module}"], capture_output=True, check=False
        ).returncode
        for module in ("numpy", "actfn")
    )
    print(f"{TOO_OLD}: importing NumPy ends with {numpy}, actfn with {package}")
    if faults:
        raise SystemExit("\n".join(faults))
    figures = {
        "processors": len(PROCESSORS),
        "calls on each": len(todo),
        "calls with other bits than on this processor": 0,
        "illegal instructions": 0,
    }
    record.save("processors", "python -m reliability.processors old", figures)


# ---- The tests, elsewhere -------------------------------------------------------------------------------------

# Those that call the package.
TESTS = [
    f"tests/test_{name}.py"
    for name in ("calls", "gated", "pieces", "spatial", "masked", "semantics", "losses", "rows", "gumbel", "bfloat16")
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """As a plugin of pytest's: only tests that do not choose a build themselves."""
    chosen = {item: "build" in getattr(getattr(item, "callspec", None), "params", ()) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if chosen[item]])
    items[:] = [item for item in items if not chosen[item]]


def outcomes(
    python: Sequence[str | Path], arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Counter[str]:
    """How many tests passed, failed and were skipped; pytest shows how far it is."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        subprocess.run(
            [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            check=False,
        )
        suite = xml.etree.ElementTree.parse(report).getroot()[0]
    count = Counter({what: int(suite.attrib[what]) for what in ("failures", "errors", "skipped")})
    failed = count["failures"] + count["errors"]
    passed = int(suite.attrib["tests"]) - failed - count["skipped"]
    return Counter({"passed": passed, "failed": failed, "skipped": count["skipped"]})


def builds(chosen: list[str], options: list[str]) -> None:
    files = chosen or TESTS
    figures = {}
    for build in _build.available():
        print(f"Build {build}", flush=True)
        count = outcomes([sys.executable], ["-p", "reliability.processors", *files, *options], {"ACTFN_BUILD": build})
        if count["failed"]:
            raise SystemExit(f"not recorded: {count['failed']} tests failed with the build {build}")
        figures[f"tests passed with {build}"] = count["passed"]
    command = f"python -m reliability.processors builds {shlex.join([*chosen, *options])}".strip()
    record.save("builds", command, figures)


# ---- 64-bit Arm -----------------------------------------------------------------------------------------------

SUITE, VERSION = "bookworm", "3.11"
# Of Debian's, with what they depend on.
PACKAGES = [f"python{VERSION}", f"libpython{VERSION}-dev", "libgomp1", "libstdc++6"]
# What PyPI calls processors of this kind, for the glibc of that Debian.
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (35, 34, 31, 28, 27, 17)] + ["manylinux2014_aarch64"]
TOOLS = {
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}


def run(*command: str | Path, **environment: str) -> None:
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)


def unpack_debian(root: Path) -> None:
    """Python for Arm with its headers and libraries. Apt has a configuration of its own here, and installs nothing."""
    apt = HOME / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "status").write_text("")
    (apt / "sources.list").write_text(f"deb [signed-by={keys}] http://deb.debian.org/debian {SUITE} main\n")
    (apt / "apt.conf").write_text(
        textwrap.dedent(f"""\
            APT::Architecture "arm64";
            APT::Architectures {{ "arm64"; }};
            Dir::State "{apt}";
            Dir::State::lists "{apt}/lists";
            Dir::State::status "{apt}/status";
            Dir::Cache "{apt}";
            Dir::Cache::archives "{apt}/archives";
            Dir::Etc::sourcelist "{apt}/sources.list";
            Dir::Etc::sourceparts "/dev/null";
            """)
    )
    configuration = {"APT_CONFIG": str(apt / "apt.conf")}
    run("apt-get", "-q", "update", **configuration)
    run("apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES, **configuration)
    for package in tqdm(sorted((apt / "archives").glob("*.deb")), unit="package"):
        run("dpkg-deb", "-x", package, root)


def python_for_arm() -> Path:
    """A virtual environment whose python is the emulator; subprocesses of it are emulated too."""
    root, venv = HOME / "root", HOME / "venv"
    if not (HOME / "unpacked").exists():
        unpack_debian(root)
        (HOME / "unpacked").touch()
    python = venv / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    real = root / "usr" / "bin" / f"python{VERSION}"
    python.write_text(f'#!/bin/sh\nexec "{emulator("aarch64")}" -L "{root}" -0 "$0" "{real}" "$@"\n')
    python.chmod(0o755)
    (venv / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n")
    if not (HOME / "installed").exists():
        run(
            *(sys.executable, "-m", "pip", "install", "--group", "test", "--no-compile", "--only-binary=:all:"),
            *(f"--platform={platform}" for platform in PLATFORMS),
            *("--implementation=cp", f"--python-version={VERSION}"),
            *("--upgrade", "--target", venv / "lib" / f"python{VERSION}" / "site-packages"),
        )
        (HOME / "installed").touch()
    return python


def aarch64(chosen: list[str], options: list[str]) -> None:
    missing = [packages for tool, packages in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"needs packages of Debian: apt-get install qemu-user-static {' '.join(missing)}")
    python = python_for_arm()
    # Cython here, for it would take minutes there; the C sources are the same. The compiler is a program of this
    # machine, which the emulated setup.py calls.
    run(sys.executable, "setup.py", "-q", "--name", ACTFN_BUILDS="base")
    include = HOME / "root" / "usr" / "include"
    lib = HOME / "lib"
    run(python, "setup.py", "-q", "build", "--build-lib", lib, CC="aarch64-linux-gnu-gcc",
        CFLAGS=f"-I{include}/python{VERSION} -idirafter {include}")  # fmt: skip
    todo = work()
    here = {b: computed(compute([sys.executable], todo, ACTFN_BUILD=b))["digests"] for b in _build.available()}
    there = computed(compute([python, "-W", "ignore"], todo, PYTHONPATH=str(lib)))["digests"]
    same = {b: sum(a == b_ for a, b_ in zip(there, digests, strict=True)) for b, digests in here.items()}
    for (name, operands, _), a, b in zip(todo, there, here.get("v3", here["base"]), strict=True):
        if a != b:
            print(f"other bits: {name} {[np.asarray(o).dtype for o in operands]}")
    print("calls with the same bits:", same, "of", len(todo), flush=True)
    files = chosen or ["tests/test_builds.py", *TESTS, "tests/test_values.py"]
    count = outcomes([python], [*files, *options], {"PYTHONPATH": str(lib)})
    if count["failed"]:
        raise SystemExit(f"not recorded: {count['failed']} tests failed")
    figures = {"tests passed": count["passed"], "tests skipped": count["skipped"], "calls compared": len(todo)}
    figures |= {f"with the bits of {build} on x86-64": n for build, n in same.items()}
    command = f"python -m reliability.processors aarch64 {shlex.join([*chosen, *options])}".strip()
    record.save("aarch64", command, figures)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m reliability.processors", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("what", choices=("builds", "old", "aarch64"))
    parser.add_argument("files", nargs="*", help="tests to run, if not the usual ones")
    # What is left are options of pytest's, such as -k.
    arguments, options = parser.parse_known_args()
    if arguments.what == "old":
        if sysconfig.get_platform() != "linux-x86_64":
            raise SystemExit("old: needs Linux on x86-64")
        old()
    else:
        {"builds": builds, "aarch64": aarch64}[arguments.what](arguments.files, options)


if __name__ == "__main__":
    main()
