"""The builds for different processors: which one is chosen, and that they agree."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import actfn
from actfn import _build, _machine, scalars

from . import measure, oracle, processes, samples
from .situations import situation

MODULES = {build: Path(kernels.__file__) for build, kernels in measure.builds().items()}
on_linux_x86_64 = pytest.mark.skipif(
    sysconfig.get_platform() != "linux-x86_64", reason="reads modules as Linux on x86-64 has them"
)

CHOICE = "import actfn; print(actfn.build, actfn._build.kernels.__name__)"


def test_the_best_available_build_is_chosen() -> None:
    """Without ACTFN_BUILD it is the last of the available ones, which go from the plainest to the fastest."""
    available = _build.available()
    assert available == [build for build in ("base", "v3", "v4") if build in available] and available
    assert "base" in available
    printed = processes.output("import os; os.environ.pop('ACTFN_BUILD', None)\n" + CHOICE)
    assert printed == f"{available[-1]} actfn._kernels_{available[-1]}"


def test_the_environment_overrides_the_choice(build: str) -> None:
    """ACTFN_BUILD names the build, and only that one is loaded."""
    printed = processes.output(
        CHOICE + "\nimport sys; print(sorted(m for m in sys.modules if '_kernels' in m))", ACTFN_BUILD=build
    )
    assert printed.splitlines() == [f"{build} actfn._kernels_{build}", f"['actfn._kernels_{build}']"]


@situation("old processor")
@pytest.mark.parametrize("wrong", ["v5", "", "V3", "base "])
def test_an_unknown_build_is_an_import_error(wrong: str) -> None:
    """Loud, and naming what was asked for and what there is."""
    result = processes.run(CHOICE, ACTFN_BUILD=wrong)
    assert result.returncode == 1
    assert f"ImportError: actfn: ACTFN_BUILD must be one of base, v3, v4, got {wrong!r}" in result.stderr


@situation("old processor")
def test_a_build_that_the_processor_cannot_run_is_an_import_error() -> None:
    """Nothing is imported that would stop the process with an illegal instruction."""
    result = processes.run(
        """
        import numpy as np
        np.show_config = lambda mode: {"SIMD Extensions": {"baseline": ["SSE", "SSE2"], "found": []}}
        import actfn
        """,
        ACTFN_BUILD="v4",
    )
    assert result.returncode == 1
    assert "ImportError: actfn: ACTFN_BUILD asks for 'v4', but this machine can run base only" in result.stderr


# What NumPy found, in the words of 2.4 and of 2.3, and what can run there.
FOUND = {
    "nothing": ([], "base"),
    "AVX alone": (["AVX"], "base"),
    "AVX2": (["X86_V3"], "v3"),
    "AVX-512": (["X86_V3", "X86_V4"], "v4"),
    "AVX-512 without its later parts": (["X86_V3", "AVX512F", "AVX512CD"], "v3"),
    "newer than AVX-512": (["X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR"], "v4"),
    "AVX2 before 2.4": (["AVX", "F16C", "FMA3", "AVX2"], "v3"),
    "AVX2 without FMA before 2.4": (["AVX", "F16C", "AVX2"], "base"),
    "AVX2 without float16 before 2.4": (["AVX", "FMA3", "AVX2"], "base"),
    "AVX-512 before 2.4": (["AVX", "F16C", "FMA3", "AVX2", "AVX512F", "AVX512CD", "AVX512_SKX"], "v4"),
    "AVX-512 without its later parts before 2.4": (["AVX", "F16C", "FMA3", "AVX2", "AVX512F", "AVX512CD"], "v3"),
    "AVX-512 without FMA before 2.4": (["AVX", "F16C", "AVX2", "AVX512F", "AVX512CD", "AVX512_SKX"], "base"),
}


@situation("old processor")
@pytest.mark.parametrize("where", ["found", "baseline"])
@pytest.mark.parametrize(("found", "best"), FOUND.values(), ids=FOUND)
def test_a_build_runs_only_where_all_its_instructions_are(
    found: list[str], best: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processors, hypervisors and systems leave out parts; NumPy may have found them or have been compiled for them."""
    report = {"SIMD Extensions": {"baseline": ["SSE", "SSE2"]}}
    report["SIMD Extensions"][where] = [*report["SIMD Extensions"].get(where, []), *found]
    monkeypatch.setattr(np, "show_config", lambda mode: report)
    assert _machine.runnable()[-1] == best


