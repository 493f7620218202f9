"""CONTRIBUTING.md says that a scalar pair and a row are all that a new activation needs: do what it says, and look."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ANCHOR = "# ---- Parabolas between straight lines"

# What the test of a new activation would check, run where `actfn` is the scratch copy.
CHECKS = r"""
import importlib.util
import inspect
import subprocess
import sys
import numpy as np
import actfn

x = np.array([-np.inf, -2.0, -0.0, 0.0, 1.5, 3.0, np.inf, np.nan])
for dtype in (np.float16, np.float32, np.float64):
    y = actfn.relu3(x.astype(dtype))
    gx = actfn.relu3_backward(dtype(2), x.astype(dtype))
    assert y.dtype == gx.dtype == dtype
    np.testing.assert_array_equal(y, [0, 0, 0, 0, 3.375, 27, np.inf, np.nan])
    np.testing.assert_array_equal(gx, [0, 0, 0, 0, 13.5, 54, np.inf, np.nan])
np.testing.assert_array_equal(actfn.relu3_backward([np.inf, np.nan], -1.0), [0, np.nan])
assert actfn.relu3_backward(1e-300, 1e200) == 1e-300 * 1e200 * 1e200 * 3
assert actfn.relu3(np.float32(1.1)) == np.float32(np.float64(np.float32(1.1)) ** 3)

from actfn import scalars
assert {"relu3", "relu3f", "relu3_backward", "relu3_backwardf"} <= set(scalars.__pyx_capi__)

assert isinstance(actfn.relu3, np.ufunc) and isinstance(actfn.relu3_backward, np.ufunc)
assert list(inspect.signature(actfn.relu3).parameters)[:2] == ["x", "out"]
assert list(inspect.signature(actfn.relu3_backward).parameters)[:3] == ["grad", "x", "out"]
assert {"relu3", "relu3_backward"} <= set(actfn.__all__)
assert actfn.get("Cubed-ReLU") is actfn.relu3
assert "Cubed ReLU" in actfn.relu3.__doc__ and "Max(x, 0)**3" in actfn.relu3.__doc__
assert "arXiv:1710.00211" in actfn.relu3_backward.__doc__
layer = actfn.layers.CubedReLU()
assert repr(layer) == "CubedReLU()" and layer(3.0) == 27 and layer.backward(2.0) == 54
if importlib.util.find_spec("torch"):
    import torch
    import actfn.torch
    x = torch.tensor(3.0, requires_grad=True)
    actfn.torch.CubedReLU()(x).backward()
    assert actfn.torch.relu3(x) == 27 and x.grad == 27
assert actfn.build == "base"

from pathlib import Path
assert "\nrelu3: _Ufunc_x\n" in Path(actfn.__file__).with_name("_functions.pyi").read_text(encoding="utf-8")
assert "Cubed ReLU (relu3)" in subprocess.check_output([sys.executable, "-m", "actfn", "show", "relu3"], text=True)
"""


def block(language: str) -> str:
    """The one block of CONTRIBUTING.md that is marked with a language."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return found


def edit(path: Path, line: int, text: str) -> None:
    """Put a text before a line, counted from 0."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:line], text, *lines[line:]]), encoding="utf-8")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the scratch copy first on its path, and nothing inherited that would point elsewhere."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "ACTFN", "COV"))}
    environment |= {"PYTHONPATH": str(cwd / "src"), "ACTFN_BUILDS": "base", "ACTFN_BUILD": "base"}
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the activation of CONTRIBUTING.md in it, built for the plainest processor."""
    copy = tmp_path_factory.mktemp("contributing")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("src", "tests", "benchmarks", "reliability"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.egg-info")
        )

    kernels = copy / "src" / "_kernels.pyx"
    (at,) = [k for k, line in enumerate(kernels.read_text(encoding="utf-8").splitlines()) if line.startswith(ANCHOR)]
    edit(kernels, at, block("cython") + "\n\n")

    catalog = copy / "src" / "actfn" / "catalog.py"
    statements = ast.parse(catalog.read_text(encoding="utf-8")).body
    (rows,) = [s for s in statements if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "ROWS"]
    assert rows.end_lineno is not None
    edit(catalog, rows.end_lineno - 1, block("python"))

    run("setup.py", "-q", "build_ext", "--inplace", cwd=copy)
    return copy


def test_the_new_activation_is_complete(scratch: Path) -> None:
    """Ufuncs, values, gradients, signature, docstring and alias follow from the two blocks."""
    run("-W", "error", "-c", CHECKS, cwd=scratch)


def test_its_example_is_right(scratch: Path) -> None:
    """The example of the row prints what it says."""
    code = (
        "import doctest, numpy as np, actfn; "
        "test = doctest.DocTestParser().get_doctest(actfn.catalog['relu3'].example, "
        "{'np': np, 'actfn': actfn}, 'relu3', None, 0); "
        "result = doctest.DocTestRunner().run(test); "
        "assert result == (0, 2), result"
    )
    run("-W", "error", "-c", code, cwd=scratch)


def test_its_tests_follow(scratch: Path) -> None:
    """The new name is a case of every test that its neighbour in the catalog is a case of."""
    listed = run("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests", cwd=scratch).stdout
    cases = {
        name: {line.partition("[")[0] for line in listed.splitlines() if re.search(rf"\[(.*-)?{name}(-.*)?\]$", line)}
        for name in ("sparse_plus", "relu3")
    }
    assert cases["sparse_plus"]
    assert cases["relu3"] == cases["sparse_plus"]


def test_a_row_without_a_scalar_stops_the_build(scratch: Path, tmp_path: Path) -> None:
    """The build names the scalar that is missing, and stops before it compiles anything."""
    shutil.copytree(scratch, tmp_path / "copy", ignore=shutil.ignore_patterns("build", "*.so", "tests"))
    kernels = tmp_path / "copy" / "src" / "_kernels.pyx"
    kernels.write_text(
        kernels.read_text(encoding="utf-8").replace("T relu3_backward(", "T relu3_backwards("), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=tmp_path / "copy", env=os.environ | {"ACTFN_BUILDS": "base"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "'relu3_backward'" in done.stderr
