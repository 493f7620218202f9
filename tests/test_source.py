"""What only the sources can tell: nothing was left out of the loops that become SIMD, and no dangerous flag is set."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from . import oracle

ROOT = Path(__file__).parent.parent
SOURCES = [ROOT / "src" / "_kernels.pyx", *sorted((ROOT / "src").glob("*.pxi"))]
pytestmark = pytest.mark.skipif(not SOURCES[0].exists(), reason="needs the source tree")

DEFINITION = re.compile(r"^cdef (inline )?([\w. *]+?) (\w+)\((.*?)\)([^()\n]*):", re.MULTILINE | re.DOTALL)
SCALARS = ("_kernels.pyx", "_scalars.pxi", "_pairs.pxi", "_periodic.pxi", "_triples.pxi")


def definitions(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """(name, "inline " or "", result type, what follows the parameters) of every cdef function."""
    for found in DEFINITION.finditer(path.read_text()):
        inline, kind, name, _, suffix = found.groups()
        yield name, inline or "", kind, suffix.strip()


def needed() -> dict[str, str]:
    """Every scalar that the table calls, with the row that it belongs to; as setup.py does it."""
    scalars = {}
    for name, row in oracle.ROWS.items():
        if row.kind in ("elementwise", "gated", "pointwise loss"):
            gradients = [f"_backward_{i}" for i in row.inputs] if row.kind == "gated" else ["_backward"]
            gradients += ["_term"] if row.kind == "pointwise loss" else []
            for suffix in ("", *gradients, *(f"_backward_{p}" for p in row.trains)):
                scalars[name + suffix] = name
    return scalars


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name in SCALARS], ids=lambda p: p.name)
def test_every_scalar_is_inline_noexcept_nogil(path: Path) -> None:
    """Without inline the loop around a scalar stays scalar; without noexcept every call checks for an exception."""
    found = list(definitions(path))
    assert found, "no scalar was found: the pattern of this test no longer fits"
    for name, inline, kind, suffix in found:
        assert inline, f"{name} is not inline"
        assert suffix == "noexcept nogil", f"{name} is not noexcept nogil"
        assert kind, name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_scalar_branches(path: Path) -> None:
    """Scalars are conditional expressions: no if block but those that choose by type, no loop, no C library call."""
    if path.name not in SCALARS:
        return
    text = path.read_text()
    for block in re.findall(r"^    +(?:if|elif) (.*):$", text, re.MULTILINE):
        assert re.fullmatch(r"T is (float|double)", block), f"{path.name}: if {block}"
    assert not re.search(r"^    +(?:for|while) ", text, re.MULTILINE)
    assert not re.search(r"libc.math cimport (?!INFINITY, NAN$)", text, re.MULTILINE), (
        "a function of the C library is a call"
    )


def test_scalars_and_rows_belong_together() -> None:
    """Every scalar of a row is defined once; every public pair of scalars belongs to a row."""
    names = [name for path in SOURCES for name, *_ in definitions(path)]
    scalars = needed()
    for scalar, row in scalars.items():
        assert names.count(scalar) == 1, f"{scalar} of the row {row} is defined {names.count(scalar)} times"
    public = {
        name for path in SOURCES if path.name == "_kernels.pyx" for name, _, kind, _ in definitions(path) if kind == "T"
    }
    for name in public:
        if f"{name}_backward" in names or f"{name}_backward_gate" in names:
            assert name in scalars, f"{name} has a backward but no row in the catalog"
        if "_backward" in name:
            assert name in scalars, f"{name} belongs to no row of the catalog"


def test_a_row_without_a_scalar_stops_the_build() -> None:
    """setup.py names what is missing."""
    setup = (ROOT / "setup.py").read_text()
    assert 'raise SystemExit(f"setup.py: the catalog needs a scalar {scalar!r}' in setup


def test_no_flag_changes_arithmetic() -> None:
    """-ffast-math and its parts set flush-to-zero for the whole process, or drop NaN and signs of zero."""
    flags = re.sub(r"#.*", "", (ROOT / "setup.py").read_text())
    for word in ("fast-math", "Ofast", "unsafe-math", "finite-math", "associative-math", "no-signed-zeros", "fp:fast",
                 "reciprocal-math", "daz-ftz", "march=native"):  # fmt: skip
        assert word not in flags, word
    for wanted in ("-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"):
        assert f'"{wanted}"' in flags, wanted
    code = "".join(path.read_text() for path in SOURCES)
    for word in ("_mm_setcsr(_mm_getcsr", "_MM_SET_FLUSH", "_MM_SET_DENORMALS", "fesetround", "fast-math"):
        assert word not in code, word


# ---- The compiler's own report --------------------------------------------------------------------------------


def compiler() -> str:
    found = shutil.which("gcc")
    if (
        found is None
        or "gcc" not in subprocess.run([found, "--version"], capture_output=True, text=True).stdout.lower()
    ):
        pytest.skip("reads the report of gcc, which is not installed")
    return found


@lru_cache(maxsize=1)
def generated_c(folder: Path) -> Path:
    """The C of the v3 build: Cython's from the last build if that is newer than the sources, or made now."""
    table = ROOT / "build" / "generated" / "_table.pxi"
    built = ROOT / "build" / "cython" / "v3" / "src" / "_kernels.c"
    if built.exists() and built.stat().st_mtime >= max(p.stat().st_mtime for p in SOURCES):
        return built
    if not table.exists():
        pytest.skip("build/generated/_table.pxi is missing: build the package first")
    target = folder / "_kernels.c"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "cython",
            "-3",
            f"-I{table.parent}",
            f"-I{ROOT / 'src'}",
            str(SOURCES[0]),
            "-o",
            str(target),
        ],
        check=True,
        capture_output=True,
    )
    return target