@situation("old processor")
def test_a_numpy_without_optimisations_gets_the_plainest_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing about the processor at all."""
    monkeypatch.setattr(np, "show_config", lambda mode: {"Compilers": {}})
    assert _machine.runnable() == ["base"]


@situation("old processor")
@pytest.mark.parametrize("without", ["X86_V4", "X86_V3 X86_V4"])
def test_what_numpy_may_not_use_is_not_used(without: str) -> None:
    """Its own environment variable hides instructions; then they are hidden here too."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    if not set(without.split()) <= set(simd.get("found", ())):
        pytest.skip(f"NumPy has not found {without} here")
    printed = processes.output(
        "import os; os.environ.pop('ACTFN_BUILD', None)\n" + CHOICE, NPY_DISABLE_CPU_FEATURES=without
    )
    assert printed.split()[0] == {"X86_V4": "v3", "X86_V3 X86_V4": "base"}[without]


def read(tool: str, *arguments: str | Path) -> str:
    """What a tool of binutils says."""
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}, of binutils")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=True).stdout


@situation("old processor")
@on_linux_x86_64
@pytest.mark.parametrize("module", [MODULES["base"], Path(scalars.__file__)], ids=["base", "scalars"])
def test_what_every_processor_loads_has_no_newer_instructions(module: Path) -> None:
    """All those of AVX and later begin with a v, or are of BMI; nothing of the plain ones does."""
    code = read("objdump", "-d", "--no-show-raw-insn", module)
    mnemonics = set(re.findall(r"^ +[0-9a-f]+:\t([a-z0-9]+)", code, re.MULTILINE))
    assert {"mulsd", "ret"} & mnemonics, "the pattern of this test no longer fits"
    newer = {m for m in mnemonics if re.match("v|andn$|bextr|bls|bzhi|mulx|p(dep|ext)$|rorx|sarx|sh[lr]x|lzcnt", m)}
    assert not newer


@situation("old processor")
@on_linux_x86_64
@pytest.mark.parametrize("build", [build for build in MODULES if build != "base"])
def test_a_build_says_what_it_needs_to_those_who_load_it(build: str) -> None:
    """Who imports a module by its name, on a processor that it is not for, gets an ImportError from glibc."""
    assert f"x86 ISA needed: x86-64-{build}" in read("readelf", "-n", MODULES[build])


@situation("old processor")
@on_linux_x86_64
@pytest.mark.parametrize("module", [*MODULES.values(), Path(scalars.__file__)], ids=[*MODULES, "scalars"])
def test_no_build_lends_its_functions_to_another(module: Path) -> None:
    """A function that two modules export is one function, of the module that came first, in whichever instructions."""
    exported = {line.split()[-1] for line in read("nm", "-D", "--defined-only", module).splitlines()}
    assert {name for name in exported if not name.startswith(("PyInit_", "__pyx_module_is_main_"))} == set()


def test_no_build_at_all_is_an_import_error() -> None:
    """A sentence that says what to do."""
    result = processes.run(
        """
        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if "_kernels" in name else find(name, *rest)
        import actfn
        """
    )
    assert "ImportError: actfn: no compiled build is installed" in result.stderr


@situation("builds")
@pytest.mark.parametrize("direction", measure.DIRECTIONS)
def test_builds_agree(name: str, dtype: str, direction: str) -> None:
    """Two builds, both within their bound of the exact value, are within twice the bound of each other."""
    results = {b: measure.result(k, name, direction, dtype) for b, k in measure.builds().items()}
    bound = 2 * measure.bound_of(name, direction, dtype)
    quantum = np.ldexp(1.0, measure.reference(name, direction, dtype).quantum)
    for (first, a), (second, b) in itertools.combinations(results.items(), 2):
        with np.errstate(all="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            apart = np.where(same, 0.0, np.abs(a.astype(float) / 2 - b.astype(float) / 2) / quantum * 2)
        worst = int(np.argmax(apart))
        assert apart[worst] <= bound, (first, second, samples.values(dtype)[worst], a[worst], b[worst])


@situation("builds")
def test_every_build_has_every_function() -> None:
    """The same ufuncs with the same types, in all builds."""
    tables = [{name: ufunc.types for name, ufunc in k.ufuncs.items()} for k in measure.builds().values()]
    assert all(table == tables[0] for table in tables)
    kinds = ("elementwise", "gated", "pointwise loss")
    expected = {n + s for n, row in oracle.ROWS.items() if row.kind in kinds for s in ("", "_backward")}
    expected |= {f"{n}_backward_{p}" for n, row in oracle.ROWS.items() if row.kind in kinds for p in row.trains}
    expected |= {f"{n}_term" for n, row in oracle.ROWS.items() if row.kind == "pointwise loss"}
    assert set(tables[0]) == expected


def test_show_config_says_what_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """Version, build, threads."""
    actfn.show_config()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["actfn", actfn.__version__]
    assert lines[1].startswith(f"build    {actfn.build} (this machine can run {', '.join(_build.available())})")
    assert lines[2].startswith(f"threads  {actfn.get_num_threads()} ")
