"""The builds for different processors: which one is chosen, and that they agree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import actfn
from actfn import _build

from . import measure, oracle, processes, samples
from .situations import situation

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


@pytest.mark.parametrize("wrong", ["v5", "", "V3", "base "])
def test_an_unknown_build_is_an_import_error(wrong: str) -> None:
    """Loud, and naming what was asked for and what there is."""
    result = processes.run(CHOICE, ACTFN_BUILD=wrong)
    assert result.returncode == 1
    assert f"ImportError: actfn: ACTFN_BUILD must be one of base, v3, v4, got {wrong!r}" in result.stderr


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


def test_an_old_processor_gets_the_plainest_build() -> None:
    """As NumPy reports it."""
    printed = processes.output(
        "import os; os.environ.pop('ACTFN_BUILD', None)\n"
        "import numpy as np\n"
        'np.show_config = lambda mode: {"SIMD Extensions": {"baseline": ["SSE", "SSE2"], "found": []}}\n' + CHOICE
    )
    assert printed == "base actfn._kernels_base"


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