def setup_lists() -> tuple[list[str], list[tuple[str, str]]]:
    """Flags and macros of setup.py, as it would give them to gcc for the v3 build."""
    text = (ROOT / "setup.py").read_text()
    flags = re.search(r"^FLAGS = .*? else (\[.*?\])$", text, re.MULTILINE | re.DOTALL)
    assert flags, "setup.py no longer has FLAGS in the form that this test reads"
    macros = re.search(r"^MACROS = (\[.*?^\])", text, re.MULTILINE | re.DOTALL)
    assert macros, "setup.py no longer has MACROS in the form that this test reads"
    march = re.search(r'"v3"\].*?(-march=[\w-]+)', text)
    assert march, "setup.py no longer says -march for v3 in the form that this test reads"
    return [*eval(flags[1]), march[1]], eval(macros[1], {"MSVC": False})


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], str]:
    """The lines of the C file, and what gcc says about its loops."""
    gcc = compiler()
    if not (sysconfig.get_platform().endswith("x86_64") and sys.platform == "linux"):
        pytest.skip("-march=x86-64-v3 is for x86-64")
    folder = tmp_path_factory.mktemp("c")
    source = generated_c(folder)
    flags, macros = setup_lists()
    # Without -fno-ipa-icf, gcc merges a loop whose scalar ignores its parameters with its twin and reports one of them.
    command = [
        gcc, "-c", "-o", str(folder / "out.o"), *flags, "-fno-ipa-icf", "-fPIC", "-fopenmp", "-DNDEBUG", "-w",
        *(f"-D{name}={value}" for name, value in macros), f"-I{np.get_include()}",
        f"-I{sysconfig.get_path('include')}", "-fopt-info-vec-optimized", str(source),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stderr[-2000:]}"
    return source.read_text().splitlines(), result.stderr


def bodies(lines: list[str], pattern: str) -> dict[str, range]:
    """Line numbers, from 1, of the functions whose name fits."""
    found, start, name = {}, 0, ""
    head = re.compile(rf"^static void __pyx_f_\w*?_({pattern})\(.*\) {{$")
    for number, line in enumerate(lines, 1):
        match = head.match(line)
        if match:
            start, name = number, match[1]
        elif line == "}" and name:
            found[name] = range(start, number + 1)
            name = ""
    return found


def test_every_loop_is_vectorised(report: tuple[list[str], str]) -> None:
    """gcc turns the loop of every kernel, for one value per parameter and for arrays of them, into SIMD."""
    lines, text = report
    loops = bodies(lines, r"(?:uniform|varying)_\w+_(?:float|double)")
    kernels = {re.sub(r"^(uniform|varying)_|_(float|double)$", "", name) for name in loops}
    backwards = {
        k if oracle.ROWS[v].kind != "gated" else re.sub("_backward_.*", "_backward", k) for k, v in needed().items()
    }
    assert kernels == backwards, "the pattern of this test does not find every loop of the table"
    reported = {int(n) for n in re.findall(r"^[^:\n]+:(\d+):\d+: optimized: loop vectorized", text, re.MULTILINE)}
    # A loop that only copies is a memcpy to gcc.
    copies = {"uniform_identity_float", "uniform_identity_double"}
    scalar = sorted(name for name, span in loops.items() if not reported & set(span) and name not in copies)
    assert not scalar, f"{len(scalar)} of {len(loops)} loops are not vectorised: {', '.join(scalar)}"


def test_nothing_claims_to_be_safe_without_the_gil() -> None:
    """Python switches the lock on again for a module that does not say so: nobody has run these tests without it."""
    for source in (ROOT / "src").iterdir():
        if source.suffix in (".pyx", ".pxi", ".in"):
            assert "freethreading" not in source.read_text(encoding="utf-8"), source.name
