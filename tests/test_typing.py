"""The types of the public functions, as type checkers see them in a user's program."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import actfn
from actfn import layers

from . import oracle

ROOT = Path(__file__).parent.parent
PACKAGE = Path(actfn.__file__).parent
PROGRAMS = Path(__file__).parent / "typing"
STUB = PACKAGE / "_functions.pyi"


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A tool, on the package that is imported here."""
    path = str(PACKAGE.parent)
    # mypy looks into site-packages by itself, and will not be told to.
    environment = {} if PACKAGE.parent.name == "site-packages" else {"MYPYPATH": path}
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([path, *sys.path]), **environment},
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def accepted() -> list[str]:
    """The programs that must be; that with labels needs xarray."""
    return ["user.py", *(["labels.py"] if find_spec("xarray") else [])]


def marked(program: Path) -> list[int]:
    """Lines that must be refused."""
    return [n for n, line in enumerate(program.read_text().splitlines(), 1) if line.endswith("# ERROR")]


@pytest.mark.skipif(not find_spec("mypy"), reason="needs mypy")
def test_mypy_strict(tmp_path: Path) -> None:
    """mypy --strict finds exactly the types in the users' programs and exactly the errors in wrong.py."""
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    options = ("-m", "mypy", "--strict", "--config-file", "mypy.ini", "--cache-dir", str(tmp_path / "cache"))
    done = run(*options, *(str(PROGRAMS / program) for program in accepted()), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(*options, str(PROGRAMS / "wrong.py"), cwd=tmp_path)
    found = {int(n) for n in re.findall(r"wrong\.py:(\d+): error", done.stdout)}
    assert sorted(found) == marked(PROGRAMS / "wrong.py"), done.stdout + done.stderr


@pytest.mark.skipif(not find_spec("mypy"), reason="needs mypy")
def test_the_guide(tmp_path: Path) -> None:
    """mypy accepts all of the first program in docs/guides, which runs, and no call of the second."""
    page = ROOT / "docs" / "guides" / "types.rst"
    if not page.exists():
        pytest.skip("needs the source tree")
    blocks = re.findall(
        r"^\.\. code-block:: python\n\n((?:(?:   .*)?\n)+)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    right, wrong = (textwrap.dedent(block).strip() for block in blocks)
    (tmp_path / "guide.py").write_text(f"{right}\n{wrong}\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    done = run("-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "guide.py", cwd=tmp_path)
    first = len(right.splitlines()) + 1
    assert sorted({int(n) for n in re.findall(r"guide\.py:(\d+): error", done.stdout)}) == list(
        range(first, first + len(wrong.splitlines()))
    ), done.stdout
    found = re.findall(r"Revealed type is \"(.*)\"", done.stdout)
    assert len(found) == right.count("reveal_type") and found[-1] == "Any" and "Any" not in found[:-1]
    ran = run("-W", "error", "-c", "def reveal_type(result): pass\n" + right)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.skipif(not find_spec("pyright"), reason="needs pyright")
def test_pyright_strict(tmp_path: Path) -> None:
    """The same of pyright, which editors use."""
    for program in (*accepted(), "wrong.py"):
        text = "# pyright: strict\n" + (PROGRAMS / program).read_text()
        (tmp_path / program).write_text(text)
    settings = {"extraPaths": [str(PACKAGE.parent)], "reportMissingModuleSource": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = run("-m", "pyright", "--outputjson", "--pythonpath", sys.executable, cwd=tmp_path)
    errors = [d for d in json.loads(done.stdout)["generalDiagnostics"] if d["severity"] == "error"]
    # Of a line that was added above, and counted from 0.
    found = {(Path(d["file"]).name, d["range"]["start"]["line"]) for d in errors}
    expected = {("wrong.py", line) for line in marked(PROGRAMS / "wrong.py")}
    assert found - expected == set(), [d["message"] for d in errors]
    assert expected - found == set()


def test_the_programs_are_right() -> None:
    """Their calls work, whatever the type checkers say."""
    for program in accepted():
        done = run("-W", "error", "-c", f"import runpy; runpy.run_path({str(PROGRAMS / program)!r})")
        assert done.returncode == 0, done.stderr


def test_the_stub_has_every_function() -> None:
    """Each once in __all__, ufuncs as ufuncs, the others as functions with the defaults of the catalog."""
    text = STUB.read_text(encoding="utf-8")
    names = re.findall(r'^    "(\w+)",$', text, re.MULTILINE)
    assert names == [n + s for n in oracle.ROWS for s in ("", "_backward")]
    for name in names:
        is_ufunc = isinstance(getattr(actfn, name), np.ufunc)
        assert bool(re.search(rf"^{name}: _Ufunc_", text, re.MULTILINE)) == is_ufunc
        assert bool(re.search(rf"^def {name}\(", text, re.MULTILINE)) != is_ufunc


def test_the_stub_has_the_defaults_of_the_functions() -> None:
    """stubtest looks at no default of an overload: every parameter with its own, in each of them."""
    definitions = [d for d in ast.parse(STUB.read_text(encoding="utf-8")).body if isinstance(d, ast.FunctionDef)]
    for definition in definitions:
        real = inspect.signature(getattr(actfn, definition.name)).parameters
        arguments = definition.args
        pairs = [
            *zip(reversed(arguments.args), reversed(arguments.defaults), strict=False),
            *((a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None),
        ]
        for argument, default in pairs:
            if argument.arg != "dtype":
                assert eval(ast.unparse(default)) == real[argument.arg].default, (definition.name, argument.arg)
        operands = [a.arg for a in arguments.args]
        assert operands == list(real)[: len(operands)], definition.name


def test_the_stub_of_layers_has_the_arguments_of_the_classes() -> None:
    """Every class that is made from a row, with names, order and defaults; and with `dim` in the place of an axis."""
    stub = ast.parse(STUB.with_name("_layers.pyi").read_text(encoding="utf-8")).body
    classes = {node.name: node for node in stub if isinstance(node, ast.ClassDef)}
    by_hand = {node.name for node in ast.parse(inspect.getsource(layers)).body if isinstance(node, ast.ClassDef)}
    assert classes.keys() == set(layers.__all__) - by_hand
    for name, node in classes.items():
        start, *others = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        real = list(inspect.signature(getattr(layers, name)).parameters.values())
        given, named = start.args.args[1:], start.args.kwonlyargs
        assert [a.arg for a in (*given, *named)] == [p.name for p in real], name
        assert [p.kind is p.KEYWORD_ONLY for p in real] == [False] * len(given) + [True] * len(named), name
        values = [*([None] * (len(given) - len(start.args.defaults))), *start.args.defaults, *start.args.kw_defaults]
        for value, parameter in zip(values, real, strict=True):
            assert (value is None) == (parameter.default is parameter.empty), (name, parameter)
            assert value is None or eval(ast.unparse(value)) == parameter.default, (name, parameter)
        axis = [a for a in (*given, *named) if a.arg == "axis"]
        assert len(others) == len(axis), name
        for other in others:
            (dim,) = [a for a in other.args.kwonlyargs if a.arg == "dim"]
            assert other.args.kw_defaults[other.args.kwonlyargs.index(dim)] is None, name
            assert ast.unparse(dim.annotation or dim) == ast.unparse(axis[0].annotation or dim), name
            every = [a.arg for a in (*other.args.args[1:], *other.args.kwonlyargs) if a.arg != "dim"]
            assert every == [p.name for p in real if p.name != "axis"], name


@pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="needs the source tree")
def test_the_stub_is_what_setup_would_render() -> None:
    """An outdated stub is found here; building the package again renews it."""
    code = "import runpy; print(*(f.name + f.doc for f in runpy.run_path('src/_stubs.py')['functions']()), sep='')"
    done = run("-X", "utf8", "-c", code, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    functions = [n + s for n in oracle.ROWS for s in ("", "_backward")]
    for name in functions:
        first = getattr(actfn, name).__doc__.splitlines()[0]
        assert f'{name}"""{first}' in done.stdout
        assert f'"""{first}' in STUB.read_text(encoding="utf-8")
